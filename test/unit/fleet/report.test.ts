import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cardReports } from "../../../components/plan/cards/card-report.ts";
import { NO_NAMES } from "../../../components/facts/pci-ids.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { AGENT } from "../../../components/facts/programs.ts";
import { judgeHost } from "../../../components/host/judge.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { hostDrift, lastRollout, type DriftItem } from "../../../fleet/report/drift.ts";
import { Html, markup } from "../../../fleet/report/html.ts";
import { makeReport } from "../../../fleet/report/model.ts";
import { reportPage } from "../../../fleet/report/page.ts";
import { pciTree } from "../../../fleet/report/tree.ts";
import type { Target } from "../../../fleet/targets/target.ts";
import { CEZANNE, hostWith } from "../../fixtures/cards.ts";
import { hostFacts, hostNames } from "../../fixtures/hosts.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";
import { KIB, makeNvidiaRom } from "../support/option-rom.ts";

const tree = (name: string, all = false): ReturnType<typeof pciTree> => {
  const facts = hostFacts(name);
  return pciTree(facts, cardReports(facts), all);
};

const vfio = "/etc/modprobe.d/vfio.conf";
/** Facts of a host where somebody edited that file after vfio-fleet wrote it. */
const editedFacts = () =>
  xeonFacts({
    files: {
      ...xeonFacts().files,
      [vfio]: { mode: "644", owner: "root", group: "root", sha256: "theirs", content: "x" },
    },
    receipts: {
      "%etc%modprobe.d%vfio.conf": { token: "2026-01-02T03:04:05.000Z", notes: { sha256: "ours" } },
    },
  });

test("a processor's GPU has a row without the devices that only share its slot and group", () => {
  const facts = hostWith(CEZANNE);
  const { rows } = pciTree(facts, cardReports(facts), true);
  const parts = rows.map(({ kind, devices }) => [kind, ...devices.map(({ address }) => address.slice(8))]);
  expect(parts).toContainEqual(["card", "00.0", "00.1"]);
  expect(parts).toContainEqual(["device", "00.3", "00.4"]);
});

