import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import type { Checked, Problem } from "../components/facts/problem.ts";
import { hostsOver, isSettings, isWrittenIn } from "./merge.ts";
import { stackSchema, type StackConfig } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** The schema below optional, default and the like. */
const inner = (schema: unknown): unknown => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return inner(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return inner(schema.def.in);
  return schema;
};

const optionsOf = (union: z.ZodUnion): z.core.$ZodType[] => [...union.def.options];

const issuesOf = (schema: z.core.$ZodType, value: unknown): readonly Issue[] =>
  z.safeParse(schema, value).error?.issues ?? [];

/** How far a value is from a variant: another kind of thing, settings that it does not know, mistakes inside. */
const OTHER_KIND = 100;
const cost = (issues: readonly Issue[], variant: unknown): number =>
  issues.reduce((sum, issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = keysOf(variant);
      // a slip of the pen is no other variant's setting
      return (
        sum +
        issue.keys.reduce((keys, key) => keys + (known.some((name) => distance(name, key) <= 2) ? 1 : 4), 0)
      );
    }
    if (issue.path.length > 0) return sum + 2;
    // a value that is merely not good enough is of the right kind
    if (!["invalid_type", "invalid_value", "invalid_union"].includes(issue.code)) return sum + 2;
    return (
      sum +
      (issue.code === "invalid_union"
        ? Math.min(OTHER_KIND, ...issue.errors.map((errors) => cost([...errors], undefined)))
        : OTHER_KIND)
    );
  }, 0);

/** The variant that somebody meant who wrote this. */
const nearest = (
  union: z.ZodUnion,
  value: unknown,
): { readonly option: z.core.$ZodType; readonly far: boolean } => {
  const [first, ...others] = optionsOf(union).map((option) => ({
    option,
    cost: cost(issuesOf(option, value), inner(option)),
  }));
  if (!first) throw new Error("a union has variants");
  const best = others.reduce((a, b) => (b.cost < a.cost ? b : a), first);
  return { option: best.option, far: best.cost >= OTHER_KIND };
};

const below = (schema: unknown, key: PropertyKey): unknown => {
  const found = inner(schema);
  if (found instanceof z.ZodObject) return (found.shape as Record<PropertyKey, unknown>)[key];
  if (found instanceof z.ZodRecord) return found.def.valueType;
  if (found instanceof z.ZodArray) return found.def.element;
  return undefined;
};

const valueBelow = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;

/** A place in what was written, with what the schema says of it. */
interface Place {
  readonly path: readonly PropertyKey[];
  readonly schema: unknown;
  readonly value: unknown;
}

const variantAt = (place: Place): Place => {
  const schema = inner(place.schema);
  return schema instanceof z.ZodUnion
    ? variantAt({ ...place, schema: nearest(schema, place.value).option })
    : { ...place, schema };
};

const follow = (from: Place, path: readonly PropertyKey[]): Place =>
  path.reduce<Place>((place, key) => {
    const at = variantAt(place);
    return { path: [...at.path, key], schema: below(at.schema, key), value: valueBelow(at.value, key) };
  }, from);

const keysOf = (schema: unknown): string[] => {
  const found = inner(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
};

const at = (path: readonly PropertyKey[]): string => `vfio-fleet:${path.map(String).join(".")}`;

const REMEDY = "correct it in the stack file; the README describes every setting";

const plain = (message: string): string => message.replace(/^Invalid input: /, "");

/** The values that a discriminated union's variants have in the field that tells them apart. */
const discriminators = (union: z.ZodUnion, field: string): string[] =>
  optionsOf(union).flatMap((option) => {
    const found = below(option, field);
    return found instanceof z.ZodLiteral ? [...found.def.values].map(String) : [];
  });

/** @param from the place that the issue's path starts from */
const problemsOf = (issue: Issue, raw: RawStack, from: Place): Problem[] => {
  const written = (path: readonly PropertyKey[]): string => at(whereWritten(raw, path));
  const place = follow(from, issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(variantAt(place).schema);
    return issue.keys.map((key) => ({
      path: written([...place.path, key]),
      problem: "unknown setting",
      remedy:
        known.length > 0
          ? `did you mean "${closest(key, known)}"? Known here: ${known.join(", ")}`
          : "take it out",
    }));
  }
  if (issue.code === "invalid_union") {
    const union = inner(place.schema);
    if (union instanceof z.ZodUnion && issue.errors.length > 0) {
      const { option, far } = nearest(union, place.value);
      if (!far)
        return issuesOf(option, place.value).flatMap((one) =>
          problemsOf(one, raw, { ...place, schema: option }),
        );
      const own = issue.message === "Invalid input" ? undefined : issue.message;
      const messages = issue.errors.flatMap((errors) =>
        errors.map(({ message }) => plain(message).replace(/, received \w+$/, "")),
      );
      const expected = [...new Set(messages)].join(", or ");
      return [
        {
          path: written(place.path),
          problem: place.value === undefined ? `is missing: ${own ?? expected}` : (own ?? expected),
          remedy: REMEDY,
        },
      ];
    }
    // the field that tells the variants apart names none of them
    const field = issue.path.at(-1);
    const parent = inner(follow(from, issue.path.slice(0, -1)).schema);
    if (typeof field === "string" && parent instanceof z.ZodUnion) {
      const known = discriminators(parent, field);
      const given = place.value ?? valueBelow(follow(from, issue.path.slice(0, -1)).value, field);
      return [
        {
          path: written(place.path),
          problem:
            given === undefined ? "is missing" : `${JSON.stringify(given)} is none of those that there are`,
          remedy: `${typeof given === "string" ? `did you mean "${closest(given, known)}"? ` : ""}Known here: ${known.join(", ")}`,
        },
      ];
    }
  }
  const missing = place.value === undefined && issue.path.length > 0;
  return [
    {
      path: written(place.path),
      problem: missing
        ? `is missing: ${plain(issue.message).replace(", received undefined", "")}`
        : plain(issue.message),
      remedy: REMEDY,
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
  const merged = { ...rest, hosts: hostsOver(raw.defaults, raw.hosts) };
  const result = stackSchema.safeParse(merged);
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues.flatMap((issue) =>
    problemsOf(issue, raw, { path: [], schema: stackSchema, value: merged }),
  );
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
