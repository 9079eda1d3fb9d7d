import { describe, expect, test } from "vitest";
import type { Facts } from "../../../components/facts/facts.ts";
import { formatProblem } from "../../../components/facts/problem.ts";
import { isDue, keyWord, receiptName, type Step } from "../../../components/plan/step.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost, type HostPlan } from "../../../components/host/plan-host.ts";
import { planHostHandOver } from "../../../components/host/plan-hand-over.ts";
import { probeQuestion } from "../../../components/host/host-question.ts";
import { device, xeonFacts } from "../../fixtures/xeon.ts";
import { stepWords } from "../support/fake-agent.ts";

const GIB = 1024 ** 3;
const WHERE = { stack: "home", host: "xeon" };
const CARDS = {
  one: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] },
  two: { address: "04:00.0", ids: ["10de:1c81", "10de:0fb9"] },
  three: { address: "05:00.0", ids: ["10de:1c81", "10de:0fb9"] },
};
const VOLUME = "/var/lib/libvirt/images/win.qcow2";

const facts = (more: Partial<Facts> = {}): Facts => {
  const base = xeonFacts(more);
  const twins = ["04", "05"].flatMap((bus, index) => [
    device(`${bus}:00.0`, "10de:1c81", "030000", 40 + index, { driver: "nouveau" }),
    device(`${bus}:00.1`, "10de:0fb9", "040300", 40 + index, { driver: "snd_hda_intel" }),
  ]);
  return { ...base, pci: [...base.pci, ...twins] };
};

const EXISTS = facts().exists;

interface Running {
  readonly xml: string;
  readonly live?: string;
}
/** libvirt's facts with these domains; a domain with a live definition is running. */
const libvirt = (domains: Readonly<Record<string, Running>>): Pick<Facts, "libvirt"> => ({
  libvirt: {
    socket: true,
    domains: Object.entries(domains).map(([name, { xml, live }]) => ({
      name,
      running: live !== undefined,
      autostart: false,
      xml,
      ...(live !== undefined && { liveXml: live }),
    })),
  },
});

const specOf = (domains: Readonly<Record<string, object>>, cards: object = CARDS) =>
  hostSchema.parse({
    connection: { host: "xeon" },
    cards,
    // The kernel's steps do not matter here.
    kernel: { reboot: "never" },
    storage: { pools: { default: { path: "/var/lib/libvirt/images" } } },
    domains: Object.fromEntries(
      Object.entries(domains).map(([name, domain]) => [
        name,
        { profile: "reference", memory: "4 GiB", networks: [], disks: [], ...domain },
      ]),
    ),
  });

