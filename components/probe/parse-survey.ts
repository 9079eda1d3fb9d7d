import { createHash } from "node:crypto";
import type { Facts } from "../facts/facts.ts";
import { judgeOptionRom } from "../option-rom/judge.ts";
import { formatId } from "../option-rom/names.ts";
import { parseOptionRom } from "../option-rom/parse.ts";
import { parsePciAddress, parsePciId, type PciAddress } from "../facts/pci.ts";
import type { RomSurvey, Survey } from "../facts/survey.ts";
import { headed, integer, pairs, type Sections } from "./sections.ts";

/** More of a file is not sent; survey.sh cuts there. */
const ROM_LIMIT = 1_048_576;

/** SMBIOS chassis types: Portable, Laptop, Notebook, Sub Notebook, Tablet, Convertible, Detachable (DSP0134, 7.4.1). */
const PORTABLE: ReadonlySet<string> = new Set(["8", "9", "10", "14", "30", "31", "32"]);

const joined = (...words: readonly (string | undefined)[]): string | undefined => {
  const text = words.filter((word) => word !== undefined && word.trim() !== "").join(" ");
  return text === "" ? undefined : text;
};

const machine = (values: Readonly<Record<string, string>>): Survey["machine"] => {
  const system = joined(values["systemVendor"], values["systemName"]);
  const board = joined(values["boardVendor"], values["boardName"]);
  const firmware = joined(values["firmwareVersion"], values["firmwareDate"]);
  return {
    ...(system !== undefined && { system }),
    ...(board !== undefined && { board }),
    ...(firmware !== undefined && { firmware }),
    ...(values["chassis"] !== undefined && { laptop: PORTABLE.has(values["chassis"]) }),
  };
};

const memory = (lines: readonly string[]): Survey["memory"] => {
  const pages = new Map<number, { total: number; free: number }>();
  for (const [path, [value]] of headed(lines)) {
    const match = /hugepages-(\d+)kB\/(nr|free)_hugepages$/.exec(path);
    if (!match) continue;
    const size = pages.get(Number(match[1])) ?? { total: 0, free: 0 };
    pages.set(Number(match[1]), size);
    size[match[2] === "nr" ? "total" : "free"] = integer(value) ?? 0;
  }
  const available = lines.find((line) => line.startsWith("MemAvailable:"));
  return {
    availableKiB: integer(/(\d+) kB/.exec(available ?? "")?.[1]) ?? 0,
    hugePages: [...pages]
      .map(([pageKiB, { total, free }]) => ({ pageKiB, total, free }))
      .sort((a, b) => a.pageKiB - b.pageKiB),
  };
};

/** Address ranges of memory BARs by device, from sysfs `resource` files: start, end, flags. */
const ranges = (lines: readonly string[]): { address: PciAddress; start: bigint; end: bigint }[] =>
  [...headed(lines)].flatMap(([path, rows]) => {
    const address = parsePciAddress(path.split("/").at(-2) ?? "");
    return rows.flatMap((row) => {
      const [start, end] = row.split(" ");
      if (!address || !start || !end || !/^0x[1-9a-f]/.test(end.replace(/^0x0+/, "0x"))) return [];
      return [{ address, start: BigInt(start), end: BigInt(end) }];
    });
  });

const bootFramebuffer = (
  iomem: readonly string[],
  resources: readonly string[],
  root: boolean,
): Survey["bootFramebuffer"] => {
  for (const line of iomem) {
    const match = /^\s*([0-9a-f]+)-([0-9a-f]+) : (.*)$/.exec(line);
    if (!match) continue;
    const [start, end] = [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)];
    // a plain user is shown zeros instead of addresses
    if (end === 0n) return undefined;
    const card = ranges(resources).find((bar) => bar.start <= start && end <= bar.end)?.address;
    return { name: match[3] ?? "", card: card ?? null };
  }
  return root ? null : undefined;
};

/** Bit n of the mask says that the BAR can have 2^n MiB (Linux: Documentation/ABI/testing/sysfs-bus-pci, resourceN_resize). */
const resizableBars = (lines: readonly string[]): Survey["resizableBars"] =>
  [...headed(lines)].flatMap(([path, [mask]]) => {
    const match = /\/([^/]+)\/resource([0-5])_resize$/.exec(path);
    const address = parsePciAddress(match?.[1] ?? "");
    if (!address || !/^(0x)?[0-9a-f]+$/.test(mask ?? "")) return [];
    const bits = BigInt(`0x${(mask ?? "0").replace(/^0x/, "")}`);
    const bytes = Array.from({ length: 44 }, (_, bit) => bit)
      .filter((bit) => ((bits >> BigInt(bit)) & 1n) === 1n)
      .map((bit) => 2 ** (bit + 20));
    return bytes.length > 0 ? [{ address, index: Number(match?.[2]), bytes }] : [];
  });

