import { bootloaderTraces, choose } from "../drivers/choose.ts";
import { drivers } from "../drivers/registry.ts";
import type { Facts } from "../facts/facts.ts";
import type { Checked, Problem } from "../facts/problem.ts";
import { planDomains, domainPackages, type DomainPlan } from "../plan/domain/domain-plan.ts";
import type { HostDrivers } from "../plan/driver.ts";
import { planKernel, type KernelPlan } from "../plan/kernel/kernel-plan.ts";
import { apparmorSteps } from "../plan/libvirt/apparmor.ts";
import { planLibvirt } from "../plan/libvirt/libvirt-plan.ts";
import { planRoms, type GivenRom, type RomPlan } from "../plan/rom/rom-plan.ts";
import type { Step } from "../plan/step.ts";
import { agentStep } from "../agent/agent-script.ts";
import { cardHook } from "./card-hook.ts";
import type { HostSpec } from "./host-spec.ts";

export interface HostPlan {
  readonly spec: HostSpec;
  readonly drivers: HostDrivers;
  /** all steps below, in the order in which they are done */
  readonly steps: readonly Step[];
  readonly agent: Step;
  readonly kernel: KernelPlan;
  readonly libvirt: readonly Step[];
  readonly roms: RomPlan;
  /** those that are to stop come first: a card or a disk of theirs may be what another one is to start with */
  readonly domains: readonly DomainPlan[];
}

/** Whether the stack wants the domain to be stopped. */
export const stops = ({ domain }: DomainPlan): boolean => domain.lifecycle.state === "stopped";

/** Why the login cannot see or change what it has to. */
export const access = (facts: Facts): Problem[] => {
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
    `loader: ${facts.boot.loaderInfo ?? "unknown"}, present: ${bootloaderTraces(facts).join(", ") || "nothing known"}`,
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
  const agent = agentStep(facts, chosen, kernel.value.leave);
  const xmls = domains.value.map(({ xml }) => xml);
  const libvirtSteps = [...libvirt.value, ...apparmorSteps(xmls, facts)];
  const ordered = domains.value.toSorted((one, other) => Number(stops(other)) - Number(stops(one)));
  return {
    ok: true,
    value: {
      spec,
      drivers: chosen,
      steps: [
        agent,
        // packages come before the reboot: they may bring kernel or firmware files that the new initramfs should hold
        ...libvirtSteps,
        ...kernel.value.steps,
        // a ROM can be read once vfio-pci has the card
        ...romFiles.value.steps,
        ...ordered.flatMap(({ steps }) => steps),
      ],
      agent,
      kernel: kernel.value,
      libvirt: libvirtSteps,
      roms: romFiles.value,
      domains: ordered,
    },
  };
};
