import type { DomainContext } from "./context.ts";
import { formatCpuset } from "../spec/cpuset.ts";
import type { Report } from "./report.ts";
import type { ResolvedDomain } from "./resolved.ts";
import type { Enlightenment } from "../spec/schema-cpu.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { ProfileSettings } from "../spec/settings.ts";

/** What each enlightenment needs beside it (QEMU: target/i386/kvm/kvm.c, kvm_hyperv_properties). */
const needs: Partial<Record<Enlightenment, readonly Enlightenment[]>> = {
  synic: ["vpindex"],
  stimer: ["vpindex", "synic"],
  tlbflush: ["vpindex"],
  ipi: ["vpindex"],
  evmcs: ["vapic"],
};

/** All that help Windows and that KVM serves on any x86 host. */
const everywhere: readonly Enlightenment[] = [
  "relaxed",
  "vapic",
  "spinlocks",
  "vpindex",
  "runtime",
  "synic",
  "stimer",
  "reset",
  "frequencies",
  "tlbflush",
  "ipi",
];

const enlightenmentsOf = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
  report: Report,
): readonly Enlightenment[] => {
  const wanted = settings.hyperv.enlightenments;
  if (wanted === "none") return [];
  const field = "hyperv.enlightenments";
  const { hypervClock } = settings.clock;
  const { cpuVendor, nested } = context.resources;
  if (wanted === "host") {
    // emulation serves none of them
    if (spec.virtualization === "qemu") return [];
    const served = everywhere.filter((name) => name !== "stimer" || hypervClock);
    // a nested hypervisor's control structure: Intel's only, and QEMU does not start where KVM has no nesting
    return cpuVendor === "intel" && nested !== false ? [...served, "evmcs"] : served;
  }
  for (const name of wanted) {
    const missing = (needs[name] ?? []).filter((other) => !wanted.includes(other));
    if (missing.length > 0)
      report.add(
        field,
        `${name} needs ${missing.join(" and ")} beside it`,
        `add ${missing.join(", ")} to the list`,
      );
  }
  if (wanted.includes("stimer") && !hypervClock)
    report.add(
      field,
      "stimer needs the hyperv clock",
      "set clock.hypervClock: true, or take stimer off the list",
    );
  if (wanted.includes("evmcs") && cpuVendor !== "intel")
    report.add(
      field,
      `evmcs is for Intel CPUs; the host's is ${cpuVendor === "amd" ? "AMD" : "another maker's"}`,
      "take evmcs off the list",
    );
  else if (wanted.includes("evmcs") && nested === false)
    report.add(
      field,
      "evmcs is for guests that run guests, which the host's kvm_intel has switched off",
      "take evmcs off the list, or set nested: 1 for kvm_intel under kernel.moduleOptions",
    );
  return [...new Set(wanted)];
};

const cpuModel = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
  report: Report,
): ResolvedDomain["cpu"] => {
  const mode = settings.cpu.mode[spec.virtualization];
  if (mode === "host-passthrough" && spec.virtualization === "qemu")
    report.add("cpu.mode", "host-passthrough needs KVM, and virtualization is qemu", "set cpu.mode: maximum");
  if (spec.cpu?.cachePassthrough === true && mode !== "host-passthrough")
    report.add(
      "cpu.cachePassthrough",
      `the host's caches can be shown only with cpu.mode host-passthrough; it is ${mode}`,
      "leave cpu.cachePassthrough out",
    );
  const given = Object.entries(settings.cpu.features);
  // AMD guests see threads as cores without it, and QEMU does not turn it on by itself (target/i386/cpu.c)
  const topoext =
    mode === "host-passthrough" &&
    context.resources.cpuVendor === "amd" &&
    settings.topology.threads > 1 &&
    !("topoext" in settings.cpu.features);
  return {
    mode,
    cachePassthrough: settings.cpu.cachePassthrough && mode === "host-passthrough",
    features: [...given, ...(topoext ? [["topoext", "require"] as const] : [])].map(([name, policy]) => ({
      name,
      policy,
    })),
  };
};

type Cpu = Pick<ResolvedDomain, "vcpus" | "topology" | "cpu" | "hyperv">;

export const resolveCpu = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
  report: Report,
): Cpu => {
  const { sockets, cores, threads } = settings.topology;
  const product = sockets * cores * threads;
  const spelled = `${sockets} x ${cores} x ${threads} = ${product}`;
  if (spec.vcpus !== undefined && spec.vcpus !== product)
    report.add(
      "topology",
      `sockets x cores x threads is ${spelled}, but vcpus is ${spec.vcpus}`,
      `set a topology whose product is ${spec.vcpus}, or leave vcpus out`,
    );
  const available = context.resources.cpus.length;
  if (product > available)
    report.add(
      "topology",
      `${spelled} CPUs are more than the ${available} of the host (${formatCpuset(context.resources.cpus)})`,
      `choose at most ${available}, and leave some to the host`,
    );
  return {
    vcpus: product,
    topology: settings.topology,
    cpu: cpuModel(spec, settings, context, report),
    hyperv: {
      vendorId: settings.hyperv.vendorId,
      enlightenments: enlightenmentsOf(spec, settings, context, report),
    },
  };
};
