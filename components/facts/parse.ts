import { createHash } from "node:crypto";
import { factsSchema, type Facts, type HostFile, type PciDevice } from "../core/facts.ts";
import { parsePciAddress, parsePciId } from "../core/pci.ts";
import { parseSurvey } from "./parse-survey.ts";
import { addressesIn, headed, hex, integer, pairs, ProbeAnswerError, split } from "./sections.ts";

export { ProbeAnswerError } from "./sections.ts";

const barsOf = (lines: readonly string[]): NonNullable<PciDevice["bars"]> =>
  lines.flatMap((line, index) => {
    const [start = 0n, end = 0n, flags = 0n] = line
      .split(" ")
      .map((field) => (/^0x[0-9a-f]+$/i.test(field) ? BigInt(field) : 0n));
    // IORESOURCE_MEM 0x200, IORESOURCE_PREFETCH 0x2000 (Linux: include/linux/ioport.h)
    if (end <= start || (flags & 0x200n) === 0n) return [];
    return [{ index, bytes: Number(end - start + 1n), prefetchable: (flags & 0x2000n) !== 0n }];
  });

const pciDevices = (section: (name: string) => readonly string[]): PciDevice[] => {
  const attributes = new Map<string, Record<string, string>>();
  for (const [path, [value]] of headed(section("pci"))) {
    const [address = "", name = ""] = path.split("/").slice(-2);
    const known = attributes.get(address) ?? {};
    attributes.set(address, known);
    if (value !== undefined) known[name] = value.trim();
  }
  const drivers = new Map(section("pci-drivers").map((line) => line.split(" ") as [string, string]));
  const groups = new Map(
    section("iommu-groups").map((line) => {
      const [group, address = ""] = line.split(" ");
      return [address, integer(group)];
    }),
  );
  const resources = headed(section("pci-resources"));
  return section("pci-paths").flatMap((line): PciDevice[] => {
    const [name = "", rom, path = ""] = line.split(" ");
    const found = attributes.get(name);
    const address = parsePciAddress(name);
    const id = parsePciId(`${hex(found?.["vendor"])}:${hex(found?.["device"])}`);
    const subsystem = parsePciId(`${hex(found?.["subsystem_vendor"])}:${hex(found?.["subsystem_device"])}`);
    if (!found || !address || !id || !subsystem) return [];
    const resource = resources.get(`/sys/bus/pci/devices/${name}/resource`);
    const total = integer(found["sriov_totalvfs"]);
    return [
      {
        address,
        id,
        subsystem,
        class: hex(found["class"]).padStart(6, "0"),
        driver: drivers.get(name) ?? null,
        iommuGroup: groups.get(name) ?? null,
        bootVga: found["boot_vga"] === undefined ? null : found["boot_vga"] === "1",
        numaNode: integer(found["numa_node"]) ?? -1,
        hasRom: rom === "rom",
        parents: addressesIn(path).filter((parent) => parent !== address),
        ...(found["revision"] !== undefined && { revision: hex(found["revision"]) }),
        ...(found["reset_method"] !== undefined && {
          resetMethods: found["reset_method"].split(" ").filter((method) => method !== ""),
        }),
        ...(found["power_state"] !== undefined && { powerState: found["power_state"] }),
        ...(total !== undefined && { sriov: { total, active: integer(found["sriov_numvfs"]) ?? 0 } }),
        ...(resource && { bars: barsOf(resource) }),
      },
    ];
  });
};

const cpu = (section: (name: string) => readonly string[]): Facts["cpu"] => {
  const field = (name: string): string =>
    section("cpu")
      .find((line) => line.startsWith(name))
      ?.replace(/^[^:]*:\s*/, "")
      .trim() ?? "";
  const vendor = field("vendor_id");
  const flags = field("flags").split(" ");
  const packages = new Map<string, string>();
  const cores = new Set<string>();
  const topology = headed(section("cpu-topology"));
  for (const [path, [value = "0"]] of topology)
    if (path.endsWith("/physical_package_id")) packages.set(path.split("/").at(-3) ?? "", value);
  for (const [path, [value = "0"]] of topology)
    if (path.endsWith("/core_id")) cores.add(`${packages.get(path.split("/").at(-3) ?? "")}/${value}`);
  const sockets = Math.max(1, new Set(packages.values()).size);
  const cpus = Math.max(1, packages.size);
  return {
    vendor: vendor === "GenuineIntel" ? "intel" : vendor === "AuthenticAMD" ? "amd" : "other",
    model: field("model name"),
    virtualization: flags.includes("vmx") || flags.includes("svm"),
    sockets,
    cores: Math.max(1, Math.round(cores.size / sockets)),
    threads: Math.max(1, Math.round(cpus / Math.max(1, cores.size))),
  };
};

const files = (section: (name: string) => readonly string[]): Map<string, HostFile> => {
  const contents = Buffer.from(section("contents").join(""), "base64");
  const listed = section("files").flatMap((line) => {
    const match = /^(\d+) (\d+) (\S+) (\S+) (.*)$/.exec(line);
    return match ? [match] : [];
  });
  const total = listed.reduce((sum, [, size]) => sum + Number(size), 0);
  if (total !== contents.length)
    throw new ProbeAnswerError(
      `files changed while they were read: ${contents.length} bytes came, ${total} were announced; run it again`,
    );
  let offset = 0;
  return new Map(
    listed.map(([, size, mode = "", owner = "", group = "", path = ""]) => {
      const bytes = contents.subarray(offset, (offset += Number(size)));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return [path, { mode, owner, group, content: bytes.toString("utf8"), sha256 }];
    }),
  );
};

