import { closest } from "fastest-levenshtein";
import { z } from "zod";
import type { Checked, Problem } from "../components/facts/problem.ts";
import { hostsOver, isSettings, isWrittenIn } from "./merge.ts";
import { stackSchema, type StackConfig } from "./schema.ts";

const at = (path: readonly PropertyKey[]): string => `vfio-fleet:${path.map(String).join(".")}`;

const REMEDY = "correct it in the stack file; the README describes every setting";

const suggested = (given: unknown, known: readonly string[]): string =>
  `${typeof given === "string" ? `did you mean "${closest(given, known)}"? ` : ""}Known here: ${known.join(", ")}`;

const keysOf = (schema: unknown): string[] => {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodUnion ? [...new Set(schema.options.flatMap(keysOf))] : [];
};

/** The message of an unknown key is the list of the known ones: later, an issue no longer has its schema. */
const knownKeys: z.core.$ZodErrorMap = ({ code, inst }) =>
  code === "unrecognized_keys" ? keysOf(inst).join(", ") : undefined;

const valueAt = (from: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    from,
  );

const plain = (message: string): string => message.replace(/^Invalid input: /, "");

/** Each mistake with the path of the setting. */
type Mistake = Omit<Problem, "path"> & { readonly path: readonly PropertyKey[] };

const mistakesOf = (issue: z.core.$ZodIssue, stack: unknown): Mistake[] => {
  const { path, message } = issue;
  const given = valueAt(stack, path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      path: [...path, key],
      problem: "unknown setting",
      remedy: suggested(key, message.split(", ")),
    }));
  if (issue.code === "invalid_union" && "options" in issue && issue.options)
    return [
      {
        path,
        problem:
          given === undefined ? "is missing" : `${JSON.stringify(given)} is none of those that there are`,
        remedy: suggested(given, issue.options.map(String)),
      },
    ];
  if (issue.code === "invalid_key")
    return issue.issues.map((one) => ({ path, problem: plain(one.message), remedy: REMEDY }));
  const problem =
    given === undefined && path.length > 0
      ? `is missing: ${plain(message).replace(", received undefined", "")}`
      : plain(message);
  return [{ path, problem, remedy: REMEDY }];
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
  const merged = { ...rest, hosts: hostsOver(raw.defaults, raw.hosts) };
  const result = stackSchema.safeParse(merged, { error: knownKeys });
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues
    .flatMap((issue) => mistakesOf(issue, merged))
    .map((mistake): Problem => ({ ...mistake, path: at(whereWritten(raw, mistake.path)) }));
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
