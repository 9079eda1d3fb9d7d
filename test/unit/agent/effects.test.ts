import { afterEach, describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { pciAddressSchema, pciIdSchema } from "../../../components/facts/pci.ts";
import {
  effectLine,
  goneEffects,
  parameterValues,
  unmetEffects,
  type Effect,
} from "../../../components/plan/kernel/effects.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import {
  EVERY_SHELL,
  FakeHost,
  plugFunctions,
  type FakeFunction,
  type FakeRoot,
} from "../support/fake-host.ts";

const GPU = "0000:01:00.0";
const AUDIO = "0000:01:00.1";
const at = (text: string) => pciAddressSchema.parse(text);
const argument = (text: string): Effect => ({ kind: "argument", argument: text });
const isFunction = (id = "10de:1c81"): Effect => ({
  kind: "function",
  address: at(GPU),
  id: pciIdSchema.parse(id),
});
const alone = (...others: readonly string[]): Effect => ({
  kind: "alone",
  address: at(GPU),
  with: [GPU, ...others].map(at),
});
const parameter = (value: boolean | number | string, name = "ignore_msrs", module = "kvm"): Effect => ({
  kind: "parameter",
  module,
  name,
  values: parameterValues(value),
});
const pages = (kib: number, count: number): Effect => ({ kind: "hugepages", kib, count });

const gpu = (more: Partial<FakeFunction> = {}): FakeFunction => ({
  address: GPU,
  id: "10de:1c81",
  class: "030000",
  driver: "vfio-pci",
  group: 1,
  ...more,
});
const beside = (more: Partial<FakeFunction> = {}): FakeFunction => ({
  address: AUDIO,
  id: "10de:0fb9",
  class: "040300",
  group: 1,
  ...more,
});

interface Row {
  readonly name: string;
  readonly cmdline?: string;
  readonly kernel?: string;
  readonly functions?: readonly FakeFunction[];
  readonly files?: Readonly<Record<string, string>>;
  readonly effect: Effect;
  /** what both say, nothing where the effect is there */
  readonly says: readonly string[];
  /** the probe does not ask for it, so a preview takes the effect as there */
  readonly unseen?: true;
}

const LACKS = ["kernel command line: lacks iommu=pt"];
const loaded = (parameters: Readonly<Record<string, string>>, module = "kvm"): Record<string, string> => ({
  [`/sys/module/${module}/initstate`]: "live",
  ...Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [`/sys/module/${module}/parameters/${name}`, value]),
  ),
});
const HUGE = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

