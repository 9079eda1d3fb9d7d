import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { z } from "zod";
import { median } from "./median.ts";

export const PHASES = ["apply", "again", "dry"] as const;
/** A measured phase of each tool. */
export type Phase = (typeof PHASES)[number];

const sampleSchema = z.strictObject({
  hosts: z.number(),
  tool: z.string(),
  phase: z.enum(PHASES),
  seconds: z.number(),
  cpuSeconds: z.number(),
  memoryMiB: z.number(),
});
export type Sample = Readonly<z.infer<typeof sampleSchema>>;

const figuresSchema = z.strictObject({
  machine: z.string(),
  /** Versions of the tools in their Python environment. */
  versions: z.string(),
  samples: z.array(sampleSchema),
});
/** All measurements of one machine. */
export type Figures = Readonly<z.infer<typeof figuresSchema>>;

const machine = (): string =>
  `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;

/**
 * The figures in a file, so that a long benchmark can run in pieces; no figures if no file is given.
 * @throws when they come from another machine or other versions, because common medians would be meaningless
 */
export const readFigures = (file: string | undefined, versions: string): Figures => {
  const here = { machine: machine(), versions, samples: [] };
  if (file === undefined || !existsSync(file)) return here;
  const found = figuresSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  for (const what of ["machine", "versions"] as const)
    if (found[what] !== here[what])
      throw new Error(`${file} has figures of ${found[what]}, but this is ${here[what]}: name another file`);
  return found;
};

export const writeFigures = (file: string, figures: Figures): void =>
  writeFileSync(file, `${JSON.stringify(figures, undefined, 2)}\n`);

/** The tool to which all others are compared. */
export const FLOOR = "ssh (floor)";

const HEAD = [
  "Hosts",
  "Tool",
  "First apply, s",
  "No change, s",
  "Dry run, s",
  "CPU of each, s",
  "Memory of each, MiB",
];

/** Medians as a Markdown table; in brackets: the ratio to the floor. */
export const figuresTable = ({ samples }: Figures): string => {
  const of = (
    hosts: number,
    tool: string,
    phase: Phase,
    what: "seconds" | "cpuSeconds" | "memoryMiB",
  ): number =>
    median(
      samples.flatMap((sample) =>
        sample.hosts === hosts && sample.tool === tool && sample.phase === phase ? [sample[what]] : [],
      ),
    );
  const sizes = [...new Set(samples.map(({ hosts }) => hosts))].toSorted((a, b) => a - b);
  const rows = sizes.flatMap((hosts) => {
    const tools = new Set(samples.flatMap((sample) => (sample.hosts === hosts ? [sample.tool] : [])));
    return [...tools].map((tool) => [
      String(hosts),
      tool,
      ...PHASES.map((phase) => {
        const seconds = of(hosts, tool, phase, "seconds");
        const ratio = seconds / of(hosts, FLOOR, phase, "seconds");
        return Number.isNaN(ratio) ? seconds.toFixed(2) : `${seconds.toFixed(2)} (${ratio.toFixed(2)} x)`;
      }),
      PHASES.map((phase) => of(hosts, tool, phase, "cpuSeconds").toFixed(1)).join(" / "),
      PHASES.map((phase) => of(hosts, tool, phase, "memoryMiB").toFixed(0)).join(" / "),
    ]);
  });
  return [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};
