import { isOlder } from "../../version.ts";
import type { DomainContext } from "./context.ts";
import type { Report } from "./report.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { ProfileSettings } from "../spec/settings.ts";

interface Since {
  readonly field: string;
  readonly what: string;
  readonly libvirt: string;
  readonly qemu?: string;
  readonly used: (spec: DomainSpec, settings: ProfileSettings) => boolean;
}

/** The first versions, from libvirt's formatdomain documentation ("since …"). */
const since: readonly Since[] = [
  {
    field: "evdev",
    what: "evdev input",
    libvirt: "7.4.0",
    used: (spec) => spec.evdev.length > 0,
  },
  {
    field: "sharedFolders",
    what: "virtiofs",
    libvirt: "6.2.0",
    used: (spec) => spec.sharedFolders.some(({ type }) => type === "virtiofs"),
  },
  {
    field: "hyperv.enlightenments",
    what: "avic",
    libvirt: "8.10.0",
    qemu: "6.2.0",
    used: (_, { hyperv }) => hyperv.enlightenments.includes("avic"),
  },
  {
    field: "disks",
    what: "io: io_uring",
    libvirt: "6.3.0",
    qemu: "5.0.0",
    used: (spec) => (spec.disks ?? []).some(({ io }) => io === "io_uring"),
  },
  {
    field: "cpu.mode",
    what: "CPU mode maximum",
    libvirt: "7.1.0",
    used: ({ virtualization }, { cpu }) => cpu.mode[virtualization] === "maximum",
  },
];

/** Fields that the host's libvirt or QEMU does not know yet. */
export const checkVersions = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
  report: Report,
): void => {
  for (const entry of since) {
    if (!entry.used(spec, settings)) continue;
    for (const [name, first, has] of [
      ["libvirt", entry.libvirt, context.versions?.libvirt],
      ["QEMU", entry.qemu, context.versions?.qemu],
    ] as const)
      if (first !== undefined && has !== undefined && isOlder(has, first))
        report.add(
          entry.field,
          `${entry.what} needs ${name} ${first}, the host has ${has}`,
          `upgrade ${name} on the host, or do without it`,
        );
  }
};
