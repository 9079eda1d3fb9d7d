import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { formatProblems } from "../../../components/facts/problem.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost } from "../../../components/host/plan-host.ts";
import { readStack } from "../../../stacks/read.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

/** The part of JSON Schema that zod writes for a host. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** A place for a user's text in a description: how to put a text there, and its name in errors. */
interface Place {
  /** A path such as `domains.x.disks.0.path`; a key stands as KEY. */
  readonly path: string;
  /** A description with only the path to that place, and the text in it. */
  with(text: string): unknown;
}

/** What tells a member of a union from the others, which has to be right for an error to speak of the rest. */
const tags = (schema: Schema, others: readonly Schema[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([name, { const: value }]) => {
      const own = others.length > 0 && !others.some(({ properties = {} }) => name in properties);
      return value !== undefined || (own && schema.required?.includes(name)) ? [[name, value ?? "x"]] : [];
    }),
  );

const placesOf = (
  schema: Schema,
  path: string,
  build: (value: unknown) => unknown,
  others: readonly Schema[] = [],
): Place[] => {
  const below = path === "" ? "" : `${path}.`;
  const { properties = {}, additionalProperties, items } = schema;
  const members = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return [
    ...members.flatMap((one) =>
      placesOf(
        one,
        path,
        build,
        members.filter((other) => other !== one),
      ),
    ),
    ...(schema.type === "string" && schema.enum === undefined && schema.const === undefined
      ? [{ path, with: build }]
      : []),
    ...Object.entries(properties).flatMap(([name, one]) =>
      placesOf(one, below + name, (value) => build({ ...tags(schema, others), [name]: value })),
    ),
    ...(typeof additionalProperties === "object"
      ? [
          { path: `${below}KEY`, with: (text: string) => build({ [text]: {} }) },
          ...placesOf(additionalProperties, `${below}x`, (value) => build({ x: value })),
        ]
      : []),
    ...(items ? placesOf(items, `${below}0`, (value) => build([value])) : []),
  ];
};

const places = placesOf(z.toJSONSchema(hostSchema, { io: "input" }) as Schema, "", (host) => host);

/** Text with a meaning in XML, a shell, sed, GRUB, a URI, QEMU's options, a terminal or a path. */
const hostile = fc.oneof(
  fc.constantFrom(
    "$(reboot)",
    "`reboot`",
    "a;reboot",
    "a\nreboot",
    "a\0b",
    "\u{1b}[2J",
    "\u{202e}b",
    "'",
    '"',
    "&lt;<x/>]]>",
    "a/b&c\\1",
    "${x}",
    "submenu 'x' {",
    "a,file=/etc/shadow",
    "-oProxyCommand=reboot",
    "../../etc/shadow",
    "h/system?command=reboot",
    "__proto__",
    "constructor",
    " ",
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 24 }),
);
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** XML from the user may have several lines. */
const MARKUP = /^domains\.x\.patch\.0\.(set|append)$/;

const problemsAt = (place: Place, text: string): { readonly here: boolean; readonly said: string } => {
  const result = readStack({ hosts: { h: place.with(text) } });
  if (result.ok) return { here: false, said: "" };
  const name = `vfio-fleet:hosts.h.${place.path.replace(/KEY$/, () => text)}`;
  return {
    // An error of a whole union, or of a missing field, does not concern this string.
    here: result.problems.some(({ path }) => path === name || path.startsWith(`${name}.`)),
    said: formatProblems("stack", result.problems),
  };
};

test("every known string field is found", () => {
  expect(places.length).toBeGreaterThan(75);
  expect(places.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      "connection.proxy.host",
      "cards.KEY",
      "cards.x.rom.file",
      "kernel.moduleOptions.x.KEY",
      "domains.x.disks.0.path",
      "domains.x.patch.0.set",
    ]),
  );
});

test.each(places.map((place) => [place.path, place] as const))(
  "%s rejects control characters, and the error names it",
  (_, place) => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { here, said } = problemsAt(place, text);
        expect(said).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        const fit = here || MARKUP.test(place.path) || !CONTROL.test(text);
        expect({ text, fit }).toEqual({ text, fit: true });
      }),
      { numRuns: 40 },
    );
  },
);

test.each([
  ["connection.host", "-oProxyCommand=reboot"],
  ["connection.host", "h/system?command=reboot"],
  ["connection.proxy.host", "a b"],
  ["connection.hostKey", "ssh-ed25519 AAAA \u{1b}[2J"],
  ["connection.user", "-l"],
  ["connection.user", "root@elsewhere/x"],
  ["kernel.arguments.0", "a b"],
  ["kernel.arguments.0", "$(reboot)"],
  ["kernel.moduleOptions.x.KEY", "a b"],
  ["libvirt.networks.0", "a;reboot"],
  ["storage.pools.KEY", "../x"],
  ["domains.KEY", "../x"],
  ["domains.x.networks.0.bridge", "br0 x"],
  ["domains.x.hyperv.vendorId", "a,b"],
])("%s refuses %s", (path, text) => {
  const found = places.filter((place) => place.path === path);
  expect(found.length).toBeGreaterThan(0);
  for (const place of found) expect(problemsAt(place, text).here).toBe(true);
});

test("any text in one place gives a plan or a refusal", () => {
  const base = {
    connection: { host: "192.0.2.10" },
    domains: { x: { memory: "1 GiB", profile: "reference" } },
  };
  let plans = 0;
  const merged = (one: unknown, two: unknown): unknown =>
    typeof one === "object" && one !== null && typeof two === "object" && two !== null && !Array.isArray(two)
      ? Object.fromEntries(
          [...new Set([...Object.keys(one), ...Object.keys(two)])].map((key) => {
            const [left, right] = [one, two].map((side) => (side as Record<string, unknown>)[key]);
            return [key, left === undefined ? right : right === undefined ? left : merged(left, right)];
          }),
        )
      : two;
  fc.assert(
    fc.property(fc.constantFrom(...places), hostile, (place, text) => {
      const parsed = hostSchema.safeParse(merged(base, place.with(text)));
      if (!parsed.success) return;
      plans++;
      const plan = planHost(parsed.data, xeonFacts(), { stack: "s", host: "x" });
      expect(plan.ok ? "" : formatProblems("x", plan.problems)).not.toMatch(/(?![\n\t])\p{Cc}/u);
    }),
    { numRuns: 2000 },
  );
  expect(plans).toBeGreaterThan(20);
});
