import { parsePciAddress, type PciAddress } from "../facts/pci.ts";

/** What came back from a host is no probe answer, or not a whole one. */
export class ProbeAnswerError extends Error {
  override readonly name = "ProbeAnswerError";
}

export type Sections = ReadonlyMap<string, readonly string[]>;

/** Small files by their paths, line by line. */
export type Values = ReadonlyMap<string, readonly string[]>;

/** The lines of each section of an answer or a part of one; empty lines are left out. */
export const sectionsIn = (text: string, nonce: string): Sections => {
  const marker = `@${nonce} `;
  const sections = new Map<string, string[]>();
  let lines: string[] | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith(marker)) {
      lines = [];
      sections.set(line.slice(marker.length), lines);
    } else if (line !== "") lines?.push(line);
  }
  return sections;
};

/** The sections of a whole answer. */
export const split = (answer: string, nonce: string): Sections => {
  const sections = sectionsIn(answer, nonce);
  if (!sections.has("end"))
    throw new ProbeAnswerError(
      sections.size === 0
        ? `the host answered something else than the probe: ${JSON.stringify(answer.slice(0, 200))}`
        : `the probe's answer ends in section "${[...sections.keys()].at(-1)}": the connection broke or the host ran out of room`,
    );
  return sections;
};

/** A record for names that a host gives: "__proto__" is one like any other. */
export const ownRecord = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

/** `name=value` lines; the values keep their own `=`. */
export const pairs = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.flatMap((line) => {
      const at = line.indexOf("=");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );

/** `head` over several files prints `==> path <==` and then the file's lines. */
export const headed = (lines: readonly string[]): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines) {
    const path = /^==> (.*) <==$/.exec(line)?.[1];
    if (path !== undefined) found.set(path, (current = []));
    else current?.push(line);
  }
  return found;
};

const PCI_IN_PATH = /[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/g;
/** Every PCI address in a physical path, from the root to the device. */
export const addressesIn = (path: string): PciAddress[] =>
  (path.match(PCI_IN_PATH) ?? []).flatMap((text) => parsePciAddress(text) ?? []);

/** Without the `0x` that sysfs puts in front. */
export const hex = (text: string | undefined): string => (text ?? "").replace(/^0x/, "");
export const integer = (text: string | undefined): number | undefined => {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isNaN(value) ? undefined : value;
};
