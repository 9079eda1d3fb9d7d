import { describe, expect, test } from "vitest";
import { agentScript } from "../../../components/agent/agent-script.ts";
import { cardHook } from "../../../components/host/card-hook.ts";
import { drivers } from "../../../components/drivers/registry.ts";
import type { HostDrivers } from "../../../components/plan/driver.ts";
import { DRIVER_SHELL } from "../../../components/plan/driver-shell.ts";
import { probeProgram } from "../../../components/probe/probe-program.ts";
import { casePatterns, shellFunctions, strayVariables } from "../support/shell-functions.ts";

/** Words of the shell itself that the project's programs use. */
const BUILTINS = `: [ { . break case cd command continue echo eval exec exit export false for if local printf pwd read
  return set shift sleep test times trap true umask unset until wait while`;
/** Programs of a host that the project's programs start; a call of anything else is one of a function that is not there. */
const PROGRAMS = `apt-get awk base64 basename blockdev bootctl cat chmod cmp cp cut date dd df dirname dmesg dpkg dpkg-query dracut find
  findmnt flock gpasswd grep grub-editenv grub-mkconfig grub-probe head id ip kernel-install ls lsinitcpio lsinitrd
  mkdir mkinitcpio mkinitramfs mktemp modinfo modprobe mount mv nvidia-smi od pacman pct proxmox-boot-tool qm readlink rm
  rmdir sed sha256sum sleep sort stat sync systemctl systemd-run tail timeout tr umount uname unmkinitramfs update-grub
  usermod virsh`;
const KNOWN = new Set(`${BUILTINS} ${PROGRAMS}`.split(/\s+/));
/** Further programs, which a driver's shell part names in a line of its own: `# programs: limine-mkinitcpio efibootmgr`. */
const declaredIn = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/^# programs: (.+)$/gm)].flatMap(([, names = ""]) => names.split(/\s+/)));

const contracts = Object.values(DRIVER_SHELL);
const names = (which: "required" | "optional"): string[] =>
  contracts.flatMap((contract) => Object.keys(contract[which])).sort();
const REQUIRED = names("required");
const OPTIONAL = names("optional");

/** Loaders that are only recognised refuse every host, so no agent is ever made with one. */
const COMBINATIONS: readonly HostDrivers[] = drivers.bootloader
  .filter(({ scripts }) => scripts.length > 0)
  .flatMap((bootloader) =>
    drivers.initramfs.flatMap((initramfs) =>
      drivers.distro.map((distro) => ({ bootloader, initramfs, distro })),
    ),
  );
const nameOf = ({ bootloader, initramfs, distro }: HostDrivers): string =>
  `${bootloader.name}, ${initramfs.name}, ${distro.name}`;
const AGENTS = new Map(COMBINATIONS.map((found) => [agentScript(found), nameOf(found)]));

const DEFAULTS_PART = "components/agent/driver-defaults.sh";
/** The assembled text's parts by the names of their files. */
const partsOf = (text: string): ReadonlyMap<string, string> => {
  const [, ...pieces] = text.split(/^# ==== (\S+) ====$/m);
  return new Map(pieces.flatMap((name, at) => (at % 2 === 0 ? [[name, pieces[at + 1] ?? ""]] : [])));
};
/** Where each function is defined. */
const definitionsIn = (text: string): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const [part, lines] of partsOf(text))
    for (const { name } of shellFunctions(lines))
      if (name !== "") found.set(name, [...(found.get(name) ?? []), part]);
  return found;
};

/** Functions that something else than themselves calls or hands over, and calls of what is not there. */
const usesIn = (text: string): { readonly unused: string[]; readonly undefined: string[] } => {
  const functions = shellFunctions(text);
  const defined = new Set(functions.map(({ name }) => name));
  const used = new Set(
    functions.flatMap(({ name, calls, words }) => [...calls, ...words].filter((word) => word !== name)),
  );
  const called = new Set(functions.flatMap(({ calls }) => calls));
  const declared = declaredIn(text);
  return {
    unused: [...defined].filter((name) => name !== "" && !used.has(name)),
    // a name that is put together when it is called: main's "verb_$VERB", and functions handed over as $1
    undefined: [...called].filter(
      (name) => !defined.has(name) && !KNOWN.has(name) && !declared.has(name) && !name.includes("$"),
    ),
  };
};