describe("markup", () => {
  test("values are escaped, in text and in attributes; markup and lists of markup are not", () => {
    const list = ["<", "&"].map((text) => markup`<li>${text}</li>`);
    expect(markup`<a title="${`"'><script>`}">${list}${false}${undefined}${3}</a>`.text).toBe(
      '<a title="&quot;&#39;&gt;&lt;script&gt;"><li>&lt;</li><li>&amp;</li>3</a>',
    );
    expect(markup`${new Html("<b>")}`.text).toBe("<b>");
  });

  test("characters that hide text or change its direction are replaced", () => {
    expect(markup`${"a\u{202e}b\u{0}c\u{1b}"}`.text).toBe("a\u{fffd}b\u{fffd}c\u{fffd}");
  });
});

describe("the tree", () => {
  test("a card is below the bridges that lead to it, with its functions in one row", () => {
    const rows = tree("xeon-e5-v3").rows.map(({ kind, depth, devices, label }) => [
      kind,
      depth,
      label || devices.map(({ address }) => address).join(" "),
    ]);
    expect(rows).toEqual([
      ["root", 0, "PCI 0000:00"],
      ["bridge", 1, "0000:00:02.0"],
      ["card", 2, "0000:03:00.0 0000:03:00.1"],
      ["bridge", 1, "0000:00:03.2"],
      ["card", 2, "0000:01:00.0 0000:01:00.1"],
    ]);
  });

  test("devices in a card's group are shown, and those of other groups are not", () => {
    const addresses = tree("ryzen-chipset").rows.flatMap(({ devices }) =>
      devices.map(({ address }) => String(address)),
    );
    expect(addresses).toEqual(expect.arrayContaining(["0000:02:00.1", "0000:04:00.0", "0000:05:00.0"]));
    expect(addresses).not.toContain("0000:0b:00.3");
  });

  test.each(hostNames())("%s: with all devices, each is shown once", (name) => {
    const shown = tree(name, true).rows.flatMap(({ devices }) => devices.map(({ address }) => address));
    expect(shown.toSorted()).toEqual(
      hostFacts(name)
        .pci.map(({ address }) => address)
        .toSorted(),
    );
  });

  test.each(hostNames())("%s: each border holds exactly the rows of its group", (name) => {
    for (const all of [false, true]) {
      const { rows, runs } = tree(name, all);
      const inside = new Set<number>();
      for (const { group, from, to } of runs)
        for (let index = from; index <= to; index += 1) {
          expect(rows[index]?.group).toBe(group);
          inside.add(index);
        }
      expect(rows.filter((row, index) => row.group !== null && !inside.has(index))).toEqual([]);
    }
  });

  test("machines with two sockets show the node of each root", () => {
    expect(
      tree("eight-cards")
        .rows.filter(({ kind }) => kind === "root")
        .map(({ label }) => label),
    ).toEqual(["PCI 0000:00, node 0", "PCI 0000:17, node 0", "PCI 0000:85, node 1"]);
  });
});

describe("drift", () => {
  const spec = hostSchema.parse({
    connection: { host: "192.0.2.10" },
    cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
  });
  const target: Target = { name: "xeon", stack: "xeon", spec, connection: { ok: false, problems: [] } };

  test("a host that was never set up has open steps, but no drift", () => {
    const found = hostDrift(xeonFacts(), target);
    expect(found.kind).toBe("pending");
    expect(found.kind === "pending" && found.items.map(({ what }) => what)).toContain(vfio);
  });

  test("a file that was edited after vfio-fleet wrote it is drift", () => {
    const facts = editedFacts();
    expect(hostDrift(facts, target)).toMatchObject({
      kind: "drifted",
      items: [{ what: vfio, found: "was edited" }],
    });
  });

  test("a preview's refusal is shown", () => {
    expect(hostDrift(xeonFacts({ privilege: "none" }), target)).toMatchObject({ kind: "refused" });
    const old = hostDrift(xeonFacts({ privilege: "sudo-agent-old" }), target);
    expect(old).toMatchObject({
      kind: "refused",
      items: [{ what: "connection.user", found: expect.stringContaining("of another version") }],
    });
  });

  test("a ROM file beside the project is read; a ROM that was changed on the host is drift", () => {
    const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-report-"));
    try {
      const bytes = makeNvidiaRom({ size: 128 * KIB });
      writeFileSync(join(folder, "card.rom"), bytes);
      const described = hostSchema.parse({
        connection: { host: "192.0.2.10" },
        cards: {
          gtx1050: {
            address: "03:00.0",
            ids: ["10de:1c81", "10de:0fb9"],
            rom: { file: join(folder, "card.rom") },
          },
        },
      });
      const path = "/usr/share/qemu/vfio-fleet/gtx1050.rom";
      const written = createHash("sha256").update(bytes).digest("hex");
      const found = (sha256: string) =>
        hostDrift(
          xeonFacts({
            files: { [path]: { mode: "644", owner: "root", group: "root", content: "", sha256 } },
            receipts: {
              "%usr%share%qemu%vfio-fleet%gtx1050.rom": { token: "t", notes: { sha256: written } },
            },
          }),
          { ...target, spec: described },
        );
      const good = found(written);
      expect(good.kind).toBe("pending");
      expect(good.kind === "pending" && good.items.map(({ what }) => what)).not.toContain(path);
      expect(found("0".repeat(64))).toMatchObject({
        kind: "drifted",
        items: [{ what: path, found: `${path} was changed` }],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a host that another run works on is not compared", () => {
    const lock = {
      owner: "ann@laptop",
      stack: "xeon",
      process: "4711",
      peer: "198.51.100.1",
      samePeer: false,
      since: "2026-01-02T03:00:00Z",
      step: "packages",
      atWork: true,
      endsIn: 300,
    };
    expect(hostDrift(xeonFacts({ lock }), target)).toEqual({
      kind: "unknown",
      why: expect.stringContaining(
        "ann@laptop (stack xeon, process 4711) from 198.51.100.1 has been at work",
      ),
    });
  });

  test("the agent is a step like any other; one that no run recorded is told from one that is missing", () => {
    const verdict = judgeHost({ stack: "xeon", name: "xeon", spec, facts: xeonFacts() });
    if (verdict.kind !== "planned") throw new Error(verdict.kind);
    const content = verdict.plan.agent.input ?? "";
    const items = (files: Facts["files"]): readonly DriftItem[] => {
      const found = hostDrift(xeonFacts({ files }), target);
      return found.kind === "pending" ? found.items.filter(({ what }) => what === "host agent") : [];
    };
    expect(items({})).toEqual([{ what: "host agent", found: "not done yet" }]);
    expect(items({ [AGENT]: { mode: "755", owner: "root", group: "root", sha256: "", content } })).toEqual([
      { what: "host agent", found: "in place, but not recorded" },
    ]);
  });

  test("saved facts and hosts without a stack are not compared", () => {
    expect(hostDrift(xeonFacts(), undefined)).toEqual({ kind: "unknown", why: "made from saved facts" });
    const { spec: _, stack: __, ...bare } = target;
    expect(hostDrift(xeonFacts(), bare)).toEqual({
      kind: "unknown",
      why: "no stack describes this host",
    });
  });

  test("the last roll-out is the newest run in the receipts, with everything that it wrote", () => {
    const receipt = (token: string): { token: string; notes: Record<string, string> } => ({
      token,
      notes: {},
    });
    const facts = xeonFacts({
      receipts: {
        "%etc%modprobe.d%vfio.conf": receipt("2026-01-02T03:04:05.000Z"),
        reboot: receipt("2026-02-03T04:05:06.000Z+reboot"),
        prove: receipt("2026-02-03T04:05:06.000Z"),
        odd: receipt("no date"),
      },
    });
    expect(lastRollout(facts)).toEqual({ at: "2026-02-03T04:05:06.000Z", what: ["prove", "reboot"] });
    expect(lastRollout(xeonFacts())).toBeUndefined();
  });
});

describe("the page", () => {
  const page = reportPage(
    makeReport({
      takenAt: "2026-01-01T00:00:00.000Z",
      hosts: hostNames().map((name) => ({ name, facts: hostFacts(name) })),
      failures: ["root@gone: the host does not answer\n    → check that it is on"],
    }),
    NO_NAMES,
  );

  test("is one file: it loads nothing, and its policy blocks everything else", () => {
    const [policy = ""] = /Content-Security-Policy" content="[^"]*"/.exec(page) ?? [];
    expect(policy).toContain("default-src &#39;none&#39;");
    expect(policy).not.toContain("unsafe");
    expect(page).not.toMatch(/\s(src|srcset|action|style|on\w+)=/);
    expect(page.match(/\shref="(?!#)/g)).toBeNull();
  });

  test("has no duplicate id, and every reference has a target", () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id ?? "");
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = [...page.matchAll(/\s(?:href="#|aria-labelledby=")([^"]*)"/g)].flatMap(([, id = ""]) =>
      id.split(" "),
    );
    for (const id of wanted) expect(ids).toContain(id);
  });

  test("shows edits on a host, and the time of the last up", () => {
    const facts = editedFacts();
    const spec = hostSchema.parse({
      connection: { host: "192.0.2.10" },
      cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
    });
    const target: Target = { name: "xeon", stack: "home", spec, connection: { ok: false, problems: [] } };
    const hosts = [{ name: "xeon", facts, target }];
    const text = reportPage(
      makeReport({ takenAt: "2026-01-03T00:00:00.000Z", hosts, failures: [] }),
      NO_NAMES,
    );
    expect(text).toContain(`<code>${vfio}</code>: was edited`);
    expect(text).toContain("2026-01-02 03:04 UTC");
    expect(text).toMatch(/<strong>1<\/strong>\s*drifted/);
  });

  test("contains no password of a command line or a domain", () => {
    const facts = hostFacts("xeon-e5-v3");
    const secret = "geheim-7c1";
    const page = reportPage(
      makeReport({
        takenAt: "2026-01-03T00:00:00.000Z",
        hosts: [
          {
            name: "xeon",
            facts: {
              ...facts,
              cmdline: `${facts.cmdline} systemd.set_credential=x:${secret}`,
              libvirt: {
                ...facts.libvirt,
                domains: facts.libvirt.domains.map((domain) => ({
                  ...domain,
                  xml: (domain.xml ?? "").replace("type='vnc'", `type='vnc' passwd='${secret}'`),
                })),
              },
            },
          },
        ],
        failures: [],
      }),
      NO_NAMES,
    );
    expect(page).toContain("systemd.set_credential=***");
    expect(page).not.toContain(secret);
  });

  test("names every host, card, domain and finding, and the host that did not answer", () => {
    for (const name of hostNames()) expect(page).toContain(`>${name}</h2>`);
    for (const text of ["cloud-b", "win10-vm (106)", "group 15", "root@gone: the host does not answer"])
      expect(page).toContain(text);
    expect(page).not.toMatch(/undefined|NaN|\[object/);
  });
});
