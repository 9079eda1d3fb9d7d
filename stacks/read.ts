import { closest } from "fastest-levenshtein";
import { z } from "zod";
import type { Checked, Problem } from "../components/core/problem.ts";
import { hostsOver, isSettings, isWrittenIn } from "./merge.ts";
import { stackSchema, type StackConfig } from "./schema.ts";

/** The schema below one step of a path, seen through optional, default and record wrappers. */
const inner = (schema: unknown): unknown => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return inner(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return inner(schema.def.in);
  return schema;
};

const below = (schema: unknown, key: PropertyKey): unknown => {
  const found = inner(schema);
  if (found instanceof z.ZodObject) return (found.shape as Record<PropertyKey, unknown>)[key];
  if (found instanceof z.ZodRecord) return found.def.valueType;
  if (found instanceof z.ZodArray) return found.def.element;
  if (found instanceof z.ZodUnion) return found.def.options.map((option) => below(option, key)).find(Boolean);
  return undefined;
};

const keysAt = (path: readonly PropertyKey[]): string[] => {
  const found = inner(path.reduce<unknown>(below, stackSchema));
  const options = found instanceof z.ZodUnion ? found.def.options : [found];
  return [
    ...new Set(options.flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : []))),
  ];
};

const at = (path: readonly PropertyKey[]): string => `vfio-fleet:${path.map(String).join(".")}`;

/** How far a value is from one member of a union: another type altogether is farther than mistakes inside. */
const distance = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.some(({ path, code }) => path.length === 0 && (code === "invalid_type" || code === "invalid_value"))
    ? 1000
    : issues.length;

const problemsOf = (issue: z.core.$ZodIssue, raw: RawStack): Problem[] => {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => ({
      path: at(whereWritten(raw, [...issue.path, key])),
      problem: "unknown setting",
      remedy:
        known.length > 0
          ? `did you mean "${closest(key, known)}"? Known here: ${known.join(", ")}`
          : "take it out",
    }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const nearest = issue.errors.toSorted((a, b) => distance(a) - distance(b))[0] ?? [];
    const nested = nearest.flatMap((error) =>
      problemsOf({ ...error, path: [...issue.path, ...error.path] }, raw),
    );
    if (nested.length > 0) return nested;
  }
  return [
    {
      path: at(whereWritten(raw, issue.path)),
      problem: issue.message,
      remedy: "correct it in the stack file; the README describes every setting",
    },
  ];
};

/** A stack's configuration as it is written. */
export interface RawStack {
  readonly hosts: unknown;
  /** settings that every host has unless it says otherwise */
  readonly defaults?: unknown;
  readonly labels?: unknown;
  readonly secrets?: unknown;
}

/** What a host did not write itself came from the defaults: that is where it has to be corrected. */
const whereWritten = (raw: RawStack, path: readonly PropertyKey[]): readonly PropertyKey[] => {
  const [section, host, ...rest] = path;
  if (section !== "hosts" || host === undefined || rest.length === 0) return path;
  const own = isSettings(raw.hosts) ? raw.hosts[String(host)] : undefined;
  return !isWrittenIn(own, rest) && isWrittenIn(raw.defaults, rest) ? ["defaults", ...rest] : path;
};

const noMapping = (path: string): Problem => ({
  path,
  problem: "expected a mapping of settings, as a host has them",
  remedy: "write below it what the hosts have in common",
});

/** Reads a stack's configuration; every mistake is reported, each with its path and what would be right. */
export const readStack = (raw: RawStack): Checked<StackConfig> => {
  if (raw.defaults !== undefined && !isSettings(raw.defaults))
    return { ok: false, problems: [noMapping(at(["defaults"]))] };
  const { defaults: _, ...rest } = raw;
  const result = stackSchema.safeParse({ ...rest, hosts: hostsOver(raw.defaults, raw.hosts) });
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, raw));
  // one mistake in the defaults is every host's
  const seen = new Set<string>();
  return {
    ok: false,
    problems: problems.filter(({ path, problem }) => {
      const key = `${path} ${problem}`;
      return !seen.has(key) && seen.add(key);
    }),
  };
};