const VERB = /^verb_/;

test("a part of the agent stands under the name of its file, and no text depends on the order of drivers' kinds", () => {
  for (const text of AGENTS.keys()) {
    const parts = [...partsOf(text).keys()];
    expect(new Set(parts).size).toBe(parts.length);
    expect(parts[0]).toBe("components/agent/agent.sh");
    expect(parts.at(-1)).toBe("components/agent/main.sh");
    expect(text.startsWith("#!/bin/sh\n# ==== ")).toBe(true);
    expect(text.endsWith("\n# whole\n")).toBe(true);
  }
});

test("the defaults are one part, and hold what a driver may define and nothing else", () => {
  for (const text of AGENTS.keys()) {
    const defaults = shellFunctions(partsOf(text).get(DEFAULTS_PART) ?? "").flatMap(({ name }) => name || []);
    expect(defaults.sort()).toEqual(OPTIONAL);
  }
});

describe.each([...AGENTS].map(([text, name]) => [name, text] as const))("the agent for %s", (_, text) => {
  test("each required function is defined once, and no function twice but in place of a default", () => {
    const definitions = definitionsIn(text);
    expect(REQUIRED.filter((name) => definitions.get(name)?.length !== 1)).toEqual([]);
    const twice = [...definitions].filter(([, parts]) => parts.length > 1);
    for (const [name, parts] of twice) {
      expect(OPTIONAL).toContain(name);
      expect(parts).toEqual([DEFAULTS_PART, expect.stringMatching(/^components\/drivers\//)]);
    }
    for (const name of [...REQUIRED, ...OPTIONAL.filter((one) => twice.some(([two]) => one === two))])
      expect(definitions.get(name)?.at(-1)).toMatch(/^components\/drivers\//);
  });

  test("every function is called, and every call has its function", () => {
    const verbs = casePatterns(text, "main").flatMap((word) => (/^[a-z]+$/.test(word) ? `verb_${word}` : []));
    const { unused, undefined: missing } = usesIn(text);
    expect(unused.filter((name) => !VERB.test(name) && !OPTIONAL.includes(name))).toEqual([]);
    expect(missing).toEqual([]);
    const defined = [...definitionsIn(text).keys()].filter((name) => VERB.test(name));
    expect(verbs.sort()).toEqual(defined.sort());
  });

  test("every variable of a function is local, or one of the whole program in upper case", () => {
    const strays = shellFunctions(text).flatMap((found) =>
      found.name === "" ? [] : strayVariables(found).map((variable) => `${found.name}: ${variable}`),
    );
    expect(strays).toEqual([]);
  });
});

test("every function of the contract is called by some agent", () => {
  const uncalled = [...AGENTS.keys()].map((text) => new Set(usesIn(text).unused));
  expect([...REQUIRED, ...OPTIONAL].filter((name) => uncalled.every((found) => found.has(name)))).toEqual([
    // by its name, as a verb
    "verb_packages",
  ]);
});

test("without drivers the agent lacks what they define, and nothing else", () => {
  const text = agentScript();
  expect(usesIn(text).undefined.sort()).toEqual(REQUIRED.filter((name) => !VERB.test(name)));
});

describe.each([
  ["the probe", probeProgram()],
  ["libvirt's hook", cardHook()],
])("%s", (_, text) => {
  test("no function is defined twice, and each is called", () => {
    const functions = shellFunctions(text).flatMap(({ name }) => name || []);
    expect(functions.filter((name, at) => functions.indexOf(name) !== at)).toEqual([]);
    expect(usesIn(text)).toEqual({ unused: [], undefined: [] });
  });

  test("every variable of a function is local, or one of the whole program in upper case", () => {
    const strays = shellFunctions(text).flatMap((found) =>
      found.name === "" ? [] : strayVariables(found).map((variable) => `${found.name}: ${variable}`),
    );
    expect(strays).toEqual([]);
  });
});
