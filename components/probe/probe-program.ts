import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { drivers } from "../drivers/registry.ts";
import { PROBE } from "../facts/programs.ts";

const read = (path: string): string => readFileSync(new URL(`${path}.sh`, import.meta.url), "utf8");

/** What reads a ROM and answers with it; needs `say` in front of it. */
export const romScript = (): string =>
  ["../agent/holders", "../agent/rom", "../agent/rom-answer"].map(read).join("");

/** How the host's packages are asked for: by the first program that it has, of those that distributions have. */
const packageVersions = (): string => {
  const queries = new Map(
    drivers.distro.map(({ packageQuery }) => [packageQuery.program, packageQuery.command]),
  );
  const cases = [...queries].map(
    ([program, command]) => `if command -v ${program} >/dev/null; then ${command}\n`,
  );
  return `package_versions() {\n${cases.join("el")}fi\n}\n`;
};

/** @param survey whether what explains a host is to be in it as well; SURVEY then says what of it is to run */
export const probeScript = (survey: boolean): string =>
  [survey ? read("survey") : "", packageVersions(), read("probe")].join("");

interface ProbeProgram {
  /** what a caller and the program on a host have to agree on: another one may answer otherwise */
  readonly version: string;
  readonly text: string;
}
let made: ProbeProgram | undefined;
/** Put together when it is first wanted: whoever only dials a host needs it later. */
const program = (): ProbeProgram => {
  if (made) return made;
  const [shebang = "", ...head] = read("program").split("\n");
  const parts = [
    head.join("\n"),
    romScript(),
    'if [ "$mode" = rom ]; then rom_answer "$3" "$4" "${5:-any}" </dev/null; exit; fi\n',
    probeScript(true),
    'while [ "$mode" = watch ] && sleep "$seconds"; do probe </dev/null 2>/dev/null; done\nexit 0\n',
  ].join("");
  const version = createHash("sha256").update(parts).digest("hex").slice(0, 16);
  made = { version, text: `${shebang}\nVERSION=${version}\n${parts}` };
  return made;
};

/** The program at PROBE, for hosts whose login may use sudo for the project's own programs alone. */
export const probeProgram = (): string => program().text;

/** A call of it. */
export const probeCall = (...words: readonly string[]): readonly string[] => [
  PROBE,
  program().version,
  ...words,
];
