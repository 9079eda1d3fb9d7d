import { bindScript, MADE_BY } from "../core/binding.ts";
import type { InitramfsDriver } from "../core/driver.ts";
import { imageFiles } from "./image-files.ts";

const CONF = "/etc/mkinitcpio.conf";
const OURS = "/etc/mkinitcpio.conf.d/zz-vfio-fleet.conf";
const HOOK = "/etc/initcpio/hooks/vfio-fleet";

/** mkinitcpio with the busybox init: Arch Linux (mkinitcpio(8), mkinitcpio.conf(5)). */
export const mkinitcpio: InitramfsDriver = {
  name: "mkinitcpio",
  scripts: [new URL("boot-images.sh", import.meta.url), new URL("mkinitcpio.sh", import.meta.url)],
  reads: [CONF, "/etc/mkinitcpio.conf.d/*.conf"],
  detect: (facts) => {
    const tools = facts.initramfs.tools.map((path) => path.split("/").at(-1));
    return tools.includes("mkinitcpio") && !tools.includes("dracut") && !tools.includes("mkinitramfs");
  },
  files: ({ modules, files, rivals }) => [
    {
      // drop-ins override the main file; ours comes last by its name
      path: OURS,
      mode: "644",
      content: `${MADE_BY}MODULES+=(${modules.filter((module) => module !== "vfio_virqfd").join(" ")})
FILES+=(${files.join(" ")})
# early hooks run in this order, and udev's starts udev
HOOKS=(vfio-fleet "\${HOOKS[@]}")
`,
    },
    {
      path: "/etc/initcpio/install/vfio-fleet",
      mode: "644",
      content: `#!/bin/bash
${MADE_BY}build() { add_runscript; }
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
  refuse: (facts) => {
    const texts = Object.entries(facts.files)
      .filter(([path]) => path !== OURS && (path === CONF || path.startsWith("/etc/mkinitcpio.conf.d/")))
      .sort(([a], [b]) => (a === CONF ? -1 : b === CONF ? 1 : a.localeCompare(b)));
    const hooks = texts
      .flatMap(([, { content }]) => [...content.matchAll(/^\s*HOOKS=\(([^)]*)\)/gm)])
      .at(-1)?.[1];
    return hooks?.split(/\s+/).includes("systemd")
      ? [
          {
            path: "initramfs",
            problem: `HOOKS in ${CONF} has systemd, whose initramfs runs no hooks before udev: nothing could bind the cards in time`,
            remedy:
              "replace systemd by udev there (and sd-vconsole by keymap consolefont), and run mkinitcpio -P",
          },
        ]
      : [];
  },
};