const moduleUse = (lines: readonly string[]): Survey["moduleUse"] =>
  Object.fromEntries(
    lines.flatMap((line) => {
      const [name = "", , uses, by = "-"] = line.split(" ");
      const count = integer(uses);
      if (count === undefined) return [];
      return [[name, { uses: count, by: by.split(",").filter((user) => user !== "" && user !== "-") }]];
    }),
  );

/** What each domain's QEMU said since its last start; older lines tell of a configuration that may be gone. */
const domainLogs = (lines: readonly string[]): NonNullable<Survey["domainLogs"]> =>
  Object.fromEntries(
    [...headed(lines)].flatMap(([path, said]) => {
      const name = /\/([^/]+)\.log$/.exec(path)?.[1];
      if (name === undefined) return [];
      const start = said.findLastIndex((line) => line.includes(": starting up"));
      return [[name, said.slice(Math.max(0, start))]];
    }),
  );

const survey = (path: string, bytes: Buffer, size: number): RomSurvey => {
  const parsed = parseOptionRom(bytes);
  const ovmf = judgeOptionRom(parsed, { firmware: "ovmf" });
  const seabios = judgeOptionRom(parsed, { firmware: "seabios" });
  const ids = parsed.ok
    ? parsed.rom.images.flatMap(({ pci }) => parsePciId(formatId(pci.vendorId, pci.deviceId)) ?? [])
    : [];
  return {
    path,
    bytes: size,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    ids: [...new Set(ids)],
    ovmf: ovmf.verdict,
    seabios: seabios.verdict,
    problems: ovmf.findings.filter(({ severity }) => severity === "error").map(({ message }) => message),
  };
};

const roms = (listed: readonly string[], contents: readonly string[]): RomSurvey[] => {
  const bytes = Buffer.from(contents.join(""), "base64");
  let offset = 0;
  return listed.flatMap((line) => {
    const match = /^(\d+) (.*)$/.exec(line);
    if (!match) return [];
    const size = Number(match[1]);
    const content = bytes.subarray(offset, (offset += Math.min(size, ROM_LIMIT)));
    return [survey(match[2] ?? "", content, size)];
  });
};

/** `/etc/pve/qemu-server/100.conf:hostpci0: 0000:01:00,pcie=1,x-vga=1` (Proxmox VE: qm.conf(5)) */
const proxmox = (lines: readonly string[]): NonNullable<Survey["proxmox"]> => {
  const running = new Set(lines.flatMap((line) => /^running .*\/(\d+)\.pid$/.exec(line)?.[1] ?? []));
  const guests = new Map<string, { settings: Map<string, string>; ended: boolean }>();
  for (const line of lines) {
    const match = /\/(\d+)\.conf:(.*)$/.exec(line);
    if (!match) continue;
    const [, id = "", text = ""] = match;
    const guest = guests.get(id) ?? { settings: new Map<string, string>(), ended: false };
    guests.set(id, guest);
    // a section is a snapshot's or a pending change's; only what stands above counts
    if (text.startsWith("[")) guest.ended = true;
    const at = text.indexOf(":");
    if (!guest.ended && at > 0) guest.settings.set(text.slice(0, at), text.slice(at + 1).trim());
  }
  return [...guests].map(([id, { settings }]) => ({
    id,
    name: settings.get("name") ?? id,
    running: running.has(id),
    onboot: settings.get("onboot") === "1",
    bios: settings.get("bios") ?? "seabios",
    machine: settings.get("machine") ?? null,
    hostpci: [...settings].flatMap(([key, value]) =>
      key.startsWith("hostpci")
        ? (value.split(",")[0] ?? "")
            .replace(/^host=/, "")
            .split(";")
            .filter((address) => address !== "")
        : [],
    ),
  }));
};

const holders = (lines: readonly string[]): Survey["holders"] =>
  lines.includes("walked")
    ? lines.flatMap((line) => {
        const match = /^(\S+) \/proc\/(\d+) (.*)$/.exec(line);
        return match ? [{ file: match[1] ?? "", pid: Number(match[2]), command: match[3] ?? "" }] : [];
      })
    : undefined;

