import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, test, vi } from "vitest";
import {
  compareDomains,
  domainDifferences,
  pendingDifferences,
} from "../../../components/plan/domain/document/compare.ts";
import { resolveDomain } from "../../../components/plan/domain/resolve/resolve.ts";
import { domainSchema, type DomainInput } from "../../../components/plan/domain/spec/schema.ts";
import { domainXml } from "../../../components/plan/domain/xml/domain-xml.ts";
import {
  element,
  isElement,
  parseXml,
  printXml,
  type XmlElement,
} from "../../../components/plan/domain/document/xml-tree.ts";
import { card, context, existing } from "../../fixtures/domain.ts";

// The machine may run a lab host in parallel.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-property-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Characters with a meaning in XML, libvirt, QEMU or a shell, and some rare ones. */
const nasty = fc.constantFrom(
  ..."<>&\"'`$\\;|*?~!%{}[]()#=,:@^+-_. ".split(""),
  "&amp;",
  "&#10;",
  "]]>",
  "<!--",
  "<![CDATA[",
  "é",
  "日本",
  "🖥",
  "\u00a0",
  "a",
  "Z",
  "0",
);
const segment = fc
  .array(nasty, { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join("").trim())
  .filter((text) => text !== "" && text !== "." && text !== "..");
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const diskCommon = {
  cache: fc.constantFrom("none" as const, "writeback" as const, "directsync" as const),
  discard: fc.boolean(),
  serial: optional(fc.stringMatching(/^[A-Za-z0-9_.+-]{1,20}$/)),
  bus: optional(fc.constantFrom("virtio" as const, "sata" as const, "scsi" as const)),
};
const disk = fc.oneof(
  fc.record({
    type: fc.constant("file" as const),
    path,
    format: fc.constantFrom("qcow2" as const, "raw" as const),
    ...diskCommon,
  }),
  fc.record({
    type: fc.constant("zvol" as const),
    device: path.map((tail) => `/dev/zvol/tank${tail}`),
    ...diskCommon,
  }),
  fc.record({
    type: fc.constant("block" as const),
    device: segment.map((tail) => `/dev/disk/by-id/${tail}`),
    ...diskCommon,
  }),
  fc.record({
    type: fc.constant("existing-volume" as const),
    name: segment,
    format: fc.constant("raw" as const),
    pool: fc.constantFrom("default", "vg0"),
    ...diskCommon,
  }),
);

const input = fc.record({
  profile: fc.constantFrom("reference" as const, "windows-11" as const),
  virtualization: fc.constantFrom("kvm" as const, "qemu" as const),
  machine: optional(fc.constantFrom("q35", "pc-q35-7.2")),
  firmware: optional(fc.record({ nvram: optional(path) })),
  tpm: optional(fc.constantFrom("none" as const, "tpm-crb" as const, "tpm-tis" as const)),
  memory: fc.integer({ min: 1, max: 30 }).map((gib) => `${gib} GiB` as const),
  hugepages: optional(fc.constantFrom("off" as const, "2 MiB" as const, "1 GiB" as const)),
  topology: optional(
    fc.record({
      sockets: fc.constant(1),
      cores: fc.integer({ min: 1, max: 6 }),
      threads: fc.constantFrom(1, 2),
    }),
  ),
  iothreads: optional(fc.integer({ min: 0, max: 3 })),
  hyperv: optional(
    fc.record({
      vendorId: fc.constantFrom(false as const, "whatever", "GenuineIntel"),
      enlightenments: fc.constantFrom("none" as const, "host" as const, [
        "relaxed" as const,
        "vapic" as const,
      ]),
    }),
  ),
  hideHypervisor: optional(fc.boolean()),
  vmport: optional(fc.boolean()),
  clock: optional(
    fc.record({ hpet: fc.boolean(), offset: fc.constantFrom("localtime" as const, "utc" as const) }),
  ),
  suspend: optional(fc.boolean()),
  disks: fc.uniqueArray(disk, {
    maxLength: 3,
    selector: (one) => JSON.stringify([one.type, "path" in one ? one.path : ""]),
  }),
  cdroms: fc.array(fc.oneof(fc.constant("empty" as const), path), { maxLength: 1 }),
  networks: optional(
    fc.array(
      fc.oneof(
        fc.record({
          type: fc.constant("network" as const),
          model: fc.constantFrom("virtio" as const, "e1000e" as const),
        }),
        fc.record({ type: fc.constant("bridge" as const), bridge: fc.constant("br0") }),
      ),
      { maxLength: 3 },
    ),
  ),
  graphics: optional(
    fc.oneof(
      fc.record({ type: fc.constant("none" as const) }),
      fc.record({
        type: fc.constant("vnc" as const),
        port: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 5900, max: 65_535 })),
      }),
    ),
  ),
  video: optional(fc.constantFrom("vga" as const, "virtio" as const, "none" as const)),
  evdev: fc.uniqueArray(
    fc.record({ device: segment.map((tail) => `/dev/input/by-id/${tail}`), repeat: fc.boolean() }),
    { maxLength: 2, selector: ({ device }) => device },
  ),
  lookingGlass: optional(fc.record({ sizeMiB: fc.constantFrom(32, 64), name: optional(segment) })),
  sharedFolders: fc.uniqueArray(
    fc.oneof(
      fc.record({
        type: fc.constant("virtiofs" as const),
        source: path,
        tag: segment.filter((text) => text.length <= 36),
      }),
      fc.record({
        type: fc.constant("9p" as const),
        source: path,
        tag: segment.filter((text) => text.length <= 36),
        readonly: fc.boolean(),
      }),
    ),
    { maxLength: 2, selector: ({ tag }) => tag },
  ),
  balloon: optional(fc.record({ statsSeconds: fc.integer({ min: 1, max: 60 }) })),
  gpus: fc.subarray(["gtx1050", "rtx", "nasty"]),
  managed: optional(fc.boolean()),
  install: optional(
    fc.oneof(fc.constant("done" as const), fc.record({ iso: path, virtioIso: optional(path) })),
  ),
});

