import { bindScript, MADE_BY } from "../../../plan/kernel/binding.ts";
import type { InitramfsDriver } from "../../../plan/driver.ts";
import { DEBIAN_IMAGES } from "../shared/debian-images.ts";
import { imageFiles } from "../shared/image-files.ts";

const MODULE = "/usr/lib/dracut/modules.d/05vfio-fleet";

/** What dracut itself loads and what comes with it: vfio_virqfd is pulled in where vfio_pci needs it. */
const named = (modules: readonly string[]): readonly string[] =>
  modules.filter((module) => module !== "vfio_virqfd");

/**
 * dracut: Debian 13 on request, Ubuntu from 25.10 (dracut(8), dracut.conf(5), dracut.modules(7)). Its package is what
 * the kernel's own hooks call; folders of another generator may linger after a change.
 */
export const dracut: InitramfsDriver = {
  name: "dracut",
  scripts: [new URL("../shared/boot-images.sh", import.meta.url), new URL("dracut.sh", import.meta.url)],
  readsToExplain: ["/etc/dracut.conf.d/*"],
  tools: ["dracut", "mkinitramfs"],
  images: DEBIAN_IMAGES,
  asksFor: ["dracut"],
  detect: (facts) => {
    const tools = facts.initramfs.tools.map((path) => path.split("/").at(-1));
    return (
      tools.includes("dracut") &&
      ((facts.packages["dracut"] ?? null) !== null || !tools.includes("mkinitramfs"))
    );
  },
  files: ({ modules, files, rivals }) => [
    {
      // only names that end in .conf are read
      path: "/etc/dracut.conf.d/90-vfio-fleet.conf",
      mode: "644",
      content: `${MADE_BY}force_drivers+=" ${named(modules).join(" ")} "
# a generic image holds nothing of /etc/modprobe.d by itself
install_items+=" ${files.join(" ")} "
`,
    },
    {
      path: `${MODULE}/module-setup.sh`,
      mode: "755",
      content: `#!/bin/bash
${MADE_BY}check() { return 0; }
depends() { echo base; }
install() {
    inst_multiple cat readlink modprobe
    inst_hook pre-udev 00 "$moddir/vfio-fleet.sh"
}
`,
    },
    {
      // dracut sources its hooks, and the script ends with exit
      path: `${MODULE}/vfio-fleet.sh`,
      mode: "755",
      content: `#!/bin/sh\n${MADE_BY}(\n${bindScript({ modules, rivals })})\n`,
    },
  ],
  effects: (files) =>
    imageFiles(files, { [`${MODULE}/vfio-fleet.sh`]: "/var/lib/dracut/hooks/pre-udev/00-vfio-fleet.sh" }),
};