const domains = (section: (name: string) => readonly string[], read: ReadonlyMap<string, HostFile>) => {
  const found = new Map<string, { running: boolean; autostart: boolean; xml?: string; liveXml?: string }>();
  for (const line of section("libvirt")) {
    const match = /^(defined|autostart|running) (.*\/([^/]+)\.xml)$/.exec(line);
    if (!match) continue;
    const [, kind, path = "", name = ""] = match;
    const domain = found.get(name) ?? { running: false, autostart: false };
    found.set(name, domain);
    const xml = read.get(path)?.content;
    if (kind === "defined" && xml !== undefined) domain.xml = xml;
    if (kind === "autostart") domain.autostart = true;
    if (kind === "running") {
      domain.running = true;
      if (xml !== undefined) domain.liveXml = xml;
    }
  }
  return [...found].map(([name, domain]) => Object.assign({ name }, domain));
};

const receipts = (lines: readonly string[]): Facts["receipts"] => {
  const found: Record<string, { token: string; notes: Record<string, string> }> = {};
  for (const line of lines) {
    const match = /^(\S+) ([a-z0-9-]+)=(.*)$/.exec(line);
    if (!match) continue;
    const [, key = "", name = "", value = ""] = match;
    const receipt = (found[key] ??= { token: "", notes: {} });
    if (name === "token") receipt.token = value;
    else receipt.notes[name] = value;
  }
  return found;
};

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/, "$2");

/**
 * Turns the probe's answer into facts.
 * @param nonce the one the probe was started with
 * @throws {ProbeAnswerError} when the answer is no whole probe answer or does not fit the facts' schema
 */
export const parseProbe = (answer: string, nonce: string): Facts => {
  const sections = split(answer, nonce);
  const section = (name: string): readonly string[] => sections.get(name) ?? [];
  const host = pairs(section("host"));
  const os = pairs(section("os-release"));
  const read = files(section);
  const moduleParameters: Record<string, Record<string, string>> = {};
  for (const [path, [value]] of headed(section("module-parameters"))) {
    const [module = "", , name = ""] = path.split("/").slice(-3);
    if (value !== undefined) (moduleParameters[module] ??= {})[name] = value;
  }
  const vfioModules: Record<string, string[]> = {};
  for (const path of section("vfio-modules")) {
    const match = /^\/lib\/modules\/([^/]+)\/.*\/([^/]+?)\.ko(\.\w+)?$/.exec(path);
    if (match?.[1] && match[2]) (vfioModules[match[1]] ??= []).push(match[2].replaceAll("-", "_"));
  }
  const numa = headed(section("numa"));
  const loaderInfo = Buffer.from(section("loader-info").join(""), "base64");
  const survey = parseSurvey(sections, host["privilege"] ?? "none");
  const facts: unknown = {
    hostname: host["hostname"],
    bootId: host["bootId"],
    kernel: host["kernel"],
    architecture: host["architecture"],
    user: host["user"],
    privilege: host["privilege"],
    distro: {
      id: unquote(os["ID"] ?? "unknown"),
      version: unquote(os["VERSION_ID"] ?? ""),
      like: unquote(os["ID_LIKE"] ?? "")
        .split(" ")
        .filter((id) => id !== ""),
      name: unquote(os["PRETTY_NAME"] ?? os["ID"] ?? "unknown"),
    },
    cmdline: section("cmdline").join(" "),
    cpu: cpu(section),
    memoryKiB: integer(/(\d+) kB/.exec(section("memory")[0] ?? "")?.[1]) ?? 0,
    numaNodes: [...numa].flatMap(([path, [cpus = ""]]) => {
      const node = integer(/node(\d+)\/cpulist$/.exec(path)?.[1]);
      if (node === undefined) return [];
      const memory = numa.get(path.replace(/cpulist$/, "meminfo"))?.[0];
      return [{ node, cpus, memoryKiB: integer(/(\d+) kB/.exec(memory ?? "")?.[1]) ?? 0 }];
    }),
    pci: pciDevices(section),
    iommu: {
      units: section("iommu-units"),
      groups: new Set(section("iommu-groups").map((line) => line.split(" ")[0])).size,
    },
    modules: section("modules").map((line) => line.split(" ")[0]),
    moduleParameters,
    vfioModules,
    vfioBuiltin: section("vfio-builtin").map((path) =>
      path
        .replace(/^.*\//, "")
        .replace(/\.ko.*$/, "")
        .replaceAll("-", "_"),
    ),
    boot: {
      efi: section("boot").includes("efi"),
      loaderInfo:
        loaderInfo.length > 4 ? loaderInfo.subarray(4).toString("utf16le").replaceAll("\0", "") : null,
      present: section("boot-present"),
      ...(section("grub-linux").length > 0 && {
        grubLinux: section("grub-linux").map((line) => line.trim()),
      }),
      bootFilesystem: section("boot-filesystem")[0] ?? "",
    },
    initramfs: { tools: section("initramfs-tools"), images: [...section("initramfs-images")].sort() },
    files: Object.fromEntries([...read].filter(([path]) => !path.startsWith("/run/libvirt/"))),
    exists: section("exists"),
    receipts: receipts(section("receipts")),
    packages: Object.fromEntries(
      section("packages").map((line) => {
        const [name = "", version = "", status] = line.split(" ");
        return [name, status === "installed" ? version : null];
      }),
    ),
    libvirt: { socket: section("libvirt").includes("socket"), domains: domains(section, read) },
    carriers: section("carriers").flatMap((line) => {
      const at = line.lastIndexOf(" /");
      const address = addressesIn(line.slice(at + 1)).at(-1);
      return address ? [{ address, what: line.slice(0, at) }] : [];
    }),
    ...(survey && { survey }),
  };
  const checked = factsSchema.safeParse(facts);
  if (checked.success) return checked.data;
  throw new ProbeAnswerError(
    "the probe's answer does not fit: " +
      checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "),
  );
};
