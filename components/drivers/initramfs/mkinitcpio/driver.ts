import { bindScript, MADE_BY } from "../../../plan/kernel/binding.ts";
import type { InitramfsDriver } from "../../../plan/driver.ts";
import { imageFiles } from "../shared/image-files.ts";

const HOOK = "/etc/initcpio/hooks/vfio-fleet";
/** Settings of udev's service inside the image. */
const UDEVD_DROP_INS = "/etc/systemd/system/systemd-udevd.service.d";

/**
 * mkinitcpio, with the busybox init or with systemd: Arch Linux (mkinitcpio(8), mkinitcpio.conf(5)). An early hook runs
 * before udev's; where systemd is init there are none, and udev's own service runs ours first.
 */
export const mkinitcpio: InitramfsDriver = {
  name: "mkinitcpio",
  scripts: [new URL("mkinitcpio.sh", import.meta.url)],
  readsToExplain: ["/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/*.conf"],
  // where one of the others is there, it builds
  tools: ["mkinitcpio", "dracut", "mkinitramfs"],
  images: { built: ["/boot/initramfs-*"], trials: ["/boot/vfio-fleet-trial-*"] },
  detect: (facts) => {
    const tools = facts.initramfs.tools.map((path) => path.split("/").at(-1));
    return tools.includes("mkinitcpio") && !tools.includes("dracut") && !tools.includes("mkinitramfs");
  },
  files: ({ modules, files, rivals }) => [
    {
      // drop-ins override the main file; ours comes last by its name
      path: "/etc/mkinitcpio.conf.d/zz-vfio-fleet.conf",
      mode: "644",
      content: `${MADE_BY}MODULES+=(${modules.filter((module) => module !== "vfio_virqfd").join(" ")})
FILES+=(${files.join(" ")})
case " \${HOOKS[*]} " in
  # it looks at what the systemd hook has put there
  *" systemd "*) HOOKS+=(vfio-fleet) ;;
  # early hooks run in this order, and udev's starts udev
  *) HOOKS=(vfio-fleet "\${HOOKS[@]}") ;;
esac
`,
    },
    {
      path: "/etc/initcpio/install/vfio-fleet",
      mode: "644",
      content: `#!/bin/bash
${MADE_BY}build() {
    add_runscript
    declare -F add_systemd_unit >/dev/null || return 0
    [[ -e $BUILDROOT/usr/bin/sh ]] || { add_binary bash; add_symlink /usr/bin/sh bash; }
    local tool
    for tool in cat readlink mkdir; do [[ -e $BUILDROOT/usr/bin/$tool ]] || add_binary "$tool"; done
    mkdir -p "$BUILDROOT${UDEVD_DROP_INS}"
    printf '%s\n' '[Service]' "ExecStartPre=-/usr/bin/sh -c '. /hooks/vfio-fleet && run_earlyhook'" \
        >"$BUILDROOT${UDEVD_DROP_INS}/vfio-fleet.conf"
}
help() { echo "Binds devices to vfio-pci by their address before udev starts."; }
`,
    },
    {
      path: HOOK,
      mode: "644",
      content: `#!/usr/bin/ash\n${MADE_BY}run_earlyhook() {\n(\n${bindScript({ modules, rivals })})\n}\n`,
    },
  ],
  effects: (files) => imageFiles(files, { [HOOK]: "/hooks/vfio-fleet" }),
};