const rom = path;
const specimen = fc.record({ input, rom });
type Specimen = typeof specimen extends fc.Arbitrary<infer T> ? T : never;

/** Undefined if the parts do not fit together, such as one image listed twice. */
const rendered = ({ input: given, rom: file }: Specimen): string | undefined => {
  const spec = domainSchema.safeParse(JSON.parse(JSON.stringify(given)) satisfies DomainInput);
  if (!spec.success) throw new Error(spec.error.message);
  const cards = { ...context().cards, nasty: card("05", { rom: { kind: "file", path: file } }) };
  const resolved = resolveDomain(spec.data, context({ cards }));
  return resolved.ok ? domainXml(resolved.value) : undefined;
};

const values = (root: XmlElement): string[] => [
  ...Object.values(root.attributes),
  ...root.children.flatMap((child) => (isElement(child) ? values(child) : [child])),
];
const parsed = (xml: string): XmlElement => {
  const read = parseXml(xml);
  if (!read.ok) throw new Error(read.problem);
  return read.root;
};

test("any tree is the same after writing and parsing", () => {
  const name = fc
    .stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,6}$/)
    .filter((text) => !(text in Object.prototype));
  const text = fc
    .oneof(
      fc.array(nasty, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("")),
      fc.string({ unit: "grapheme", minLength: 1 }),
    )
    // oxlint-disable-next-line no-control-regex -- what XML cannot carry
    .filter((one) => !/[\u0000-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(one) && one.trim() !== "");
  const tree: fc.Arbitrary<XmlElement> = fc.letrec<{ tree: XmlElement }>((tie) => ({
    tree: fc
      .tuple(
        name,
        fc.dictionary(name, text, { maxKeys: 3 }),
        fc.oneof(
          { maxDepth: 3 },
          text.map((one) => [one]),
          fc.array(tie("tree"), { maxLength: 3 }),
        ),
      )
      .map(([tag, attributes, children]) => element(tag, attributes, children)),
  })).tree;
  fc.assert(
    fc.property(tree, (root) => {
      expect(parsed(printXml(root))).toEqual(root);
    }),
    { numRuns: 40 },
  );
});