const planOf = (
  domains: Readonly<Record<string, object>>,
  found: Partial<Facts> = {},
  cards: object = CARDS,
): HostPlan => {
  const plan = planHost(specOf(domains, cards), facts({ exists: EXISTS, ...found }), WHERE);
  if (!plan.ok) throw new Error(plan.problems.map(formatProblem).join("\n"));
  return plan.value;
};
const problemsOf = (domains: Readonly<Record<string, object>>, found: Partial<Facts> = {}): string[] => {
  const plan = planHost(specOf(domains), facts({ exists: EXISTS, ...found }), WHERE);
  return plan.ok ? [] : plan.problems.map(formatProblem);
};
const domainOf = (plan: HostPlan, name: string) => {
  const found = plan.domains.find(({ domain }) => domain.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const stepOf = (plan: HostPlan, name: string, key: string): Step => {
  const found = domainOf(plan, name).steps.find((step) => step.key === key);
  if (!found) throw new Error(`no step ${key}`);
  return found;
};
/** The definition that this plan's up would store. */
const xmlOf = (name: string, domains: Readonly<Record<string, object>>, found: Partial<Facts> = {}): string =>
  domainOf(planOf(domains, found), name).xml;
const cardsOf = (plan: HostPlan, name: string): string[] =>
  domainOf(plan, name).domain.cards.map((card) => card.name);

describe("a running domain", () => {
  const before = {
    gpus: ["one"],
    cdroms: ["empty"],
    networks: [{ type: "bridge", bridge: "br0" }],
    balloon: { statsSeconds: 5 },
  };
  const xml = xmlOf("win", { win: before });
  const running = libvirt({ win: { xml, live: xml } });

  test("without changes has no open steps, and nothing is pending", () => {
    const plan = planOf({ win: { ...before, state: "running" } }, running);
    expect(domainOf(plan, "win")).toMatchObject({ warnings: [], pending: [] });
    expect(domainOf(plan, "win").steps.map(({ key, inPlace }) => [key, inPlace])).toEqual([
      ["domain win", true],
      ["run win", true],
    ]);
  });

  test("new memory waits for the next start, and the preview says so; UUID and NVRAM stay", () => {
    const plan = planOf({ win: { ...before, memory: "8 GiB", state: "running" } }, running);
    const { warnings, pending, xml: wanted, domain } = domainOf(plan, "win");
    expect(pending).toEqual(["memory: 4194304 -> 8388608"]);
    expect(warnings).toEqual(["win runs on; pending until its next start: memory: 4194304 -> 8388608"]);
    expect(wanted).toContain(/<uuid>.*<\/uuid>/.exec(xml)?.[0]);
    expect(domain.firmware.nvram).toBe("/var/lib/libvirt/qemu/nvram/win_VARS.fd");
    expect(stepOf(plan, "win", "run win")).toMatchObject({ verb: "run", args: ["win"], inPlace: true });
  });

  test("with restart: when-needed is restarted gracefully for that", () => {
    const plan = planOf(
      { win: { ...before, memory: "8 GiB", state: "running", restart: "when-needed" } },
      running,
    );
    expect(stepOf(plan, "win", "run win")).toMatchObject({
      args: ["win", "restart", "180", "keep"],
      inPlace: false,
      after: ["domain win"],
    });
    expect(domainOf(plan, "win").warnings).toEqual([
      expect.stringMatching(/will be shut down and started again/),
    ]);
  });

  test("media, link and statistics change at once", () => {
    const plan = planOf(
      {
        win: {
          ...before,
          cdroms: ["/srv/tools.iso"],
          networks: [{ type: "bridge", bridge: "br0", link: "down" }],
          balloon: { statsSeconds: 9 },
        },
      },
      running,
    );
    const { warnings, pending } = domainOf(plan, "win");
    expect(pending).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^win runs on and gets at once: .*disk\[hda\]\/source.*link.*stats\/@period: 5 -> 9$/,
    );
  });

  test("a medium that the guest has ejected is no drift, but pending", () => {
    const full = xmlOf("win", { win: { ...before, cdroms: ["/srv/tools.iso"] } });
    const plan = planOf(
      { win: { ...before, cdroms: ["/srv/tools.iso"] } },
      libvirt({ win: { xml: full, live: xml } }),
    );
    expect(stepOf(plan, "win", "domain win").inPlace).toBe(true);
    expect(domainOf(plan, "win").pending).toEqual([expect.stringContaining("devices/disk[hda]/source")]);
  });

  test("autostart is a separate setting", () => {
    expect(
      stepOf(planOf({ win: { ...before, autostart: true } }, running), "win", "domain win"),
    ).toMatchObject({
      args: ["win", "autostart"],
      inPlace: false,
    });
  });

  test("its removal keeps its data by default", () => {
    const undo = (domain: object) =>
      stepOf(planOf({ win: { ...before, ...domain } }), "win", "domain win").undo;
    expect(undo({})).toEqual(["undomain", "win", "180", "keep"]);
    expect(undo({ deleteData: true })).toEqual(["undomain", "win", "180", "keep", "data"]);
  });
});

describe("storage", () => {
  const win = { disks: [{ type: "volume", sizeGiB: 20 }] };
  const looked = (bytes: number): Partial<Facts> => ({
    looked: { [VOLUME]: { kind: "file", bytes, stamp: "1:2:3" } },
  });

  const SIZE = "size default/win.qcow2";
  const receipts = (notes: Record<string, string>): Pick<Facts, "receipts"> => ({
    receipts: { [receiptName(SIZE)]: { token: "t", notes } },
  });

  test("a volume that is too small grows before the domain is defined", () => {
    const plan = planOf({ win }, { ...looked(10 * GIB), ...receipts({}) });
    expect(stepOf(plan, "win", SIZE)).toMatchObject({
      verb: "grow",
      args: ["win", "default", "win.qcow2", VOLUME, String(20 * GIB)],
      inPlace: false,
    });
    expect(stepOf(plan, "win", "domain win").after).toEqual(["size default/win.qcow2"]);
    expect(stepOf(planOf({ win }, looked(20 * GIB)), "win", "size default/win.qcow2").inPlace).toBe(true);
  });

  test("a smaller size is refused", () => {
    expect(problemsOf({ win }, looked(30 * GIB))).toEqual([
      expect.stringMatching(
        /domains\.win\.disks: volume win\.qcow2 of pool default has 30 GiB, the stack says 20 GiB: a volume never shrinks/,
      ),
    ]);
  });

  describe("an existing volume that this stack has not made", () => {
    test("is used as it is, and stays recorded as found", () => {
      const there = looked(20 * GIB);
      const args = ["win", "default", "win.qcow2", VOLUME, String(20 * GIB)];
      expect(stepOf(planOf({ win }, there), "win", SIZE).args).toEqual([...args, "found"]);
      const taken = { ...there, ...receipts({ found: "yes" }) };
      expect(stepOf(planOf({ win }, taken), "win", SIZE).args).toEqual([...args, "found"]);
      const made = { ...there, ...receipts({}) };
      expect(stepOf(planOf({ win }, made), "win", SIZE).args).toEqual(args);
      expect(stepOf(planOf({ win }, { looked: {} }), "win", SIZE).args).toEqual(args);
    });

    test("is refused for a new domain if it is the disk of another one, running or not", () => {
      const disks = [{ type: "file", path: VOLUME, format: "qcow2" }];
      const other = xmlOf("byhand", { byhand: { disks } }).replaceAll(/<metadata>[^]*<\/metadata>/g, "");
      const found = { ...looked(20 * GIB), ...libvirt({ byhand: { xml: other } }) };
      expect(problemsOf({ win }, found)).toEqual([
        expect.stringMatching(
          /domains\.win\.disks: volume win\.qcow2 of pool default is a disk of the domain byhand already[^]*existing-volume/,
        ),
      ]);
      expect(problemsOf({ win }, { ...found, ...receipts({}) })).toEqual([]);
    });

    test("is never deleted with the domain", () => {
      const deleting = { win: { ...win, deleteData: true } };
      expect(problemsOf(deleting, { ...looked(20 * GIB), ...receipts({ found: "yes" }) })).toEqual([
        expect.stringMatching(
          /domains\.win\.deleteData: volume win\.qcow2 of pool default was on the host when the stack first used it, and would be deleted/,
        ),
      ]);
      expect(problemsOf(deleting, { ...looked(20 * GIB), ...receipts({}) })).toEqual([]);
    });
  });

  test("media: missing, not an ISO, and a digest that differs from the recorded one", () => {
    const sha256 = "0".repeat(64);
    const install = (path: string) => ({ win: { install: { iso: { path, sha256 } } } });
    expect(problemsOf(install("/srv/none.iso"), { looked: {} })).toEqual([
      expect.stringMatching(
        /domains\.win\.install\.iso: \/srv\/none\.iso: expected an ISO image on the host, found nothing there/,
      ),
    ]);
    expect(problemsOf(install("/srv/x.iso"), { looked: { "/srv/x.iso": { kind: "file" } } })).toEqual([
      expect.stringContaining("expected an ISO image on the host, found a file"),
    ]);
    const found = (stamp: string): Partial<Facts> => ({
      looked: { "/srv/x.iso": { kind: "iso", stamp: "9:9:9" } },
      receipts: {
        [receiptName("media win /srv/x.iso")]: { token: "t", notes: { sha256: "1".repeat(64), stamp } },
      },
    });
    expect(problemsOf(install("/srv/x.iso"), found("9:9:9"))).toEqual([
      expect.stringMatching(/has the sha256 1111.*, expected 0000/),
    ]);
    // The file was replaced since then, so it has to be read again.
    expect(stepOf(planOf(install("/srv/x.iso"), found("8:8:8")), "win", "media win /srv/x.iso").inPlace).toBe(
      false,
    );
  });

  test("the probe asks for volumes by path, or by pool", () => {
    const spec = specOf({
      win: {
        disks: [
          { type: "volume", sizeGiB: 1 },
          { type: "volume", pool: "vg0", name: "data", sizeGiB: 1 },
        ],
      },
    });
    expect(probeQuestion(spec).look).toEqual(expect.arrayContaining([VOLUME, "pool/vg0/data"]));
  });
});

test("what the host has is compared: networks, huge pages that the stack reserves, versions of libvirt and QEMU", () => {
  const exists = [...EXISTS, "/etc/libvirt/qemu/networks/default.xml"];
  const found = {
    exists,
    libvirt: { socket: true, domains: [] },
    packages: { "libvirt-daemon-system": "7.0.0-3+deb11u2", "qemu-system-x86": "1:5.2+dfsg-11" },
  };
  expect(problemsOf({ win: { networks: [{ type: "network", network: "lan" }] } }, found)).toEqual([
    expect.stringMatching(/networks\.0\.network: the host has no network "lan"; it has: default/),
  ]);
  expect(problemsOf({ win: { evdev: [{ device: "/dev/input/by-id/a" }] } }, found)).toEqual([
    expect.stringMatching(/evdev: evdev input needs libvirt 7\.4\.0, the host has 7\.0\.0/),
  ]);
  const arch = {
    ...found,
    distro: { id: "arch", version: "", like: [], name: "Arch Linux" },
    packages: { libvirt: "1:9.0.0-1", "qemu-system-x86": "4.2.0-1" },
  };
  expect(problemsOf({ win: { evdev: [{ device: "/dev/input/by-id/a" }] } }, arch)).toEqual([]);
  expect(
    problemsOf(
      { win: { disks: [{ type: "file", path: "/srv/a.raw", format: "raw", io: "io_uring" }] } },
      arch,
    ),
  ).toEqual([expect.stringMatching(/disks: io: io_uring needs QEMU 5\.0\.0, the host has 4\.2\.0/)]);
  expect(
    problemsOf(
      { win: { evdev: [{ device: "/dev/input/by-id/a" }] } },
      { ...arch, packages: { libvirt: "1:7.3.0-2" } },
    ),
  ).toEqual([expect.stringMatching(/evdev: evdev input needs libvirt 7\.4\.0, the host has 7\.3\.0/)]);
  const pages = {
    kernel: { reboot: "never", hugepages: { size: "1G", count: 2 } },
    domains: { win: { hugepages: "1 GiB" } },
  };
  const plan = planHost(
    {
      ...specOf({ win: { hugepages: "1 GiB" } }),
      kernel: hostSchema.parse({ connection: { host: "x" }, ...pages, domains: {} }).kernel,
    },
    facts({ exists }),
    WHERE,
  );
  expect(plan.ok ? [] : plan.problems.map(formatProblem)).toEqual([
    expect.stringMatching(/hugepages: 4 GiB needs 4 pages of 1 GiB, the host has reserved 2/),
  ]);
});

test("swtpm and its tools are installed only for a TPM", () => {
  const packagesOf = (domain: object) =>
    planOf({ win: domain }).libvirt.find(({ key }) => key === "packages")?.args;
  expect(packagesOf({})).not.toContain("swtpm");
  expect(packagesOf({ tpm: "tpm-crb" })).toEqual(expect.arrayContaining(["swtpm", "swtpm-tools"]));
});

test.each([
  ["Debian 12, whose QEMU package has it", {}, []],
  ["Debian 13", { distro: { id: "debian", version: "13", like: [], name: "Debian" } }, ["virtiofsd"]],
  ["Debian testing", { distro: { id: "debian", version: "", like: [], name: "Debian" } }, ["virtiofsd"]],
  ["Ubuntu", { distro: { id: "ubuntu", version: "24.04", like: ["debian"], name: "Ubuntu" } }, ["virtiofsd"]],
  ["Proxmox VE 8", { packages: { "pve-manager": "8.4.1" } }, ["virtiofsd"]],
] satisfies readonly (readonly [string, Partial<Facts>, readonly string[]])[])(
  "virtiofs installs its daemon, 9p needs none: %s",
  (_, found, brought) => {
    const packagesOf = (type: "virtiofs" | "9p"): readonly string[] =>
      planOf({ win: { sharedFolders: [{ type, source: "/srv", tag: "srv" }] } }, found).libvirt.find(
        ({ key }) => key === "packages",
      )?.args ?? [];
    const plain = packagesOf("9p");
    expect(packagesOf("virtiofs").filter((name) => !plain.includes(name))).toEqual(brought);
    expect(probeQuestion(specOf({})).packages).toEqual(expect.arrayContaining(brought));
  },
);

test("nested virtualization is checked only for enlightenments that need it, and the stack's own option counts", () => {
  const windows = { win: { profile: "windows-11", tpm: "none", gpus: [] } };
  const asked = (domains: Readonly<Record<string, object>>): readonly string[] =>
    probeQuestion(specOf(domains)).parameters;
  expect(asked(windows)).toContain("kvm_intel");
  expect(asked({ win: {} })).not.toContain("kvm_intel");
  const exists = EXISTS;
  const evmcs = (parameter: string | undefined, option?: string): boolean => {
    const spec = specOf(windows);
    const plan = planHost(
      {
        ...spec,
        kernel: { ...spec.kernel, ...(option && { moduleOptions: { kvm_intel: { nested: option } } }) },
      },
      facts({
        exists,
        moduleParameters: parameter === undefined ? {} : { kvm_intel: { nested: parameter } },
      }),
      WHERE,
    );
    if (!plan.ok) throw new Error(plan.problems.map(formatProblem).join("\n"));
    return domainOf(plan.value, "win").xml.includes("<evmcs");
  };
  expect([evmcs("Y"), evmcs("1"), evmcs(undefined), evmcs("N"), evmcs("0")]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect([evmcs("N", "1"), evmcs("Y", "0")]).toEqual([true, false]);
});

describe("cards among domains", () => {
  const any = (count: number, more: object = {}) => ({ gpus: { any: count }, ...more });

  test("any takes cards that no domain lists, in the stack's order", () => {
    const plan = planOf({ fixed: { gpus: ["one"] }, first: any(1), second: any(1) });
    expect([cardsOf(plan, "first"), cardsOf(plan, "second")]).toEqual([["two"], ["three"]]);
  });

  test("any keeps the domain's current card", () => {
    const domains = { first: any(1), second: any(1) };
    const had = xmlOf("second", { other: any(1), second: any(1) });
    const plan = planOf(domains, libvirt({ second: { xml: had } }));
    expect(cardsOf(plan, "second")).toEqual(["two"]);
    expect(cardsOf(plan, "first")).toEqual(["one"]);
  });

  test("any never takes a card that another domain has or is to have; too few cards are refused", () => {
    const held = xmlOf("byhand", { byhand: { gpus: ["two"] } }).replaceAll(/<metadata>[^]*<\/metadata>/g, "");
    const domains = { fixed: { gpus: ["one"], state: "running" }, win: any(1, { state: "running" }) };
    const found = libvirt({ byhand: { xml: held, live: held } });
    expect(cardsOf(planOf(domains, found), "win")).toEqual(["three"]);
    expect(problemsOf({ ...domains, win: any(2, { state: "running" }) }, found)).toEqual([
      expect.stringMatching(/domains\.win\.gpus\.any: 2 cards are wanted, 1 could be had \(three\)/),
    ]);
  });

  test("two domains that are to run with one card are refused", () => {
    const both = { a: { gpus: ["one"], state: "running" }, b: { gpus: ["one"], autostart: true } };
    expect(problemsOf(both)).toEqual([
      expect.stringMatching(
        /domains\.b\.gpus: card one \(0000:03:00\.0\) is also listed by a, and both are to run/,
      ),
    ]);
    expect(problemsOf({ ...both, b: { gpus: ["one"] } })).toEqual([]);
  });

  test("a domain that is to start with a running domain's card is refused, unless that one is to stop", () => {
    const xml = xmlOf("old", { old: { gpus: ["one"] } });
    const found = libvirt({ old: { xml, live: xml } });
    const win = { gpus: ["one"], state: "running" };
    expect(problemsOf({ old: { gpus: ["one"] }, win }, found)).toEqual([
      expect.stringMatching(
        /domains\.win\.gpus: win is to run with card one, which the running domain old has[^]*gpu release one/,
      ),
    ]);
    expect(problemsOf({ old: { gpus: ["one"], state: "stopped" }, win }, found)).toEqual([]);
  });

  test("the same is true for a disk", () => {
    const disks = [{ type: "file", path: "/srv/win.qcow2", format: "qcow2" }];
    const xml = xmlOf("old", { old: { disks } });
    expect(
      problemsOf({ old: { disks }, win: { disks, state: "running" } }, libvirt({ old: { xml, live: xml } })),
    ).toEqual([
      expect.stringMatching(/domains\.win\.disks: \/srv\/win\.qcow2 is in use by the running domain old/),
    ]);
  });

  test("idle: host leaves a card with its driver until libvirt takes it", () => {
    const cards = { ...CARDS, one: { ...CARDS.one, idle: "host" } };
    const plan = planOf({ win: { gpus: ["one", "two"] } }, {}, cards);
    const bind = plan.kernel.steps.find(({ key }) => key === "/etc/vfio-fleet/bind")?.input ?? "";
    expect(bind).not.toContain("0000:03:00");
    expect(bind).toContain("0000:04:00.0");
    const proof = plan.kernel.steps.find(({ key }) => key === "prove")?.input ?? "";
    expect(proof).not.toContain("function 0000:03:00.0");
    expect(proof).toContain("alone 0000:03:00.0");
    const managed = [...domainOf(plan, "win").xml.matchAll(/<hostdev [^>]*managed="(\w+)"/g)].map(
      ([, word]) => word,
    );
    expect(managed).toEqual(["yes", "yes", "no", "no"]);
  });
});

describe("a card on demand", () => {
  const domains = { fixed: { gpus: ["one"] }, game: { gpus: { any: 1 } }, bare: {} };
  const xmls = (): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.keys(domains).map((name) => [name, xmlOf(name, domains)]));
  const all = (running: readonly string[] = []): Partial<Facts> =>
    libvirt(
      Object.fromEntries(
        Object.entries(xmls()).map(([name, xml]) => [
          name,
          running.includes(name) ? { xml, live: xml } : { xml },
        ]),
      ),
    );
  const plan = (domain: string, card: string | undefined, found: Partial<Facts> = all()) =>
    planHostHandOver(
      { domain, card: card === undefined ? { kind: "any" } : { kind: "named", name: card } },
      specOf(domains),
      facts(found),
      WHERE,
    );

  test("a card that the domain lists needs no other definition", () => {
    expect(plan("fixed", "one")).toEqual({
      ok: true,
      value: { cards: ["one"], functions: ["0000:03:00.0", "0000:03:00.1"], definition: undefined },
    });
  });

  test("a domain with any gets a definition with the named card", () => {
    const handed = plan("game", "three");
    if (!handed.ok) throw new Error("refused");
    expect(handed.value.definition).toContain('name="three" place="0" functions="0000:05:00.0 0000:05:00.1"');
    expect(handed.value.definition).not.toContain('name="two"');
    // The next preview keeps the card.
    const after = libvirt({ game: { xml: handed.value.definition ?? "" } });
    expect(cardsOf(planOf(domains, after), "game")).toEqual(["three"]);
  });

  test("any is a free card: the domain's own if nobody has it, otherwise another one", () => {
    expect(plan("game", undefined)).toMatchObject({
      ok: true,
      value: { cards: ["two"], definition: undefined },
    });
    const other = xmlOf("other", { other: { gpus: ["two"] } });
    const held = {
      ...all(),
      ...libvirt({
        ...Object.fromEntries(Object.entries(xmls()).map(([name, xml]) => [name, { xml }])),
        other: { xml: other, live: other },
      }),
    };
    expect(plan("game", undefined, held)).toMatchObject({ ok: true, value: { cards: ["one"] } });
  });

  test.each([
    [
      "a card that the domain does not list",
      "fixed",
      "two",
      /fixed does not list card two: its gpus are one[^]*any: 1/,
    ],
    [
      "a card that does not exist",
      "game",
      "nine",
      /there is no card nine on its host; there are one, two, three/,
    ],
    ["a domain without cards", "bare", undefined, /bare lists no card/],
  ])("refused: %s", (_, domain, card, message) => {
    const refused = plan(domain, card);
    expect(refused.ok ? "" : refused.problems.map(formatProblem).join()).toMatch(message);
  });

  test("a domain that libvirt does not have yet is refused", () => {
    const refused = plan("game", "one", {});
    expect(refused.ok ? "" : refused.problems.map(formatProblem).join()).toMatch(
      /no domain game yet[^]*pulumi up/,
    );
  });
});

describe("AppArmor", () => {
  const LOCAL = "/etc/apparmor.d/local/abstractions/libvirt-qemu";
  const withRom = (path: string) => ({
    win: {
      gpus: ["one"],
      patch: [{ path: "devices/hostdev[1]/rom", set: `<rom bar='on' file='${path}'/>` }],
    },
  });
  const stepFor = (path: string, found: Partial<Facts> = {}) =>
    planOf(withRom(path), {
      exists: [...EXISTS, "/etc/apparmor.d/abstractions/libvirt-qemu"],
      ...found,
    }).libvirt.find(({ key }) => key === LOCAL);

  test("a ROM outside the folders that libvirt allows gets its own AppArmor rule, after the host's", () => {
    expect(stepFor("/srv/roms/a*b.rom")).toMatchObject({
      verb: "block",
      args: [LOCAL, "new"],
      input: String.raw`"/srv/roms/a\*b.rom" r,`,
      inPlace: false,
    });
  });

  test("there is no rule if libvirt's own suffices, or without AppArmor", () => {
    expect(stepFor("/usr/share/vgabios/x.rom")).toBeUndefined();
    expect(stepFor("/srv/x.rom", { exists: EXISTS })).toBeUndefined();
  });
});

describe("a domain that has to be shut off", () => {
  const wanted = { win: { gpus: ["one"], state: "stopped" } };
  const stepFor = (found: Partial<Facts>, domains: Readonly<Record<string, object>> = wanted) => ({
    step: stepOf(planOf(domains, found), "win", "run win"),
    facts: facts(found),
  });
  const xml = xmlOf("win", wanted);
  const receipts = { run_win: { token: "before", notes: { state: "shut-off" } } };

  test("is settled after a run has shut it off", () => {
    const first = stepFor(libvirt({ win: { xml } }));
    expect(isDue(first.facts, first.step)).toBe(true);
    const later = stepFor({ ...libvirt({ win: { xml } }), receipts });
    expect(isDue(later.facts, later.step)).toBe(false);
  });
  test("is drift if somebody started it", () => {
    const { step, facts } = stepFor({ ...libvirt({ win: { xml, live: xml } }), receipts });
    expect(isDue(facts, step)).toBe(true);
    expect(step.drift).toEqual({ kind: "state", found: "win is running", wanted: "shut off" });
  });
  test("is a change, no drift, if it has to run now", () => {
    const running = { win: { gpus: ["one"], state: "running" } };
    const { step } = stepFor({ ...libvirt({ win: { xml: xmlOf("win", running) } }), receipts }, running);
    expect(step.drift).toBeUndefined();
    expect(step.inPlace).toBe(false);
  });
});

test("the tests of the agent call every step under the key that its plan gives it", () => {
  const image = { path: "/isos/win.iso", sha256: "0".repeat(64) };
  const plan = planOf(
    {
      win: { gpus: ["one"], state: "running", disks: [{ type: "volume", sizeGiB: 1 }], cdroms: [image] },
      old: { gpus: ["two"], state: "stopped" },
    },
    { looked: { "/isos/win.iso": { kind: "iso", stamp: "1:2:3" } } },
    { ...CARDS, one: { ...CARDS.one, rom: { dump: true } } },
  );
  const steps = [
    ...plan.kernel.steps,
    ...plan.libvirt,
    ...plan.roms.steps,
    ...plan.domains.flatMap(({ steps }) => steps),
  ];
  const verbs = new Set(steps.map(({ verb }) => verb));
  for (const verb of ["file", "boot", "prove", "block", "dump", "media", "grow", "domain", "run", "shutdown"])
    expect(verbs).toContain(verb);
  for (const step of steps) expect(stepWords([step.verb, ...step.args], "")).toContain(keyWord(step));
});
