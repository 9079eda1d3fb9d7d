import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, matchesGlob } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { surveyQuestion } from "../../../components/host/host-survey.ts";
import { diagnose } from "../../../components/doctor/diagnose.ts";
import { patientOf } from "../../../components/doctor/patient.ts";
import { rules } from "../../../components/doctor/registry.ts";
import { CommandError } from "../../../fleet/ground/command-error.ts";
import { renderDiagnosis, renderRules } from "../../../fleet/doctor/render.ts";
import { doctor } from "../../../fleet/doctor/explain.ts";
import { makeDocument } from "../../../fleet/targets/facts-file/make.ts";
import { NO_NAMES } from "../../../components/facts/pci-ids.ts";
import { patients, type Surveyed } from "../../fixtures/doctor.ts";
import { hostFacts, hostFile, hostNames } from "../../fixtures/hosts.ts";
import { address } from "../../fixtures/xeon.ts";

const fired = (id: string, facts: Surveyed): string[] =>
  rules
    .filter((rule) => rule.id === id)
    .flatMap((rule) => rule.find(patientOf(facts)))
    .map(({ subject, found }) => `${subject}: ${found}`);

test("every rule has its file, its two patients, and its own id", () => {
  const ids = rules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(Object.keys(patients).toSorted());
  const files = globSync("components/doctor/rules/*/*.ts").map((path) => basename(path, ".ts"));
  expect(files.toSorted()).toEqual(ids.toSorted());
});

describe.each(Object.entries(patients))("%s", (id, { fires, silent, says }) => {
  test("fires on its cause, and names it", () => {
    expect(fired(id, fires)).toEqual(expect.arrayContaining([expect.stringMatching(says)]));
  });
  test("is silent without its cause", () => {
    expect(fired(id, silent)).toEqual([]);
  });
});

describe("the patients are derived from a real host", () => {
  const all = Object.values(patients).flatMap(({ fires, silent }) => [fires, silent]);

  test("the probe reads every file that a rule needs", () => {
    const asked = surveyQuestion().files;
    const read = [...new Set(all.flatMap(({ files }) => Object.keys(files)))];
    expect(read.filter((path) => !asked.some((pattern) => matchesGlob(path, pattern)))).toEqual([]);
  });

  test("the survey includes every line of the kernel's log that a rule needs", () => {
    const [pattern = ""] =
      /(?<=grep -i -E ")[^"]+/.exec(readFileSync("components/probe/survey.sh", "utf8")) ?? [];
    const lines = [
      ...new Set(all.flatMap(({ survey }) => survey.kernelLog?.trouble ?? [])),
      // AMD's IOMMU has more events than page faults (Linux: drivers/iommu/amd/iommu.c)
      "[ 9.1] AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:03:00.0 address=0x1000 flags=0x0080]",
      "[ 9.1] AMD-Vi: Completion-Wait loop timed out",
    ];
    const { stdout } = spawnSync("grep", ["-i", "-E", pattern], {
      input: lines.join("\n"),
      encoding: "utf8",
    });
    expect(stdout.trimEnd().split("\n")).toEqual(lines);
    expect(lines.length).toBeGreaterThan(8);
  });
});

test("the reference host has no fault, and one finding that only looks like one", () => {
  const { findings, blind, looked } = diagnose(hostFacts("xeon-e5-v3"));
  expect(findings.map(({ rule }) => rule.id)).toEqual(["black-vnc"]);
  expect(blind).toEqual([]);
  expect(looked).toBe(rules.length);
});

test.each([
  ["fx-8350", []],
  ["x8dth-if", ["risk interrupt-remapping"]],
  ["ryzen-chipset", []],
  ["optimus-laptop", []],
  ["eight-cards", ["risk pcie-errors"]],
  ["proxmox", ["risk invalid-card-rom", "risk proxmox-guest-firmware"]],
])("findings on %s", (name, wanted) => {
  const found = diagnose(hostFacts(name)).findings.filter(({ finding }) => finding.verdict !== "expected");
  expect([...new Set(found.map(({ rule, finding }) => `${finding.verdict} ${rule.id}`))].toSorted()).toEqual(
    wanted,
  );
});

