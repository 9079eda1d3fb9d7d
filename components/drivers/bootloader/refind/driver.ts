import { has, recognised, running } from "../shared/recognised.ts";

const REFIND_CONF = "/boot/refind_linux.conf";

/** rEFInd passes initrd= in front of its options (rEFInd manual, "refind_linux.conf") and says no name of its own. */
export const refind = recognised(
  "rEFInd",
  {
    reads: [REFIND_CONF],
    configuredIn: REFIND_CONF,
    detect: (facts) =>
      /^refind/i.test(facts.boot.loaderInfo ?? "") ||
      (facts.boot.loaderInfo === null &&
        facts.boot.efi &&
        !has(facts, "BOOT_IMAGE=") &&
        has(facts, "initrd=") &&
        facts.files[REFIND_CONF] !== undefined),
  },
  (facts, args) =>
    `make this the first line of ${REFIND_CONF}: "Boot with GPU passthrough" "${[...new Set([...running(facts), ...args])].join(" ")}"`,
);
