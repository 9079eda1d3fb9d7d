import { readFileSync } from "node:fs";
import { z } from "zod";
import { bootloaders } from "./bootloader/registry.ts";
import type { BootloaderDriver, DistroDriver, HostDrivers, InitramfsDriver } from "./core/driver.ts";
import type { Facts } from "./core/facts.ts";
import { APPARMOR_LOCAL, apparmorSteps, LIBVIRT_PROFILE } from "./core/apparmor.ts";
import { BIND_LIST } from "./core/binding.ts";
import { ACS_OVERRIDE_SYMBOL } from "./core/kernel-arguments.ts";
import { APPLIED, planKernel, type KernelPlan } from "./core/kernel-plan.ts";
import { cardSchema, kernelSchema } from "./core/kernel-spec.ts";
import { domainPackages, domainQuestion, planDomains, type DomainPlan } from "./core/domain-plan.ts";
import { domainSchema } from "./core/domain/schema.ts";
import { planHandOver, type HandOver, type HandOverRequest } from "./core/hand-over.ts";
import { CARD_HOOK, planLibvirt } from "./core/libvirt-plan.ts";
import { moduleQuestions } from "./core/module-options.ts";
import type { Checked, Problem } from "./core/problem.ts";
import { libvirtSchema, QEMU_CONF } from "./core/qemu-conf.ts";
import { planRoms, romQuestion, type GivenRom, type RomPlan } from "./core/rom-plan.ts";
import { isDue, type Step } from "./core/step.ts";
import { storageSchema } from "./core/storage-spec.ts";
import { SRIOV_RULES } from "./core/virtual-functions.ts";
import { distros } from "./distro/registry.ts";
import { initramfsGenerators } from "./initramfs/registry.ts";
import type { ProbeQuestion } from "./remote/ask.ts";
import { connectionSchema } from "./remote/connection-schema.ts";

const cardName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "names are lower-case letters, digits and dashes");

/** One host of a stack. */
export const hostSchema = z.strictObject({
  connection: connectionSchema,
  headless: z.boolean().default(false).describe("the host may lose its own display"),
  cards: z
    .record(cardName, cardSchema)
    .default({})
    .describe("what is handed to virtual machines, by names of your own"),
  kernel: kernelSchema.prefault({}),
  libvirt: libvirtSchema.prefault({}),
  storage: storageSchema.prefault({}),
  domains: z
    .record(cardName, domainSchema)
    .default({})
    .describe("virtual machines, by their names in libvirt"),
});
export type HostSpec = z.infer<typeof hostSchema>;

export interface HostPlan {
  readonly spec: HostSpec;
  readonly drivers: HostDrivers;
  readonly kernel: KernelPlan;
  readonly libvirt: readonly Step[];
  readonly roms: RomPlan;
  readonly domains: readonly DomainPlan[];
}

const drivers = {
  bootloader: Object.values<BootloaderDriver>(bootloaders),
  initramfs: Object.values<InitramfsDriver>(initramfsGenerators),
  distro: Object.values<DistroDriver>(distros),
};

const everyDriver = [...drivers.bootloader, ...drivers.initramfs, ...drivers.distro];

/** What a host is asked: everything that a plan for this description looks at. */
export const probeQuestion = (spec: HostSpec, agentPath: string): ProbeQuestion => ({
  files: [
    agentPath,
    "/etc/modprobe.d/vfio.conf",
    ...Object.keys(spec.kernel.moduleOptions).map((module) => `/etc/modprobe.d/${module}.conf`),
    BIND_LIST,
    SRIOV_RULES,
    APPLIED,
    QEMU_CONF,
    CARD_HOOK,
    APPARMOR_LOCAL,
    ...romQuestion(spec.cards),
    ...domainQuestion(spec).files,
    ...drivers.bootloader.flatMap((driver) => [
      ...driver.reads,
      ...driver.edits([]).map((edit) => edit.path),
    ]),
    ...drivers.initramfs.flatMap((driver) => [
      ...driver.reads,
      ...driver.files({ modules: [], files: [], rivals: [] }).map((file) => file.path),
    ]),
  ].filter((path, index, all) => all.indexOf(path) === index),
  exists: [
    "/sys/firmware/acpi/tables/DMAR",
    "/sys/firmware/acpi/tables/IVRS",
    LIBVIRT_PROFILE,
    ...everyDriver.flatMap((driver) => driver.looksFor ?? []),
    ...domainQuestion(spec).exists,
  ],
  look: domainQuestion(spec).look,
  packages: [
    ...new Set([
      ...drivers.distro.flatMap((driver) => [...driver.packages, ...driver.tpmPackages]),
      ...everyDriver.flatMap((driver) => driver.asksFor ?? []),
    ]),
  ],
  parameters: [
    ...new Set([
      ...Object.keys(spec.kernel.moduleOptions),
      "vfio_pci",
      "vfio_iommu_type1",
      ...domainQuestion(spec).parameters,
    ]),
  ],
  modinfo: moduleQuestions(spec.kernel.moduleOptions),
  symbols: spec.kernel.pcieAcsOverride.length > 0 ? [ACS_OVERRIDE_SYMBOL] : [],
});

