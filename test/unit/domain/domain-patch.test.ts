import { describe, expect, test } from "vitest";
import { applyPatch, patchSchema } from "../../../components/plan/domain/document/patch.ts";
import { parseXmlPath } from "../../../components/plan/domain/document/xml-path.ts";
import { parseXml, printXml } from "../../../components/plan/domain/document/xml-tree.ts";

const domain = `<domain type="kvm">
  <name>win</name>
  <cpu mode="host-passthrough"/>
  <devices>
    <disk device="disk"><target dev="vda"/></disk>
    <disk device="cdrom"><target dev="sda"/></disk>
  </devices>
</domain>`;

const apply = (patch: unknown): string => {
  const read = parseXml(domain);
  const given = patchSchema.safeParse(patch);
  if (!read.ok || !given.success) return given.error?.issues.map(({ message }) => message).join("\n") ?? "";
  const outcome = applyPatch(read.root, given.data);
  return outcome.ok ? printXml(outcome.value) : outcome.problem;
};
const lines = (patch: unknown): string[] =>
  apply(patch)
    .split("\n")
    .map((line) => line.trim());

describe("a patch", () => {
  test("sets an attribute and creates missing elements", () => {
    expect(lines({ path: "cpu/@check", set: "none" })).toContain(
      '<cpu mode="host-passthrough" check="none"/>',
    );
    expect(lines({ path: "features/ioapic/@driver", set: "kvm" })).toContain('<ioapic driver="kvm"/>');
    expect(lines({ path: "@type", set: "qemu" })[0]).toBe('<domain type="qemu">');
  });
  test("replaces an element", () => {
    const set = "<cpu mode='custom'><model>Haswell</model></cpu>";
    expect(apply({ path: "cpu", set })).toContain(
      '<name>win</name>\n  <cpu mode="custom">\n    <model>Haswell</model>',
    );
    expect(apply({ path: "cpu", set })).not.toContain("host-passthrough");
  });
  test("appends below an element, or below the domain", () => {
    expect(apply({ path: "devices", append: "<sound model='ich9'/>" })).toMatch(
      /<\/disk>\s*<sound model="ich9"\/>\s*<\/devices>/,
    );
    const qemu =
      "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-s'/></q:commandline>";
    expect(apply({ path: ".", append: qemu })).toMatch(
      /<\/devices>\s*<q:commandline xmlns:q=.*>\s*<q:arg value="-s"\/>/,
    );
  });
  test("removes elements and attributes", () => {
    expect(apply({ path: "devices/disk[2]", remove: true })).not.toContain("cdrom");
    expect(apply({ path: "devices/disk[@device='cdrom']", remove: true })).not.toContain("cdrom");
    expect(lines({ path: "cpu/@mode", remove: true })).toContain("<cpu/>");
  });
  test("keeps metacharacters", () => {
    expect(lines({ path: "devices/disk[@device='disk']/target/@dev", set: `a"<&>'b` })).toContain(
      '<target dev="a&quot;&lt;&amp;&gt;&apos;b"/>',
    );
  });
});

describe("an impossible patch is an error", () => {
  test.each<readonly [patch: object, problem: string | RegExp]>([
    [{ path: "devices/disk", remove: true }, "<disk> is there 2 times: say which, as [1]"],
    [{ path: "devices/disk/target/@dev", set: "x" }, "<disk> is there 2 times: say which, as [1]"],
    [{ path: "devices/disk[3]/target/@dev", set: "x" }, "there is no such <disk>"],
    [{ path: "devices/sound", remove: true }, "there is no such <sound> to remove"],
    [{ path: "cpu/@check", remove: true }, "<cpu> has no attribute check"],
    [{ path: "cpu", set: "<cpu" }, /^set is no well-formed XML element: /],
    [{ path: "cpu", set: "host" }, /^set is no well-formed XML element: /],
    [{ path: "cpu", set: "<a/><b/>" }, /^set is no well-formed XML element: /],
    [
      { path: "cpu", set: "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><cpu>&e;</cpu>" },
      /document types are not read/,
    ],
    [{ path: "cpu", set: "<clock/>" }, "set holds <clock>, the path ends in cpu"],
    [{ path: "cpu", set: "<cpu mode='a&#10;b'/>" }, "set has an attribute with control characters"],
    [{ path: "cpu/@mode", append: "<x/>" }, "append needs an element's path, not an attribute's"],
    [
      { path: "uuid", set: "<uuid>x</uuid>" },
      "uuid is what the tool knows the domain by and cannot be patched",
    ],
    [
      { path: "metadata", remove: true },
      "metadata is what the tool knows the domain by and cannot be patched",
    ],
    [{ path: ".", remove: true }, "the domain itself cannot be removed"],
    [{ path: ".", set: "<domain/>" }, "the domain itself cannot be set; name an element below it"],
    [{ path: "devices//disk", remove: true }, /^"devices\/\/disk" is not a path/],
    [{ path: "cpu", set: "<cpu/>", append: "<x/>" }, "expected a path with one of set, append and remove"],
    [{ path: "cpu" }, "expected a path with one of set, append and remove"],
    [{ path: "cpu", remove: false }, /Invalid input/],
  ])("%j", (patch, problem) => {
    expect(apply(patch)).toMatch(problem);
  });
});

test("paths", () => {
  expect(parseXmlPath("a/b[2]/@c")).toEqual({
    segments: [
      { name: "a", which: { kind: "any" } },
      { name: "b", which: { kind: "nth", n: 2 } },
    ],
    attribute: "c",
  });
  expect(parseXmlPath(`a[@x="/ ' ]"]`)?.segments[0]?.which).toEqual({
    kind: "attribute",
    name: "x",
    value: "/ ' ]",
  });
  expect(parseXmlPath(".")).toEqual({ segments: [], attribute: undefined });
  for (const wrong of [
    "",
    "/a",
    "a/",
    "a//b",
    "a[0]",
    "a[]",
    "a b",
    "@a/b",
    "a[@b]",
    "..",
    "a/./b",
    "a[@b='c]",
  ])
    expect(`${wrong}: ${JSON.stringify(parseXmlPath(wrong))}`).toBe(`${wrong}: undefined`);
});
