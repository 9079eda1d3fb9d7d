import { factsSchema, type Facts, type HostFile } from "../facts/facts.ts";
import type { Excerpt } from "../facts/question.ts";
import { shortened } from "../facts/printable.ts";
import { boot } from "./parse-boot.ts";
import { cpu } from "./parse-cpu.ts";
import { cutContents, files } from "./parse-files.ts";
import { parseLock } from "./parse-lock.ts";
import { moduleInfo, moduleParameters, vfioModules } from "./parse-modules.ts";
import { pciDevices } from "./parse-pci.ts";
import { parseSurvey } from "./parse-survey.ts";
import { addressesIn, headed, integer, pairs, ProbeAnswerError, split, type Values } from "./sections.ts";

export { ProbeAnswerError } from "./sections.ts";

/** Files that are looked into here, for a line or two: no facts of their own. */
const SEARCHED = /^\/run\/libvirt\/|^\/lib\/modules\/[^/]+\/modules\.builtin$/;

const excerpts = (
  asked: readonly Excerpt[],
  read: ReadonlyMap<string, HostFile>,
): NonNullable<Facts["excerpts"]> =>
  Object.fromEntries(
    asked.flatMap(({ path, lines }) => {
      const content = read.get(path)?.content;
      return content === undefined ? [] : [[path, content.split("\n").filter((line) => lines.test(line))]];
    }),
  );

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

const receipts = (values: Values): Facts["receipts"] =>
  Object.fromEntries(
    [...values].flatMap(([path, lines]) => {
      const key = /^\/var\/lib\/vfio-fleet\/receipts\/([^/]+)$/.exec(path)?.[1];
      if (key === undefined) return [];
      const { token = "", ...notes } = pairs(lines);
      return [[key, { token, notes }]];
    }),
  );

/** `kind bytes path`, with - for what is not known; `size:mtime:inode path` of the regular files among them. */
const looked = (lines: readonly string[], stamps: readonly string[]): NonNullable<Facts["looked"]> => {
  const stampOf = new Map(
    stamps.flatMap((line) => {
      const [, stamp = "", path] = /^(\d+:\d+:\d+) (\/.*)$/.exec(line) ?? [];
      return path === undefined ? [] : [[path, stamp]];
    }),
  );
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, kind, told = "", path] = /^(\S+) (\S+) (\/.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      const stamp = stampOf.get(path);
      // an image that says its size itself has said it; of others it is the file's
      const bytes = integer(told) ?? integer(stamp);
      return [
        [
          path,
          { kind, ...(bytes !== undefined && { bytes }), ...(stamp !== undefined && { stamp }) } as never,
        ],
      ];
    }),
  );
};

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/, "$2");

/**
 * Turns the probe's answer into facts.
 * @param nonce the one the probe was started with
 * @param asked what it was asked for of files whose lines count
 * @throws {ProbeAnswerError} when the answer is no whole probe answer or does not fit the facts' schema
 */
export const parseProbe = (answer: Uint8Array, nonce: string, asked: readonly Excerpt[] = []): Facts => {
  const { text, files: listed, contents } = cutContents(Buffer.from(answer), nonce);
  const sections = split(text, nonce);
  const section = (name: string): readonly string[] => sections.get(name) ?? [];
  const host = pairs(section("host"));
  const values: Values = headed(section("values"));
  const os = pairs(values.get("/etc/os-release") ?? values.get("/usr/lib/os-release") ?? []);
  const { read, images } = files(listed, contents);
  const linesOf = (path: RegExp): string[] =>
    [...read].flatMap(([name, { content }]) => (path.test(name) ? content.split("\n") : []));
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
    cmdline: (values.get("/proc/cmdline") ?? []).join(" "),
    cpu: cpu(values),
    memoryKiB:
      integer(/^MemTotal:\s*(\d+) kB/m.exec((values.get("/proc/meminfo") ?? []).join("\n"))?.[1]) ?? 0,
    numaNodes: [...values].flatMap(([path, [cpus = ""]]) => {
      const node = integer(/node(\d+)\/cpulist$/.exec(path)?.[1]);
      if (node === undefined) return [];
      const memory = values.get(path.replace(/cpulist$/, "meminfo"))?.[0];
      return [{ node, cpus, memoryKiB: integer(/(\d+) kB/.exec(memory ?? "")?.[1]) ?? 0 }];
    }),
    pci: pciDevices(section, values),
    iommu: {
      units: section("iommu-units").map((path) => path.slice(path.lastIndexOf("/") + 1)),
      groups: new Set(section("iommu-groups").map((path) => path.split("/").at(-3))).size,
    },
    modules: section("modules").map((path) => path.split("/").at(-2) ?? ""),
    moduleParameters: moduleParameters(values),
    vfioModules: vfioModules(section("vfio-modules")),
    vfioBuiltin: linesOf(/\/modules\.builtin$/).flatMap(
      (line) => /\/(vfio[^/]*)\.ko$/.exec(line)?.[1]?.replaceAll("-", "_") ?? [],
    ),
    moduleInfo: moduleInfo(section("modinfo")),
    symbols: section("symbols"),
    boot: boot(section),
    initramfs: { tools: section("tools"), images },
    files: Object.fromEntries(
      [...read].filter(([path]) => !SEARCHED.test(path) && !asked.some((excerpt) => excerpt.path === path)),
    ),
    excerpts: excerpts(asked, read),
    exists: section("exists"),
    looked: looked(section("looked"), section("stamps")),
    receipts: receipts(values),
    ...parseLock(
      { ...pairs(section("lock")), ...pairs(values.get("/var/lib/vfio-fleet/lease") ?? []) },
      integer(values.get("/proc/uptime")?.[0]),
      host["bootId"],
    ),
    packages: Object.fromEntries(
      section("packages").map((line) => {
        const [name = "", version = "", status] = line.split(" ");
        return [name, status === "installed" ? version : null];
      }),
    ),
    libvirt: { socket: host["libvirt"] === "socket", domains: domains(section, read) },
    carriers: [...section("carriers"), ...section("connection")].flatMap((line) => {
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
      checked.error.issues
        .slice(0, 5)
        .map((issue) => shortened(`${issue.path.join(".")}: ${issue.message}`, 200))
        .join("; "),
  );
};
