import type { DomainContext } from "./context.ts";
import type { ExistingFirmware } from "../document/existing.ts";
import { chooseFirmware } from "./firmware-images.ts";
import { listed, type Report } from "./report.ts";
import type { ResolvedDomain, ResolvedFirmware } from "./resolved.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { MachineFamily, ProfileSettings } from "../spec/settings.ts";

/** `pc` is QEMU's name for the newest i440fx. */
const alias: Readonly<Record<MachineFamily, string>> = { i440fx: "pc", q35: "q35" };

const familyOf = (machine: string): MachineFamily => (machine.includes("q35") ? "q35" : "i440fx");

export const resolveMachine = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
): ResolvedDomain["machine"] => {
  const { existing } = context;
  const wanted = spec.machine ?? (spec.adopt && existing ? familyOf(existing.machine) : settings.machine);
  const family = familyOf(wanted);
  return {
    family,
    wanted: wanted === "i440fx" || wanted === "q35" ? alias[wanted] : wanted,
    existing:
      existing && existing.machine !== "" && familyOf(existing.machine) === family
        ? { version: existing.machine, written: existing.owner?.machine, digest: existing.owner?.digest }
        : undefined,
  };
};

type KeptUefi = Extract<ExistingFirmware, { kind: "uefi" }>;

/** The image that the domain on the host runs on, when it is still there. */
const keptImage = (
  kept: KeptUefi,
  spec: DomainSpec,
  context: DomainContext,
): Omit<ResolvedFirmware, "nvram"> | undefined => {
  if (kept.code === undefined) return undefined;
  const image = context.firmware.find(({ code }) => code === kept.code);
  const looked = context.paths?.[kept.code];
  const there = image !== undefined || (looked === undefined ? spec.adopt : looked !== "absent");
  const vars = kept.vars ?? image?.vars;
  if (!there || vars === undefined) return undefined;
  const secureBoot = image?.secureBoot ?? kept.secureBoot;
  return { code: kept.code, vars, secureBoot, smm: image?.smm ?? secureBoot };
};

export const resolveFirmware = (
  spec: DomainSpec,
  settings: ProfileSettings,
  family: MachineFamily,
  context: DomainContext,
  report: Report,
): ResolvedFirmware => {
  const kept = context.existing?.firmware;
  const nvram =
    spec.firmware?.nvram ??
    (kept?.kind === "uefi" ? kept.nvram : undefined) ??
    `/var/lib/libvirt/qemu/nvram/${context.name}_VARS.fd`;
  if (kept?.kind === "bios")
    report.add(
      "firmware",
      "the domain that the host has boots by BIOS; its guest would not start under UEFI",
      "convert the guest first (mbr2gpt in Windows) and define it by hand with OVMF, or use another name",
    );
  // a fresh NVRAM file goes with any firmware
  const stays = kept?.kind === "uefi" && (kept.nvram ?? nvram) === nvram ? kept : undefined;
  const image = stays && keptImage(stays, spec, context);
  const secureBoot =
    spec.firmware?.secureBoot ??
    (spec.adopt && stays ? (image?.secureBoot ?? stays.secureBoot) : settings.secureBoot);
  const { code, vars } = spec.firmware ?? {};
  const found =
    code !== undefined && vars !== undefined
      ? { code, vars, secureBoot, smm: secureBoot }
      : (image ?? chooseFirmware(context.firmware, { secureBoot, family }));
  if (found && found.secureBoot !== secureBoot)
    report.add(
      "firmware.secureBoot",
      `the domain's NVRAM was made ${found.secureBoot ? "with" : "without"} Secure Boot (${found.code}), ${secureBoot ? "with" : "without"} is wanted`,
      "keep it as it is, or name a new NVRAM file in firmware.nvram: boot entries and keys start afresh there",
    );
  if ((found?.smm ?? secureBoot) && family === "i440fx")
    report.add(
      spec.machine === undefined ? "firmware.secureBoot" : "machine",
      "Secure Boot needs a q35 machine; this one is i440fx",
      "set machine: q35, or firmware.secureBoot: false",
    );
  else if (!found)
    report.add(
      "firmware",
      `the host has no OVMF image ${secureBoot ? "with" : "without"} Secure Boot for ${family}; found: ${listed(context.firmware.map((one) => one.code))}`,
      `install the distribution's OVMF package (ovmf, edk2-ovmf), or name firmware.code and firmware.vars${secureBoot ? ", or set firmware.secureBoot: false" : ""}`,
    );
  if (settings.tpm !== "none" && !context.swtpm)
    report.add(
      "tpm",
      `${settings.tpm} is emulated by swtpm, which the host does not have`,
      "install swtpm, or set tpm: none",
    );
  return {
    code: found?.code ?? "",
    vars: found?.vars ?? "",
    nvram,
    secureBoot,
    smm: found?.smm ?? secureBoot,
  };
};