const nvidia = (lines: readonly string[]): Survey["nvidia"] =>
  [...headed(lines)].flatMap(([path, rows]) => {
    const address = parsePciAddress(path.split("/").at(-2) ?? "");
    if (!address) return [];
    const field = (name: string): string | undefined =>
      rows
        .find((row) => row.startsWith(name))
        ?.replace(/^[^:]*:\s*/, "")
        .trim();
    return [{ address, model: field("Model") ?? "", minor: integer(field("Device Minor")) ?? null }];
  });

/** hwmon counts in thousandths; nvidia-smi prints `00000000:03:00.0, 45`. */
const temperatures = (lines: readonly string[]): NonNullable<Survey["temperatures"]> => [
  ...[...headed(lines)].flatMap(([path, [value]]) => {
    const address = parsePciAddress(/\/devices\/([^/]+)\/hwmon\//.exec(path)?.[1] ?? "");
    const thousandths = integer(value);
    return address && thousandths !== undefined ? [{ address, celsius: Math.round(thousandths / 1000) }] : [];
  }),
  ...lines.flatMap((line) => {
    const match = /^0000([0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]), (\d+)$/i.exec(line);
    const address = parsePciAddress(match?.[1] ?? "");
    return address ? [{ address, celsius: Number(match?.[2]) }] : [];
  }),
];

/** The part of the facts that survey.sh answers; undefined when it was not asked. */
export const parseSurvey = (sections: Sections, privilege: string): Facts["survey"] => {
  if (!sections.has("survey")) return undefined;
  const section = (name: string): readonly string[] => sections.get(`survey-${name}`) ?? [];
  const given = <T>(name: string, read: (lines: readonly string[]) => T): T | undefined =>
    sections.has(`survey-${name}`) ? read(section(name)) : undefined;
  const values = pairs(sections.get("survey") ?? []);
  const root = !["none", "sudo-agent-old"].includes(privilege);
  const efi = (sections.get("boot") ?? []).includes("efi");
  const secureBoot = efi ? integer(values["secureBoot"]) : null;
  const boot = given("kernel-boot", (lines) => lines);
  const logs = given("domain-logs", domainLogs);
  const framebuffer = bootFramebuffer(section("iomem"), sections.get("values") ?? [], root);
  const guests = given("proxmox", proxmox);
  const paths = given("paths", (lines) =>
    Object.fromEntries(
      lines.flatMap((line) => {
        const match = /^(there|missing) (.*)$/.exec(line);
        return match ? [[match[2] ?? "", match[1] === "there"]] : [];
      }),
    ),
  );
  const held = holders(section("holders"));
  const uptime = Number.parseFloat(values["uptime"] ?? "");
  return {
    ...(!Number.isNaN(uptime) && { uptimeSeconds: Math.round(uptime) }),
    machine: machine(values),
    // the variable is absent where the firmware knows no Secure Boot
    ...(secureBoot === undefined
      ? root && { secureBoot: false }
      : { secureBoot: secureBoot === null ? null : secureBoot === 1 }),
    ...(values["lockdown"] !== undefined && {
      lockdown: /\[(\w+)\]/.exec(values["lockdown"])?.[1] ?? values["lockdown"],
    }),
    apparmor: values["apparmor"] === "Y",
    selinux: values["selinux"] === undefined ? "off" : values["selinux"] === "1" ? "enforcing" : "permissive",
    ...(values["clocksource"] !== undefined && {
      clocksource: {
        current: values["clocksource"],
        available: (values["clocksources"] ?? "").split(" ").filter((name) => name !== ""),
      },
    }),
    memory: memory(section("memory")),
    framebuffers: section("framebuffers").map((line) => line.replace(/^\d+ /, "")),
    ...(framebuffer !== undefined && { bootFramebuffer: framebuffer }),
    resizableBars: resizableBars(section("resize")),
    moduleUse: moduleUse(section("modules")),
    ...(boot && {
      kernelLog: {
        boot: [...boot],
        trouble: [...section("kernel-trouble")],
        complete: boot.some((line) => line.includes("Linux version")),
      },
    }),
    ...(logs ? { domainLogs: logs } : root && { domainLogs: {} }),
    ...(paths
      ? { paths, roms: roms(section("roms"), section("rom-contents")) }
      : root && { paths: {}, roms: [] }),
    ...(guests ? { proxmox: guests } : root && { proxmox: null }),
    ...(held && { holders: held }),
    nvidia: nvidia(section("nvidia")),
    temperatures: temperatures(section("temperatures")),
  };
};