test("the definition contains every value of a specification exactly", () => {
  let checked = 0;
  fc.assert(
    fc.property(specimen, (one) => {
      const xml = rendered(one);
      if (xml === undefined) return;
      checked += 1;
      expect(rendered(one)).toBe(xml);
      const found = values(parsed(xml));
      const { input: given } = one;
      const expected = [
        ...given.disks.flatMap((each) => [
          each.type === "existing-volume"
            ? `${each.pool === "vg0" ? "/dev/vg0" : "/var/lib/libvirt/images"}/${each.name}`
            : each.type === "file"
              ? each.path
              : each.device,
          ...(each.serial === undefined ? [] : [each.serial]),
        ]),
        ...given.cdroms.filter((each) => each !== "empty"),
        ...(typeof given.install === "object" ? [given.install.iso] : []),
        ...given.evdev.map(({ device }) => device),
        ...given.sharedFolders.flatMap(({ source, tag }) => [source, tag]),
        ...(given.lookingGlass?.name === undefined ? [] : [given.lookingGlass.name]),
        ...(given.firmware?.nvram === undefined ? [] : [given.firmware.nvram]),
        ...(given.gpus.includes("nasty") ? [one.rom] : []),
      ];
      expect(found).toEqual(expect.arrayContaining(expected));
      // No value became an element of its own.
      expect(xml).not.toMatch(/<!|<\?/);
    }),
    { numRuns: 60 },
  );
  expect(checked).toBeGreaterThan(25);
});

test("libvirt's schema accepts every rendered definition", () => {
  const files = fc.sample(specimen, { numRuns: 60, seed: 20 }).flatMap((one, index) => {
    const xml = rendered(one);
    if (xml === undefined) return [];
    const file = join(folder, `${index}.xml`);
    writeFileSync(file, xml);
    return [file];
  });
  expect(files.length).toBeGreaterThan(30);
  const run = spawnSync(
    "xmllint",
    ["--noout", "--relaxng", "/usr/share/libvirt/schemas/domain.rng", ...files],
    {
      encoding: "utf8",
    },
  );
  expect(run.error).toBeUndefined();
  expect(run.stderr.split("\n").filter((line) => line !== "" && !line.endsWith(" validates"))).toEqual([]);
  expect(run.status).toBe(0);
});

const withoutMetadata = (root: XmlElement): XmlElement => ({
  ...root,
  children: root.children.filter((child) => !isElement(child) || child.name !== "metadata"),
});

/** A form without the order of devices, which does not matter. */
const canonical = (root: XmlElement): string => {
  const sorted = (one: XmlElement): XmlElement => ({
    ...one,
    children: one.children
      .map((child) => (isElement(child) ? sorted(child) : child))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  });
  return JSON.stringify(sorted(root));
};

test("two definitions without a difference are equal in both directions, running or not", () => {
  fc.assert(
    fc.property(specimen, specimen, fc.boolean(), (one, other, near) => {
      // Specimens that are equal except for one field, as after an edit.
      const key =
        Object.keys(one.input)[Math.abs(one.rom.length) % Object.keys(one.input).length] ?? "memory";
      const second = near ? { ...one, input: { ...one.input, [key]: Reflect.get(other.input, key) } } : other;
      const [a, b] = [rendered(one), rendered(second)];
      if (a === undefined || b === undefined) return;
      const [left, right] = [a, b].map((xml) => withoutMetadata(parsed(xml)));
      if (!left || !right) throw new Error("unreachable");
      // A family name stands for any version of its machine. So there is a difference in one direction only.
      if (a.includes('machine="pc-q35-7.2">hvm') !== b.includes('machine="pc-q35-7.2">hvm')) return;
      const alike = canonical(left) === canonical(right);
      const [leftXml, rightXml] = [printXml(left), printXml(right)];
      expect(domainDifferences(leftXml, rightXml).length === 0).toBe(alike);
      expect(domainDifferences(rightXml, leftXml).length === 0).toBe(alike);
      expect(compareDomains(a, b).length === 0).toBe(a === b);
      expect(alike ? pendingDifferences(a, b) : []).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("a definition that is read back renders to the same text", () => {
  fc.assert(
    fc.property(specimen, (one) => {
      const xml = rendered(one);
      if (xml === undefined) return;
      const spec = domainSchema.parse(JSON.parse(JSON.stringify(one.input)));
      const cards = { ...context().cards, nasty: card("05", { rom: { kind: "file", path: one.rom } }) };
      const stored = xml
        .replace(/machine="q35">hvm/, 'machine="pc-q35-7.2">hvm')
        .replace(/machine="pc">hvm/, 'machine="pc-i440fx-7.2">hvm');
      const again = resolveDomain(spec, context({ cards, existing: existing(stored) }));
      expect(again.ok && domainXml(again.value)).toBe(xml);
    }),
    { numRuns: 40 },
  );
});
