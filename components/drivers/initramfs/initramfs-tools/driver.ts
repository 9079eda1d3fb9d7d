import { BIND_LIST, bindScript, MADE_BY } from "../../../plan/kernel/binding.ts";
import type { InitramfsDriver } from "../../../plan/driver.ts";
import { DEBIAN_IMAGES } from "../shared/debian-images.ts";
import { imageFiles } from "../shared/image-files.ts";

/** First among its kind by name, so that it runs before udev (initramfs-tools sorts scripts without prerequisites by name). */
const SCRIPT = "/etc/initramfs-tools/scripts/init-top/00-vfio-fleet";

/** initramfs-tools: Debian, and Ubuntu up to 25.04 (initramfs-tools(7)). */
export const initramfsTools: InitramfsDriver = {
  name: "initramfs-tools",
  scripts: [
    new URL("../shared/boot-images.sh", import.meta.url),
    new URL("initramfs-tools.sh", import.meta.url),
  ],
  readsToExplain: ["/etc/initramfs-tools/modules"],
  tools: ["update-initramfs", "mkinitramfs"],
  images: DEBIAN_IMAGES,
  detect: (facts) => {
    const tools = facts.initramfs.tools.map((path) => path.split("/").at(-1));
    // dracut's package brings an update-initramfs of its own, but no mkinitramfs
    return tools.includes("mkinitramfs") && tools.includes("update-initramfs");
  },
  files: ({ modules, rivals }) => [
    {
      path: "/etc/initramfs-tools/hooks/vfio-fleet",
      mode: "755",
      content: `#!/bin/sh
${MADE_BY}# Puts the modules and the list of functions into the initramfs.
case \${1:-} in prereqs) exit 0 ;; esac
. /usr/share/initramfs-tools/hook-functions
manual_add_modules ${modules.join(" ")}
mkdir -p "$DESTDIR/etc/vfio-fleet"
cp -p ${BIND_LIST} "$DESTDIR${BIND_LIST}"
`,
    },
    {
      path: SCRIPT,
      mode: "755",
      content: `#!/bin/sh\n${MADE_BY}case \${1:-} in prereqs) exit 0 ;; esac\n${bindScript({ modules, rivals })}`,
    },
  ],
  effects: (files) => imageFiles(files, { [SCRIPT]: SCRIPT.replace("/etc/initramfs-tools", "") }),
};