const shellPart = (name: string): string => readFileSync(new URL(`host/${name}.sh`, import.meta.url), "utf8");

/** The hook for libvirt: one program of its own, as libvirt and not the agent runs it. */
export const cardHook = (): string => `${shellPart("card-hook")}\n${shellPart("holders")}\nmain "$@"\n`;

const choose = <D extends { readonly name: string; detect(facts: Facts): boolean }>(
  kind: string,
  known: readonly D[],
  facts: Facts,
  found: string,
): D | Problem =>
  known.find((driver) => driver.detect(facts)) ?? {
    path: kind,
    problem: `none that is known is in use on this host (${found})`,
    remedy: `supported are: ${known.map((driver) => driver.name).join(", ")}`,
  };

const access = (facts: Facts): Problem[] => {
  if (facts.privilege === "sudo-agent-old")
    return [
      {
        path: "connection.user",
        problem: `${facts.user} may use sudo for vfio-fleet's own programs alone, and those on the host are of another version`,
        remedy: `an administrator of the host puts the new ones there: npm run -s vfio-fleet -- sudoers ${facts.user} --setup | ssh ADMIN@HOST sudo sh`,
      },
    ];
  return facts.privilege === "none"
    ? [
        {
          path: "connection.user",
          problem: `${facts.user} is neither root nor allowed to use sudo without a password`,
          remedy: `log in as root, give ${facts.user} NOPASSWD sudo (vfio-fleet sudoers prints a narrow one), or store the password: pulumi config set --secret --path 'vfio-fleet:secrets.HOST.sudoPassword'`,
        },
      ]
    : [];
};

/**
 * Plans one host as a whole: either every step, or every problem at once.
 * @param where the names of stack and host, which the domains carry so that tools on the host can tell whose they are,
 *   and whether the person who runs the program has agreed to a reboot
 * @param roms the files of `rom: {file}` by card; see card-roms.ts
 */
export const planHost = (
  spec: HostSpec,
  facts: Facts,
  where: { readonly stack: string; readonly host: string; readonly mayReboot?: boolean },
  roms: Readonly<Record<string, GivenRom>> = {},
): Checked<HostPlan> => {
  // without root half of the facts are missing: further findings would mislead
  const denied = access(facts);
  if (denied.length > 0) return { ok: false, problems: denied };
  const bootloader = choose(
    "boot loader",
    drivers.bootloader,
    facts,
    `loader: ${facts.boot.loaderInfo ?? "unknown"}, present: ${facts.boot.present.join(", ") || "nothing known"}`,
  );
  const initramfs = choose(
    "initramfs",
    drivers.initramfs,
    facts,
    facts.initramfs.tools.join(", ") || "no tool found",
  );
  const distro = choose("distribution", drivers.distro, facts, facts.distro.name);
  if ("problem" in bootloader || "problem" in initramfs || "problem" in distro)
    return {
      ok: false,
      problems: [bootloader, initramfs, distro].flatMap((found) => ("problem" in found ? [found] : [])),
    };
  const chosen = { bootloader, initramfs, distro };
  const kernel = planKernel(spec, facts, chosen, where.mayReboot);
  const libvirt = planLibvirt(
    spec.libvirt,
    facts,
    distro,
    domainPackages(spec.domains, distro, facts),
    cardHook(),
  );
  const romFiles = planRoms(spec.cards, facts, roms);
  const domains = planDomains(spec, facts, distro, where);
  if (!kernel.ok || !libvirt.ok || !romFiles.ok || !domains.ok)
    return {
      ok: false,
      problems: [kernel, libvirt, romFiles, domains].flatMap((result) => (result.ok ? [] : result.problems)),
    };
  return {
    ok: true,
    value: {
      spec,
      drivers: chosen,
      kernel: kernel.value,
      libvirt: [
        ...libvirt.value,
        ...apparmorSteps(
          domains.value.map(({ xml }) => xml),
          facts,
        ),
      ],
      roms: romFiles.value,
      domains: domains.value,
    },
  };
};

/** The steps that this run takes on the host, beside the agent's installation. */
export const dueSteps = (plan: HostPlan, facts: Facts): Step[] =>
  [plan.kernel, plan.roms, ...plan.domains]
    .flatMap(({ steps }) => steps)
    .concat(plan.libvirt)
    .filter((step) => isDue(facts, step));

/** How a domain of this host comes to run with a card; see core/hand-over.ts. */
export const planHostHandOver = (
  request: HandOverRequest,
  spec: HostSpec,
  facts: Facts,
  where: { readonly stack: string; readonly host: string },
): Checked<HandOver> => {
  const denied = access(facts);
  if (denied.length > 0) return { ok: false, problems: denied };
  const distro = choose("distribution", drivers.distro, facts, facts.distro.name);
  return "problem" in distro
    ? { ok: false, problems: [distro] }
    : planHandOver(request, spec, facts, distro, where);
};
