import { parse } from "csv-parse/sync";
import { z } from "zod";
import type { Checked, Problem } from "../../components/facts/problem.ts";

/** A host that needs a stack file. */
export interface NewStack {
  readonly stack: string;
  /** name or address */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  readonly identity?: string;
  readonly hostKey?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Known columns; a column such as `label:rack` sets a label. */
const COLUMNS = ["stack", "host", "user", "port", "identity", "host_key"] as const;

export const stackName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "expected lower-case letters, digits and dashes");

const rowSchema = z.strictObject({
  stack: stackName,
  host: z.string().regex(/^[^-\s@/][^\s@/]*$/, "expected a host name or an address"),
  user: z
    .string()
    .regex(/^[^-\s@][^\s@]*$/, "expected a login")
    .optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  identity: z.string().optional(),
  host_key: z
    .string()
    .regex(/^(ssh|ecdsa)-\S+ [A-Za-z0-9+/=]+( .*)?$/, "expected a public key line such as ssh-ed25519 AAAA…")
    .optional(),
});

interface Record_ {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

const columnProblems = (columns: readonly string[], file: string): Problem[] => [
  ...(["stack", "host"] as const)
    .filter((name) => !columns.includes(name))
    .map((name) => ({
      path: file,
      problem: `the column "${name}" is missing`,
      remedy: `name the columns in the first line: ${COLUMNS.join(", ")}, label:NAME`,
    })),
  ...columns
    .filter((name) => !(COLUMNS as readonly string[]).includes(name) && !/^label:./.test(name))
    .map((name) => ({
      path: file,
      problem: `unknown column "${name}"`,
      remedy: `use these columns only: ${COLUMNS.join(", ")}, label:NAME`,
    })),
];

/** Reads a list of hosts as CSV. All mistakes are reported at once, each with its line. */
export const parseHostsFile = (text: string, file: string): Checked<readonly NewStack[]> => {
  let rows: readonly Record_[];
  let columns: string[] = [];
  try {
    rows = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      columns: (head: string[]) => (columns = head.map((name) => name.toLowerCase())),
    }) as unknown as readonly Record_[];
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [{ path: file, problem, remedy: "write it as comma-separated values" }] };
  }
  const problems = columnProblems(columns, file);
  if (problems.length > 0) return { ok: false, problems };
  const found: NewStack[] = [];
  const seen = new Map<string, number>();
  for (const { record, info } of rows) {
    const path = `${file}:${info.lines}`;
    const filled = Object.entries(record).filter(([, value]) => value !== "");
    const row = rowSchema.safeParse(
      Object.fromEntries(filled.filter(([name]) => !name.startsWith("label:"))),
    );
    if (!row.success) {
      problems.push(
        ...row.error.issues.map((issue) => ({
          path: `${path} ${issue.path.join(".")}`,
          problem: issue.message,
          remedy: "correct the value in that line",
        })),
      );
      continue;
    }
    const { host_key: hostKey, user, port, identity, ...rest } = row.data;
    const first = seen.get(rest.stack);
    if (first !== undefined)
      problems.push({
        path,
        problem: `stack ${rest.stack} is already in line ${first}`,
        remedy: "write one line for each stack",
      });
    seen.set(rest.stack, info.lines);
    found.push({
      ...rest,
      ...(user !== undefined && { user }),
      ...(port !== undefined && { port }),
      ...(identity !== undefined && { identity }),
      ...(hostKey !== undefined && { hostKey }),
      labels: Object.fromEntries(
        filled.flatMap(([name, value]) => (name.startsWith("label:") ? [[name.slice(6), value]] : [])),
      ),
    });
  }
  if (problems.length === 0 && found.length === 0)
    problems.push({ path: file, problem: "the list has no host", remedy: "write one line for each host" });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: found };
};