const TABLE: readonly Row[] = [
  { name: "an argument", cmdline: "ro iommu=pt quiet", effect: argument("iommu=pt"), says: [] },
  { name: "the first and only argument", cmdline: "iommu=pt", effect: argument("iommu=pt"), says: [] },
  { name: "behind a tab", cmdline: "ro\tiommu=pt", effect: argument("iommu=pt"), says: [] },
  { name: "an argument that is missing", cmdline: "ro quiet", effect: argument("iommu=pt"), says: LACKS },
  {
    name: "a part of another one",
    cmdline: "xiommu=pt iommu=pt2",
    effect: argument("iommu=pt"),
    says: LACKS,
  },
  {
    name: "a word inside of a quoted value",
    cmdline: 'dyndbg="file a iommu=pt +p" quiet',
    effect: argument("iommu=pt"),
    says: LACKS,
  },
  {
    name: "behind a quoted value",
    cmdline: 'dyndbg="file a +p" iommu=pt',
    effect: argument("iommu=pt"),
    says: [],
  },
  {
    name: "a name is no pattern",
    cmdline: "iommu=on",
    effect: argument("iommu=[a-z]*"),
    says: ["kernel command line: lacks iommu=[a-z]*"],
  },

  { name: "a function of vfio-pci", functions: [gpu()], effect: isFunction(), says: [] },
  { name: "no such function", effect: isFunction(), says: [`${GPU}: no such device`] },
  {
    name: "another driver",
    functions: [gpu({ driver: "nouveau" })],
    effect: isFunction(),
    says: [`${GPU}: driver is nouveau, expected vfio-pci`],
  },
  {
    name: "no driver",
    functions: [{ address: GPU, id: "10de:1c81", class: "030000" }],
    effect: isFunction(),
    says: [`${GPU}: driver is none, expected vfio-pci`],
  },
  {
    name: "another card in the slot",
    functions: [gpu()],
    effect: isFunction("10de:1c03"),
    says: [`${GPU}: is 10de:1c81, expected 10de:1c03`],
  },
  {
    name: "another card, and another driver",
    functions: [gpu({ driver: "nouveau" })],
    effect: isFunction("10de:1c03"),
    says: [`${GPU}: is 10de:1c81, expected 10de:1c03`, `${GPU}: driver is nouveau, expected vfio-pci`],
  },

  { name: "alone in its group", functions: [gpu()], effect: alone(), says: [] },
  { name: "with its other function", functions: [gpu(), beside()], effect: alone(AUDIO), says: [] },
  {
    name: "with a function that is not wanted",
    functions: [gpu(), beside({ driver: "snd_hda_intel" })],
    effect: alone(),
    says: [`${GPU}: shares its IOMMU group with ${AUDIO} (driver snd_hda_intel)`],
  },
  {
    name: "with two of them, one without a driver",
    functions: [gpu(), beside(), beside({ address: "0000:02:00.0", driver: "xhci_hcd" })],
    effect: alone(),
    says: [`${GPU}: shares its IOMMU group with 0000:02:00.0 (driver xhci_hcd)`],
  },
  {
    name: "with a bridge",
    functions: [beside({ address: "0000:00:01.0", class: "060400", driver: "pcieport" }), gpu()],
    effect: alone(),
    says: [],
  },
  {
    name: "with a host bridge",
    functions: [beside({ address: "0000:00:00.0", class: "060000" }), gpu()],
    effect: alone(),
    says: [],
  },
  {
    name: "with a bridge whose driver does its own DMA",
    functions: [beside({ address: "0000:00:1f.0", class: "060100", driver: "lpc_ich" }), gpu()],
    effect: alone(),
    says: [`${GPU}: shares its IOMMU group with 0000:00:1f.0 (driver lpc_ich)`],
  },
  {
    name: "with a bridge to another bus that has another driver",
    functions: [beside({ address: "0000:00:01.0", class: "060400", driver: "shpchp" }), gpu()],
    effect: alone(),
    says: [`${GPU}: shares its IOMMU group with 0000:00:01.0 (driver shpchp)`],
  },
  {
    name: "with such a bridge, on a kernel that tolerates every bridge",
    functions: [beside({ address: "0000:00:01.0", class: "060400", driver: "shpchp" }), gpu()],
    kernel: "5.18.19",
    effect: alone(),
    says: [],
  },
  {
    name: "with a function that another driver of VFIO has",
    functions: [beside({ driver: "nvgrace_gpu_vfio_pci" }), gpu()],
    effect: alone(),
    says: [],
  },
  { name: "others in another group", functions: [gpu(), beside({ group: 2 })], effect: alone(), says: [] },
  {
    name: "its other function in a group with somebody else",
    functions: [gpu(), beside({ group: 2 }), beside({ address: "0000:02:00.0", group: 2 })],
    effect: alone(AUDIO),
    says: [],
  },
  {
    name: "no group",
    functions: [{ address: GPU, id: "10de:1c81", class: "030000" }],
    effect: alone(),
    says: [`${GPU}: in no IOMMU group, the IOMMU is off`],
  },
  { name: "no device", effect: alone(), says: [`${GPU}: in no IOMMU group, the IOMMU is off`] },

  { name: "a switch as it was set", files: loaded({ ignore_msrs: "1" }), effect: parameter(1), says: [] },
  {
    name: "a switch as the kernel prints it",
    files: loaded({ ignore_msrs: "Y" }),
    effect: parameter(true),
    says: [],
  },
  { name: "a switch in lower case", files: loaded({ ignore_msrs: "Y" }), effect: parameter("y"), says: [] },
  { name: "a switch that is off", files: loaded({ ignore_msrs: "N" }), effect: parameter(false), says: [] },
  {
    name: "a switch that should be off",
    files: loaded({ ignore_msrs: "Y" }),
    effect: parameter("n"),
    says: ["module kvm: ignore_msrs is Y, expected n"],
  },
  {
    name: "a switch that should be on",
    files: loaded({ ignore_msrs: "N" }),
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is N, expected 1"],
  },
  {
    name: "a number",
    files: loaded({ halt_poll_ns: "0" }),
    effect: parameter(200000, "halt_poll_ns"),
    says: ["module kvm: halt_poll_ns is 0, expected 200000"],
  },
  {
    name: "a list",
    files: loaded({ ids: "10de:1c81,10de:0fb9" }, "vfio_pci"),
    effect: parameter("10de:1c81,10de:0fb9", "ids", "vfio_pci"),
    says: [],
  },
  {
    name: "one of a list is not the list",
    files: loaded({ ids: "10de:1c81" }, "vfio_pci"),
    effect: parameter("10de:1c81,10de:0fb9", "ids", "vfio_pci"),
    says: ["module vfio_pci: ids is 10de:1c81, expected 10de:1c81,10de:0fb9"],
  },
  {
    name: "a parameter that this module does not have",
    files: loaded({ other: "1" }),
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is not there, expected 1"],
  },
  {
    name: "a loaded module without any parameter",
    files: loaded({}),
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is not there, expected 1"],
  },
  {
    name: "an empty parameter",
    files: loaded({ ignore_msrs: "" }),
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is not there, expected 1"],
  },
  {
    name: "a parameter of a module that is built in",
    files: { "/sys/module/kvm/parameters/ignore_msrs": "N" },
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is N, expected 1"],
  },
  {
    name: "a module that is not loaded, and would be with another value",
    effect: parameter(1),
    says: ["module kvm: ignore_msrs is 0, expected 1"],
    unseen: true,
  },
  { name: "a module that is not loaded, and would be with that value", effect: parameter(0), says: [] },

  { name: "as many pages as wanted", files: { [HUGE]: "512" }, effect: pages(2048, 512), says: [] },
  { name: "more pages", files: { [HUGE]: "600" }, effect: pages(2048, 512), says: [] },
  {
    name: "fewer pages",
    files: { [HUGE]: "510" },
    effect: pages(2048, 512),
    says: ["huge pages of 2048 KiB: 510 of 512"],
  },
  {
    name: "pages of a size that this kernel does not have",
    files: { [HUGE]: "512" },
    effect: pages(1048576, 4),
    says: ["huge pages of 1048576 KiB: 0 of 4"],
  },
];

