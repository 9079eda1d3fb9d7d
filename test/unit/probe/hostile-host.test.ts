import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { factsSchema, type Facts } from "../../../components/facts/facts.ts";
import { NO_NAMES } from "../../../components/facts/pci-ids.ts";
import { formatProblems } from "../../../components/facts/problem.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { diagnose } from "../../../components/doctor/diagnose.ts";
import { parseProbe, ProbeAnswerError } from "../../../components/probe/parse.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost } from "../../../components/host/plan-host.ts";
import { explainDrift } from "../../../components/step-commands.ts";
import { HostError } from "../../../components/ssh/host-error.ts";
import { renderDiagnosis } from "../../../fleet/doctor/render.ts";
import { renderHost } from "../../../fleet/inspect/render.ts";
import { makeReport } from "../../../fleet/report/model.ts";
import { reportPage } from "../../../fleet/report/page.ts";
import { answered, startState } from "../../../fleet/watch/state.ts";
import { renderWatch } from "../../../fleet/watch/render.ts";
import { hostFacts } from "../../fixtures/hosts.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";
import { FakeHost } from "../support/fake-host.ts";

// the machine may be busy with a lab host beside these
vi.setConfig({ testTimeout: 120_000 });

const CONTROL = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const paint = (_: unknown, text: string): string => text;

