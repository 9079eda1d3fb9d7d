import { has, recognised, running } from "../shared/recognised.ts";

const LIMINE_CONFS = ["/boot/limine.conf", "/boot/limine/limine.conf", "/boot/efi/limine.conf"];

/** Limine names itself since 9.3; older ones leave no trace on the command line, only their configuration. */
export const limine = recognised(
  "Limine",
  {
    looksFor: LIMINE_CONFS,
    configuredIn: "limine.conf",
    detect: (facts) =>
      /^limine/i.test(facts.boot.loaderInfo ?? "") ||
      (facts.boot.loaderInfo === null &&
        !has(facts, "BOOT_IMAGE=") &&
        !has(facts, "initrd=") &&
        LIMINE_CONFS.some((path) => facts.exists.includes(path))),
  },
  (facts, args) =>
    `write in ${LIMINE_CONFS.find((path) => facts.exists.includes(path)) ?? "limine.conf"}, in the entry that boots: cmdline: ${[...new Set([...running(facts), ...args])].join(" ")}`,
);