const build = (
  host: FakeRoot,
  { cmdline, functions = [], files = {}, kernel = "6.1.0-37-amd64" }: Row,
): void => {
  host.file("/proc/cmdline", cmdline ?? "root=/dev/sda1 ro");
  for (const [name, value] of [
    ["hostname", "xeon"],
    ["osrelease", kernel],
    ["random/boot_id", "boot-1"],
  ] as const)
    host.file(`/proc/sys/kernel/${name}`, value);
  plugFunctions(host, functions);
  for (const [path, content] of Object.entries(files)) host.file(path, content);
};

let host: FakeHost | FakeAgent;
afterEach(() => host.remove());

describe("a preview's judgement by the probe's facts", () => {
  test.each(TABLE.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const probed = new FakeHost();
    host = probed;
    build(probed, row);
    const { facts } = probed.probe("dash", { survey: true, parameters: "*" });
    expect(unmetEffects(facts, [row.effect]).map(({ found }) => found)).toEqual(row.unseen ? [] : row.says);
  });

  test("pages are judged only where they were asked for", () => {
    const probed = new FakeHost();
    host = probed;
    build(probed, { name: "", files: { [HUGE]: "1" }, effect: pages(2048, 2), says: [] });
    expect(unmetEffects(probed.probe("dash").facts, [pages(2048, 2)])).toEqual([]);
  });
});

const APPLIED = ["argument iommu=pt", "argument old=1", "function 0000:01:00.0 10de:1c81", "module vfio_pci"];
const WANTED = ["argument iommu=pt", "file /etc/x"];
const GONE = ["no longer wanted: argument old=1", "no longer wanted: function 0000:01:00.0 10de:1c81"];

test("what is wanted no longer, judged by a preview", () => {
  host = new FakeHost();
  expect(goneEffects(`${APPLIED.join("\n")}\n`, WANTED)).toEqual(GONE);
});

describe.each(EVERY_SHELL)("the agent's judgement on the host, with %s", (shell) => {
  const start = (): FakeAgent => {
    const agent = new FakeAgent({ bootloader: grub, initramfs: initramfsTools, distro: debian }, shell);
    host = agent;
    agent.tool("modprobe", '[ "$1" != -c ] || echo "options kvm nested=1 ignore_msrs=0"');
    return agent;
  };

  test("every row of the table", () => {
    const found = TABLE.map((row) => {
      const agent = start();
      build(agent, row);
      const { status, output, errors } = agent.call(
        'cat >"$BOOT/wanted"; unmet "$BOOT/wanted"',
        `${effectLine(row.effect)}\n`,
      );
      agent.remove();
      return { name: row.name, says: output.split("\n").slice(0, -1), status, errors };
    });
    start();
    expect(found).toEqual(TABLE.map(({ name, says }) => ({ name, says, status: 0, errors: "" })));
  });

  test("what is wanted no longer", () => {
    const agent = start();
    agent.file("/var/lib/vfio-fleet/boot/applied", APPLIED.join("\n"));
    const { output } = agent.call('cat >"$BOOT/wanted"; gone "$BOOT/wanted"', `${WANTED.join("\n")}\n`);
    expect(output.trimEnd().split("\n")).toEqual(GONE);
  });
});
