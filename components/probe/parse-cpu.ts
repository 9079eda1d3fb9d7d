import type { Facts } from "../facts/facts.ts";
import type { Values } from "./sections.ts";

/** /proc/cpuinfo, and the topology of every CPU. */
export const cpu = (values: Values): Facts["cpu"] => {
  const described = values.get("/proc/cpuinfo") ?? [];
  const field = (name: string): string =>
    described
      .find((line) => line.startsWith(name))
      ?.replace(/^[^:]*:\s*/, "")
      .trim() ?? "";
  const vendor = field("vendor_id");
  const flags = field("flags").split(" ");
  const packages = new Map<string, string>();
  const cores = new Set<string>();
  for (const [path, [value = "0"]] of values)
    if (path.endsWith("/physical_package_id")) packages.set(path.split("/").at(-3) ?? "", value);
  for (const [path, [value = "0"]] of values)
    if (path.endsWith("/core_id")) cores.add(`${packages.get(path.split("/").at(-3) ?? "")}/${value}`);
  const sockets = Math.max(1, new Set(packages.values()).size);
  const cpus = Math.max(1, packages.size);
  return {
    vendor: vendor === "GenuineIntel" ? "intel" : vendor === "AuthenticAMD" ? "amd" : "other",
    model: field("model name"),
    virtualization: flags.includes("vmx") || flags.includes("svm"),
    hugePages: [
      ...(flags.includes("pse") ? (["2M"] as const) : []),
      ...(flags.includes("pdpe1gb") ? (["1G"] as const) : []),
    ],
    sockets,
    cores: Math.max(1, Math.round(cores.size / sockets)),
    threads: Math.max(1, Math.round(cpus / Math.max(1, cores.size))),
  };
};
