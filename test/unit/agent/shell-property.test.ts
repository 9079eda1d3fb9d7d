import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, test, vi } from "vitest";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost, type HostPlan } from "../../../components/host/plan-host.ts";
import { commandLine } from "../../../components/ssh/quote.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

// the machine may be busy with a lab host beside these
vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-shell-"));
const CANARY = join(folder, "canary");
afterAll(() => rmSync(folder, { recursive: true }));

/** A description in which every string can be replaced; all of it is taken as it stands. */
const description = (): Record<string, unknown> => ({
  connection: { host: "192.0.2.10", user: "root", hostKey: "ssh-ed25519 AAAA" },
  cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"], subsystem: "1043:85d8" } },
  kernel: {
    arguments: ["initcall_blacklist=sysfb_init"],
    video: ["efifb:off"],
    isolcpus: "2-3",
    pcieAcsOverride: ["downstream"],
    moduleOptions: { kvm: { ignore_msrs: "1" } },
  },
  libvirt: {
    user: "qemu",
    group: "kvm",
    nvram: [{ code: "/usr/share/OVMF/OVMF_CODE_4M.fd", vars: "/usr/share/OVMF/OVMF_VARS_4M.fd" }],
    deviceAcl: ["/dev/vfio/vfio"],
    networks: ["default"],
  },
  storage: { pools: { default: { path: "/var/lib/libvirt/images" } } },
  domains: {
    win10: {
      profile: "reference",
      memory: "8 GiB",
      gpus: ["gtx1050"],
      disks: [{ type: "file", format: "qcow2", path: "/var/lib/libvirt/images/win10.qcow2" }],
      state: "running",
    },
  },
});

type Place = readonly (string | number)[];
/** Where strings stand: values, and keys (the place of a key ends with `key`). */
const places = (value: unknown, at: Place = []): { place: Place; kind: "value" | "key" }[] => {
  if (typeof value === "string") return [{ place: at, kind: "value" }];
  if (Array.isArray(value)) return value.flatMap((one, index) => places(one, [...at, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [
    ...(/^(cards|moduleOptions|kvm|pools|domains)$/.test(String(at.at(-1)))
      ? [{ place: [...at, key], kind: "key" as const }]
      : []),
    ...places(one, [...at, key]),
  ]);
};
const replaced = (value: unknown, place: Place, kind: "value" | "key", text: string): unknown => {
  const [first, ...rest] = place;
  if (first === undefined) return text;
  if (Array.isArray(value))
    return value.map((one: unknown, index) => (index === first ? replaced(one, rest, kind, text) : one));
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, one]) =>
      key !== first
        ? [key, one]
        : kind === "key" && rest.length === 0
          ? [text, one]
          : [key, replaced(one, rest, kind, text)],
    ),
  );
};
const all = places(description());

const KNOWN = [
  `$(touch ${CANARY})`,
  `\`touch ${CANARY}\``,
  `x; touch ${CANARY};`,
  `x\ntouch ${CANARY}\n`,
  `' ; touch ${CANARY} ; '`,
  `" ; touch ${CANARY} ; "`,
  `\${x:-$(touch ${CANARY})}`,
  `/x$(touch ${CANARY})`,
  "-rf",
  "a b",
  "'\"\\",
  "a\tb",
  "%s%n",
  "token=x",
];
/** Text that a shell would act on, in any mixture with text that it would not. */
const hostile = fc.oneof(
  fc.constantFrom(...KNOWN),
  fc.string({
    unit: fc.constantFrom(..." \"'`$();&|<>*?~#\\\n\t{}[]!=%-aZ0/.,:ü".split("")),
    minLength: 1,
    maxLength: 24,
  }),
);

const planned = (raw: unknown): HostPlan | undefined => {
  const parsed = hostSchema.safeParse(raw);
  if (!parsed.success) return undefined;
  const facts = xeonFacts({
    exists: [...xeonFacts().exists, "/var/lib/libvirt/images/win10.qcow2"],
    symbols: ["pcie_acs_override_setup"],
  });
  const plan = planHost(parsed.data, facts, { stack: "test", host: "xeon" });
  return plan.ok ? plan.value : undefined;
};

/** The words that a shell makes of command lines, one list a line. */
const wordsOf = (shell: string, lines: readonly string[]): string[][] => {
  const script = lines.map((line) => `printf '%s\\0' ${line}; printf '\\1'`).join("\n");
  const { stdout, status } = spawnSync(shell, ["-c", script], { encoding: "utf8", cwd: folder });
  expect(status).toBe(0);
  return stdout
    .split("\x01")
    .slice(0, -1)
    .map((line) => line.split("\0").slice(0, -1));
};

test("the description itself is taken, so that what is refused below is refused for the one string", () => {
  const plan = planned(description());
  expect(plan?.steps.length).toBeGreaterThan(10);
  expect(all.length).toBeGreaterThan(20);
});

/** A description with this text in one place: whether it is taken; what it is taken for has to arrive whole. */
const arrives = ({ place, kind }: (typeof all)[number], text: string): boolean => {
  const plan = planned(replaced(description(), place, kind, text));
  if (!plan) return false;
  const commands = plan.steps.flatMap((step) => [
    [step.verb, ...step.args],
    ...(step.undo ? [[...step.undo]] : []),
  ]);
  expect(wordsOf("dash", commands.map(commandLine))).toEqual(commands);
  expect(existsSync(CANARY)).toBe(false);
  return true;
};

test("a shell makes of every command line the words that were meant, whatever a string of the description holds", () => {
  fc.assert(
    fc.property(fc.constantFrom(...all), hostile, (at, text) => {
      arrives(at, text);
    }),
    { numRuns: 300 },
  );
  // not everything is refused: some strings may be anything
  const taken = all.flatMap((at) => KNOWN.filter((text) => arrives(at, text)));
  expect(taken.length).toBeGreaterThan(10);
});

test("files that a shell of the host reads run nothing that stood in a string of the description", () => {
  const read = join(folder, "read");
  fc.assert(
    fc.property(fc.constantFrom(...all), hostile, ({ place, kind }, text) => {
      const plan = planned(replaced(description(), place, kind, text));
      if (!plan) return;
      for (const step of plan.kernel.steps.filter(({ verb }) => verb === "file")) {
        writeFileSync(read, step.input ?? "");
        const sourced = step.key.startsWith("/etc/default/grub");
        const checked = step.input?.startsWith("#!/bin/sh") === true;
        if (!sourced && !checked) continue;
        const { status } = spawnSync("dash", sourced ? ["-c", `. '${read}'`] : ["-n", read]);
        expect(status).toBe(0);
      }
      // one effect a line: a string with a line break would be another effect
      const boot = plan.kernel.steps.find(({ key }) => key === "boot")?.input ?? "";
      for (const line of boot.split("\n").slice(0, -1))
        expect(line).toMatch(
          /^(argument|function|alone|parameter|module|image-file|hugepages|file) [^\s"'`$();&|<>\\]/,
        );
      expect(existsSync(CANARY)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("any list of words arrives whole", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          hostile,
          fc.string().filter((text) => !text.includes("\0") && !text.includes("\x01")),
        ),
        { minLength: 1, maxLength: 8 },
      ),
      (words) => {
        for (const shell of ["dash", "bash"]) expect(wordsOf(shell, [commandLine(words)])).toEqual([words]);
        expect(existsSync(CANARY)).toBe(false);
      },
    ),
    { numRuns: 100 },
  );
});
