import type { Checked } from "../../../facts/problem.ts";
import type { DomainContext } from "./context.ts";
import { guestPci, type GuestRole } from "./guest-pci.ts";
import { describePathKind, fitsPath, pathsToProbe, type PathNeed } from "./paths.ts";
import { letterPlace } from "./disk-places.ts";
import { newReport, type Report } from "./report.ts";
import { cardsOf, resolveCards } from "./cards.ts";
import { resolveCpu } from "./cpu.ts";
import { resolveDevices } from "./devices.ts";
import { resolveDisks } from "./disks.ts";
import { resolveFirmware, resolveMachine } from "./firmware.ts";
import { resolveMemory } from "./memory.ts";
import { resolvePinning } from "./pinning.ts";
import type { ResolvedDomain } from "./resolved.ts";
import type { DomainSpec } from "../spec/schema.ts";
import { settingsOf, type ProfileSettings } from "../spec/settings.ts";
import { domainUuid } from "./uuid.ts";
import { checkVersions } from "./versions.ts";
import { patchedDomain } from "../xml/domain-xml.ts";

/** A domain that is adopted keeps its TPM unless the stack says otherwise: what its guest has encrypted opens with that. */
const settingsFor = (spec: DomainSpec, { existing }: DomainContext, report: Report): ProfileSettings => {
  const settings = settingsOf(spec);
  if (!spec.adopt || spec.tpm !== undefined || !existing || existing.tpm === "none") return settings;
  if (existing.tpm !== "other") return { ...settings, tpm: existing.tpm };
  report.add(
    "tpm",
    "the domain has a TPM of a kind that no field describes: version 1.2, the host's own, or one whose state is encrypted",
    "set tpm to what the guest is to have instead; what it has encrypted with the old one does not open any more",
  );
  return settings;
};

/** A domain of this name that is not this stack's is taken over only when the user says so. */
const checkOwner = (spec: DomainSpec, { existing, stack, host }: DomainContext, report: Report): void => {
  if (!existing || spec.adopt) return;
  if (!existing.owner)
    report.add(
      "",
      "the host has a domain of this name that was made by hand",
      "set adopt: true to take it over with its UUID and disks, or choose another name",
    );
  else if (existing.owner.stack !== stack || existing.owner.host !== host)
    report.add(
      "",
      `the host has a domain of this name that belongs to stack "${existing.owner.stack}", host "${existing.owner.host}"`,
      "set adopt: true to take it over, or choose another name",
    );
};

const checkPaths = (needs: readonly PathNeed[], { paths = {} }: DomainContext, report: Report): void => {
  for (const { field, path, kind } of needs) {
    const found = Object.hasOwn(paths, path) ? paths[path] : undefined;
    if (found === undefined || fitsPath(found, kind)) continue;
    report.add(
      field,
      `${path}: expected ${describePathKind(kind)} on the host, found ${describePathKind(found)}`,
      found === "absent" ? "put it there, or correct the path" : "correct the path",
    );
  }
};

type Placed = Pick<
  ResolvedDomain,
  "cards" | "interfaces" | "disks" | "video" | "usb" | "balloon" | "lookingGlass" | "sharedFolders"
>;

const rolesOf = (domain: Placed): GuestRole[] => [
  ...domain.cards.map(({ place }) => ({ kind: "card", place }) as const),
  ...domain.interfaces.map((_, place) => ({ kind: "interface", place }) as const),
  ...domain.disks.flatMap(({ bus, target }) =>
    bus === "virtio" ? [{ kind: "virtio-disk", place: letterPlace(target) } as const] : [],
  ),
  ...domain.sharedFolders.map((_, place) => ({ kind: "filesystem", place }) as const),
  ...(domain.disks.some(({ bus }) => bus === "scsi") ? [{ kind: "scsi" } as const] : []),
  ...(domain.usb.controller === "none" ? [] : [{ kind: "usb" } as const]),
  ...(domain.balloon === "off" ? [] : [{ kind: "balloon" } as const]),
];

/**
 * Decides everything that a specification leaves open, for one host, and checks it against what the host has.
 * Every problem is reported at once. The result depends on nothing else, so that two previews of the same stack
 * and host describe the same domain.
 */
export const resolveDomain = (spec: DomainSpec, context: DomainContext): Checked<ResolvedDomain> => {
  const report = newReport(context.name);
  const settings = settingsFor(spec, context, report);
  const uuid = context.existing?.uuid ?? domainUuid(context.host, context.name);
  checkOwner(spec, context, report);
  const machine = resolveMachine(spec, settings, context);
  const { family } = machine;
  const named = cardsOf(spec, context, report);
  const cpu = resolveCpu(spec, settings, context, report);
  const storage = resolveDisks(spec, settings, family, context, report);
  const devices = resolveDevices(spec, settings, family, uuid, context, report);
  const cards = resolveCards(spec, named, family, context);
  const needs = pathsToProbe(spec, context.pools);
  checkPaths(needs, context, report);
  checkVersions(spec, settings, context, report);
  const { state, restart, autostart, adopt, deleteData, shutdownTimeoutSeconds, afterTimeout } = spec;
  const value: ResolvedDomain = {
    name: context.name,
    uuid,
    stack: context.stack,
    host: context.host,
    virtualization: spec.virtualization,
    machine,
    firmware: resolveFirmware(spec, settings, family, context, report),
    tpm: settings.tpm,
    ...resolveMemory(spec, settings, context, report),
    ...cpu,
    pinning: resolvePinning(settings, cpu.vcpus, named, context, report),
    iothreads: settings.iothreads,
    hideHypervisor: settings.hideHypervisor,
    vmport: settings.vmport,
    clock: settings.clock,
    suspend: settings.suspend,
    ...storage,
    ...devices,
    cards,
    guestPci: guestPci(family, rolesOf({ ...storage, ...devices, cards })),
    patch: spec.patch,
    needs,
    lifecycle: { state, restart, autostart, adopt, deleteData, shutdownTimeoutSeconds, afterTimeout },
  };
  // a domain with problems may lack what a patch points at
  const patched = report.problems.length > 0 ? undefined : patchedDomain(value);
  if (patched?.ok === false)
    for (const { index, problem } of patched.problems)
      report.add(
        `patch.${index}`,
        `${spec.patch[index]?.path ?? ""}: ${problem}`,
        "correct the path; the finished XML is what virsh dumpxml shows",
      );
  return report.problems.length > 0 ? { ok: false, problems: report.problems } : { ok: true, value };
};