/** What a host could send to a terminal, a page or a program that reads its answer. */
const hostile = fc.oneof(
  fc.constantFrom(
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;Zm9v\u{7}",
    "\u{9b}31m",
    "a\rb",
    "a\u{8}\u{8}b",
    "\u{202e}txt",
    "\u{200b}",
    "\u{2028}",
    "\0",
    "</script><script>alert(1)</script>",
    "__proto__",
    "constructor",
    "$(reboot)",
    "%s%n",
    "-1e999",
    "",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

type Place = readonly string[];
/** Every string and every key of facts that the schema lets be any text. */
const freePlaces = (facts: Facts): Place[] => {
  const places = (value: unknown, at: Place): Place[] =>
    typeof value === "string"
      ? [at]
      : typeof value !== "object" || value === null
        ? []
        : Object.entries(value).flatMap(([key, one]) => places(one, [...at, key]));
  // places of one kind are checked once, and three of them are changed
  const kinds = new Map<string, Place[]>();
  for (const place of places(facts, [])) {
    const kind = place.map((part) => (/^\d+$/.test(part) ? "#" : part)).join(".");
    kinds.set(kind, [...(kinds.get(kind) ?? []), place]);
  }
  return [...kinds.values()].flatMap((group) => {
    const [first] = group;
    return first && factsSchema.safeParse(replaced(facts, [first], "\u{1b}[2J")).success
      ? group.slice(0, 3)
      : [];
  });
};
const replaced = (facts: Facts, places: readonly Place[], text: string): unknown => {
  const copy = structuredClone(facts) as unknown as Record<string, unknown>;
  for (const place of places) {
    let at = copy;
    for (const part of place.slice(0, -1)) at = at[part] as Record<string, unknown>;
    at[place.at(-1) ?? ""] = text;
  }
  return copy;
};

const shown = (facts: Facts): string[] => {
  const { survey } = facts;
  const state = answered(startState(["x"]), "x", facts);
  return [
    renderHost("x", facts, { all: true, names: NO_NAMES, paint }),
    renderWatch(state, { names: NO_NAMES, paint }),
    ...(survey ? [renderDiagnosis("x", diagnose({ ...facts, survey }), paint)] : []),
    reportPage(
      makeReport({ takenAt: "2026-01-01T00:00:00.000Z", hosts: [{ name: "x", facts }], failures: [] }),
      NO_NAMES,
    ),
  ];
};

describe.each(["xeon-e5-v3", "proxmox", "x8dth-if"])("%s with hostile texts in it", (name) => {
  const facts = hostFacts(name);
  const free = freePlaces(facts);
  test("whatever is printed of it obeys nobody", () => {
    expect(free.length).toBeGreaterThan(50);
    fc.assert(
      fc.property(fc.subarray(free, { minLength: 1 }), hostile, (places, text) => {
        const parsed = factsSchema.safeParse(replaced(facts, places, text));
        if (!parsed.success) return;
        const outputs = shown(parsed.data);
        for (const output of outputs) expect(output).not.toMatch(CONTROL);
        expect(outputs.at(-1)).not.toContain("<script>alert");
      }),
      { numRuns: 20 },
    );
  });
});

const SPEC = hostSchema.parse({
  connection: { host: "192.0.2.10" },
  cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
  storage: { pools: { default: { path: "/var/lib/libvirt/images" } } },
  domains: {
    win10: {
      profile: "reference",
      memory: "8 GiB",
      gpus: ["gtx1050"],
      disks: [{ type: "volume", sizeGiB: 8 }],
    },
  },
});

test("a plan of such a host crashes nothing, and its problems, warnings and diffs obey nobody", () => {
  const path = "/etc/modprobe.d/kvm.conf";
  const facts = xeonFacts({
    files: {
      [path]: { content: "options kvm\n", mode: "644", owner: "root", group: "root", sha256: "aa" },
    },
    receipts: {
      [receiptName(path)]: { token: "t", notes: { sha256: "bb" } },
      prove: { token: "t", notes: { images: "x", groups: "y" } },
    },
  });
  const free = freePlaces(facts);
  let problems = 0;
  let drifts = 0;
  fc.assert(
    fc.property(fc.subarray(free, { minLength: 1, maxLength: 6 }), hostile, (places, text) => {
      const parsed = factsSchema.safeParse(replaced(facts, places, text));
      if (!parsed.success) return;
      const plan = planHost(SPEC, parsed.data, { stack: "s", host: "x" });
      const said = plan.ok
        ? plan.value.kernel.steps.flatMap(({ drift }) => (drift ? [explainDrift(drift)] : []))
        : [formatProblems("x", plan.problems)];
      expect(said.join("\n")).not.toMatch(CONTROL);
      if (plan.ok) drifts += said.length;
      else problems++;
    }),
    { numRuns: 400 },
  );
  expect(problems).toBeGreaterThan(5);
  expect(drifts).toBeGreaterThan(5);
});

test("a file that grew to megabytes costs no diff of megabytes", () => {
  const drift = { kind: "file", path: "/etc/x", found: "x\n".repeat(2_000_000), wanted: "a\n" } as const;
  expect(explainDrift(drift)).toBe("the host differs: /etc/x has 4000000 characters there, 2 are wanted");
  expect(explainDrift({ ...drift, found: "\u{1b}[2J\n" })).toContain("-\u{fffd}[2J");
});

test("an error with a host's own words is cleaned, and not endless", () => {
  const { message } = new HostError("root@x", `\u{1b}[2J${"y".repeat(1_000_000)}`, "run it again");
  expect(message).not.toMatch(CONTROL);
  expect(message.length).toBeLessThan(3000);
  expect(message).toContain("→ run it again");
});

describe("a host that answers the probe with something else", () => {
  const NONCE = "0123456789abcdef";
  const host = new FakeHost();
  host.file("/proc/sys/kernel/random/boot_id", "boot-1");
  host.file("/proc/sys/kernel/hostname", "xeon");
  host.file("/proc/sys/kernel/osrelease", "6.1.0-37-amd64");
  host.file("/proc/sys/kernel/arch", "x86_64");
  host.file("/proc/cmdline", "ro quiet");
  host.file("/proc/meminfo", "MemTotal: 16384 kB");
  host.file("/proc/cpuinfo", "vendor_id : GenuineIntel\nmodel name : Xeon\nflags : vmx pse");
  host.file("/sys/module/kvm/parameters/ignore_msrs", "N");
  host.file("/sys/module/kvm/initstate", "live");
  host.file("/lib/modules/6.1.0-37-amd64/kernel/drivers/vfio/vfio.ko", "");
  host.file("/etc/libvirt/qemu/win10.xml", "<domain/>");
  host.file("/var/lib/vfio-fleet/receipts/boot", "token=t\nsha256=a");
  host.file("/var/lib/vfio-fleet/lease", "since=2026\nboot=boot-1\nseen=1\nidle=3\nowner=op@desk");
  host.functions([
    { address: "0000:03:00.0", id: "10de:1c81", class: "030000", driver: "nouveau", group: 7 },
  ]);
  const { answer } = host.probe("dash", {
    parameters: "kvm",
    survey: true,
    files: ["/etc/libvirt/qemu/win10.xml"],
  });
  host.remove();
  const lines = answer.split("\n");

  const outcome = (text: string): Facts | ProbeAnswerError => {
    try {
      return parseProbe(Buffer.from(text), NONCE);
    } catch (error) {
      if (error instanceof ProbeAnswerError) return error;
      throw error;
    }
  };

  test("facts or one clear error, nothing else: lines changed, doubled, lost, cut, or of another type", () => {
    const change = fc.record({
      at: fc.nat(lines.length - 1),
      how: fc.constantFrom("replace", "insert", "drop", "value", "end", "repeat"),
      text: hostile,
    });
    let read = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const mutated = [...lines];
        for (const { at, how, text } of changes) {
          const line = mutated[at] ?? "";
          if (how === "drop") mutated.splice(at, 1);
          else if (how === "insert") mutated.splice(at, 0, text);
          else if (how === "repeat") mutated.splice(at, 0, line, line);
          else if (how === "end") mutated[at] = `${line}${text}`;
          else if (how === "value")
            mutated[at] = line.replace(/[=: ].*$/, (found) => found.slice(0, 1) + text);
          else mutated[at] = text;
        }
        const found = outcome(mutated.join("\n"));
        expect(found instanceof ProbeAnswerError ? found.message.length : 0).toBeLessThan(2000);
        if (!(found instanceof ProbeAnswerError)) read++;
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect("token" in {}).toBe(false);
      }),
      { numRuns: 400 },
    );
    expect(read).toBeGreaterThan(40);
  });

  test.each([
    ["a receipt", "values", "==> /var/lib/vfio-fleet/receipts/__proto__ <==\ntoken=stolen"],
    ["a module", "values", "==> /sys/module/__proto__/parameters/token <==\nstolen"],
    ["a kernel", "vfio-modules", "/lib/modules/__proto__/kernel/drivers/vfio/vfio.ko"],
    ["a package", "packages", "__proto__ 1 installed"],
    ["a module's parameter", "modinfo", "name: __proto__\nparm: __proto__:x (int)"],
  ])("%s with the name of every object's prototype changes none", (_, section, text) => {
    const found = outcome(answer.replace(`@${NONCE} ${section}\n`, `@${NONCE} ${section}\n${text}\n`));
    expect(found).not.toBeInstanceOf(ProbeAnswerError);
    expect(({} as Record<string, unknown>)["token"]).toBeUndefined();
  });

  test("megabytes where a word belongs are read in the time that reading takes", () => {
    for (const filler of ["a", " ", "==> ", "0000:00:00.0/", "(", "\u{1b}[", "x:".repeat(4)]) {
      const long = filler.repeat(Math.ceil(2_000_000 / filler.length));
      for (const section of [
        "host",
        "pci-paths",
        "values",
        "found",
        "modinfo",
        "files",
        "receipts",
        "carriers",
      ])
        expect(
          outcome(answer.replace(`@${NONCE} ${section}\n`, `@${NONCE} ${section}\n${long}\n`)),
        ).toBeDefined();
    }
  });
});