describe("the other causes of a rule", () => {
  const file = (path: string, content: string): Surveyed["files"] => ({
    [path]: { mode: "644", owner: "root", group: "root", sha256: "", content },
  });
  const base = hostFacts("xeon-e5-v3");
  const systemdBoot = { ...base.boot, loaderInfo: "systemd-boot 257.8" };

  test("systemd-boot's command line, and GRUB's files, which it does not read", () => {
    const wanted = file("/etc/kernel/cmdline", "root=LABEL=root quiet iommu=pt\n");
    expect(fired("arguments-not-applied", { ...base, files: wanted, boot: systemdBoot })).toEqual([
      "/etc/kernel/cmdline: the running kernel was started without iommu=pt",
    ]);
    expect(fired("arguments-not-applied", { ...base, files: wanted })).toEqual([]);
    const grub = file("/etc/default/grub", 'GRUB_CMDLINE_LINUX="iommu=pt"\n');
    expect(fired("arguments-not-applied", { ...base, files: grub, boot: systemdBoot })).toEqual([
      expect.stringContaining("systemd-boot boots this host and does not read GRUB's files"),
    ]);
  });

  test("a GRUB without drop-ins", () => {
    const files = file("/etc/default/grub.d/vfio.cfg", 'GRUB_CMDLINE_LINUX="iommu=pt"\n');
    expect(
      fired("arguments-not-applied", { ...base, files, excerpts: { "/usr/sbin/grub-mkconfig": [] } }),
    ).toEqual([expect.stringContaining("grub-mkconfig does not read /etc/default/grub.d")]);
  });

  test("a dracut file whose name does not end in .conf", () => {
    const files = file("/etc/dracut.conf.d/vfio", 'force_drivers+=" vfio_pci "\n');
    const initramfs = { tools: ["/usr/bin/dracut"], images: [] };
    expect(fired("initramfs-list-unread", { ...base, files, initramfs })).toEqual([
      "/etc/dracut.conf.d/vfio: dracut reads only names that end in .conf",
    ]);
    expect(fired("initramfs-list-unread", { ...base, files })).toEqual([]);
  });

  test("ids that take a twin, wherever they stand; the remedy names the place and no default that is set already", () => {
    const everywhere: Surveyed = {
      ...base,
      cmdline: `${base.cmdline} pci-stub.ids=10de:0fb9`,
      files: {
        ...file("/etc/modprobe.d/gpu.conf", "options vfio-pci ids=10de:0fb9,10de:1c81\n"),
        ...file("/etc/initramfs-tools/modules", "vfio_pci ids=10de:0fb9\n"),
      },
    };
    expect(fired("ids-take-twin", everywhere)).toEqual([
      expect.stringMatching(
        /^vfio-pci ids=10de:0fb9: takes .* \(set in: the kernel command line, \/etc\/modprobe\.d\/gpu\.conf, \/etc\/init/,
      ),
    ]);
    const found = diagnose(everywhere).findings.find(({ rule }) => rule.id === "ids-take-twin");
    expect(found?.finding.remedy).toContain(
      "take ids= out of the kernel command line and /etc/modprobe.d/gpu.conf",
    );
    expect(JSON.stringify(found)).not.toContain("kernel.binding");
  });

  test("a physical function and its virtual ones are no twins", () => {
    const [first, ...others] = base.pci;
    if (!first) throw new Error("no device");
    const pf = { ...first, sriov: { total: 1, active: 1, offset: 1, stride: 1, device: first.id.slice(5) } };
    const vf = { ...first, address: address("00:00.1") };
    const pci = [{ ...pf, address: address("00:00.0") }, vf, ...others];
    const ids = { vfio_pci: { ids: first.id } };
    expect(fired("ids-take-twin", { ...base, pci, moduleParameters: ids })).toEqual([]);
  });

  test("a function that a compiled-in driver has before any module", () => {
    const pci = base.pci.map((device) =>
      device.address === "0000:03:00.1" ? { ...device, driver: "xhci_hcd" } : device,
    );
    const listed = pci.find((device) => device.address === "0000:03:00.1");
    const host: Surveyed = {
      ...base,
      pci,
      modules: base.modules.filter((module) => !module.startsWith("xhci")),
      libvirt: { socket: true, domains: [] },
      files: file("/etc/vfio-fleet/bind", `${listed?.address} ${listed?.id} ${listed?.subsystem}\n`),
    };
    expect(fired("bound-nothing", host)).toEqual([
      expect.stringContaining("the driver xhci_hcd, which is compiled into the kernel"),
    ]);
    expect(fired("bound-nothing", { ...host, modules: ["xhci_pci"] })).toEqual([
      "0000:03:00.1: it has the driver xhci_hcd",
    ]);
  });

  test("ids in /etc/modprobe.d that took no card; of twins the other may be meant", () => {
    const ids = (id: string): Surveyed => ({
      ...base,
      files: file("/etc/modprobe.d/vfio.conf", `options vfio-pci disable_vga=1 ids=${id}\n`),
    });
    const twin = base.pci.find(({ address }) => address === "0000:01:00.0");
    expect(fired("bound-nothing", ids(twin?.id ?? ""))).toEqual(["0000:01:00.0: it has the driver nouveau"]);
    expect(fired("bound-nothing", ids("10de:0fb9"))).toEqual([]);
  });
});

test("a rule without its facts says so instead of finding nothing", () => {
  const { blind, looked } = diagnose(hostFacts("optimus-laptop"));
  expect(blind.map(({ rule }) => rule.id)).toContain("no-efi-rom");
  expect(looked + blind.length).toBe(rules.length);
});

test("with a domain's name only that domain is checked", () => {
  const facts = hostFacts("eight-cards");
  facts.survey.paths = { "/dev/zvol/tank/render-1": false, "/dev/zvol/tank/cloud-a": false };
  const subjects = (only?: string): string[] =>
    diagnose(facts, only)
      .findings.filter(({ rule }) => rule.id === "file-missing")
      .map(({ finding }) => finding.subject);
  expect(subjects()).toEqual(["render-1", "cloud-a"]);
  expect(subjects("cloud-a")).toEqual(["cloud-a"]);
});

test("faults come first, then risks, then normal findings", () => {
  const order = diagnose(patients["group-not-viable"]?.fires ?? hostFacts("proxmox")).findings.map(
    ({ finding }) => finding.verdict,
  );
  expect(order).toEqual(
    order.toSorted(
      (a, b) => ["fault", "risk", "expected"].indexOf(a) - ["fault", "risk", "expected"].indexOf(b),
    ),
  );
  expect(order[0]).toBe("fault");
});

test("no rule throws on a recorded machine, nor on one with few facts", () => {
  for (const name of hostNames()) {
    const patient = patientOf(hostFacts(name));
    for (const rule of rules) expect(() => rule.find(patient)).not.toThrow();
  }
});

test("domains whose definitions cannot be read are named", () => {
  const facts = hostFacts("eight-cards");
  const [first, ...others] = facts.libvirt.domains;
  if (!first) throw new Error("no domain");
  const { xml: _, liveXml: __, ...closed } = first;
  const libvirt = { ...facts.libvirt, domains: [closed, ...others] };
  expect(diagnose({ ...facts, libvirt }).unread).toEqual(["render-1"]);
});

test("the README shows the doctor's current answer", () => {
  const said = renderDiagnosis("host-1", diagnose(hostFacts("x8dth-if")), (_, text) => text);
  expect(readFileSync("README.md", "utf8")).toContain(`\`\`\`\n${said.trim()}\n\`\`\``);
});

test("every answer fits into 100 columns", () => {
  const plain = (_: unknown, text: string): string => text;
  const texts = [
    renderRules(rules, plain),
    ...Object.values(patients).map(({ fires }) => renderDiagnosis("host", diagnose(fires), plain)),
  ];
  expect(
    Math.max(...texts.flatMap((text) => text.split("\n")).map((line) => line.length)),
  ).toBeLessThanOrEqual(100);
});

describe("the command", () => {
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
  afterEach(() => said.mockClear());
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-doctor-"));
  const save = (facts: Surveyed): string => {
    const path = join(folder, "facts.json");
    const document = makeDocument([{ name: "host", facts }], {
      takenAt: "2026-01-01T00:00:00.000Z",
      masked: true,
      names: NO_NAMES,
    });
    writeFileSync(path, JSON.stringify(document));
    return path;
  };

  test("a fault gives exit status 1, even one from a saved and masked file", async () => {
    const fires = patients["group-not-viable"]?.fires;
    if (!fires) throw new Error("no patient");
    const from = save(fires);
    expect(await doctor(undefined, undefined, { from })).toBe(1);
    expect(said.mock.calls.flat().join("\n")).toContain("group 36 also holds 0000:04:00.0");
    expect(await doctor("win10", undefined, { from })).toBe(1);
    rmSync(folder, { recursive: true });
  });

  test("risks and normal findings give exit status 0", async () => {
    expect(await doctor(undefined, undefined, { from: hostFile("proxmox") })).toBe(0);
    expect(await doctor(undefined, undefined, { from: hostFile("xeon-e5-v3") })).toBe(0);
  });

  test("JSON has rule, verdict, finding, remedy and source", async () => {
    await doctor(undefined, undefined, { from: hostFile("xeon-e5-v3"), json: true });
    expect(JSON.parse(String(said.mock.calls[0]?.[0]))).toEqual([
      {
        name: "host-1",
        looked: rules.length,
        unread: [],
        blind: [],
        findings: [
          expect.objectContaining({ rule: "black-vnc", verdict: "expected", source: expect.any(String) }),
        ],
      },
    ]);
  });

  test("an unknown domain is an error that names the known ones", async () => {
    const asking = doctor("win99", undefined, { from: hostFile("xeon-e5-v3") });
    await expect(asking).rejects.toThrow(/no host has a domain "win99"; the hosts have win10/);
    await expect(asking).rejects.toBeInstanceOf(CommandError);
  });
});
