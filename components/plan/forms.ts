import { z } from "zod";

/** What a value is in YAML's terms. */
type Kind = "text" | "number" | "boolean" | "list" | "mapping";

const KINDS: Readonly<Record<string, Kind>> = {
  string: "text",
  number: "number",
  bigint: "number",
  boolean: "boolean",
  object: "mapping",
};

const kindOf = (value: unknown): Kind | undefined => {
  if (Array.isArray(value)) return "list";
  return value === null ? undefined : KINDS[typeof value];
};

type Forms<Key extends string> = Readonly<Partial<Record<Key, z.ZodType>>>;
type UnionOf<Of extends Forms<string>> = z.ZodUnion<readonly NonNullable<Of[keyof Of]>[]>;

interface FormsDef extends z.core.$ZodUnionDef {
  /** The form that was meant; where none was, the keys that no form knows. */
  readonly pick: (value: unknown) => z.core.$ZodType | readonly string[];
}

const isForm = (picked: z.core.$ZodType | readonly string[]): picked is z.core.$ZodType => "_zod" in picked;

/** A union that reads a value by the form that was meant and no other, made as zod makes its discriminated union. */
const FormsUnion = z.core.$constructor<z.ZodUnion, FormsDef>("FormsUnion", (inst, def) => {
  z.ZodUnion.init(inst, def);
  inst._zod.parse = (payload, context) => {
    const input: unknown = payload.value;
    const picked = def.pick(input);
    if (isForm(picked)) return picked._zod.run(payload, context);
    if (picked.length > 0)
      payload.issues.push({
        code: "unrecognized_keys",
        keys: [...picked],
        input: input as Record<string, unknown>,
        inst,
      });
    payload.issues.push({ code: "invalid_union", errors: [], input, inst });
    return payload;
  };
});

const union = <Of extends Forms<string>>(forms: Of, expected: string, pick: FormsDef["pick"]): UnionOf<Of> =>
  new FormsUnion({
    type: "union",
    options: Object.values(forms) as z.ZodType[],
    error: ({ code }) => (code === "invalid_union" ? expected : undefined),
    pick,
  }) as UnionOf<Of>;

/**
 * A setting of several forms, each of another kind: `off` or a mapping, a list or a number.
 * @param expected the message for a value of a kind, or a word, that no form has
 */
export const oneOfKinds = <const Of extends Forms<Kind>>(forms: Of, expected: string): UnionOf<Of> =>
  union(forms, expected, (value) => {
    const kind = kindOf(value);
    const form = kind && (forms as Forms<Kind>)[kind];
    // a form of fixed words is meant by these words alone
    const { values } = form?._zod ?? {};
    return form && (!values || values.has(value as z.core.util.Primitive)) ? form : [];
  });

/**
 * A mapping of several forms, each told by a key that it alone has: `{file: …}` or `{dump: true}`.
 * @param expected the message for what has none of these keys, or several
 */
export const oneOfKeys = <const Of extends Readonly<Record<string, z.ZodObject>>>(
  forms: Of,
  expected: string,
): UnionOf<Of> => {
  const known = Object.values(forms).flatMap(({ shape }) => Object.keys(shape));
  return union(forms, expected, (value) => {
    if (kindOf(value) !== "mapping") return [];
    const keys = Object.keys(value as object);
    const [form, ...others] = keys.flatMap((key) => (Object.hasOwn(forms, key) ? (forms[key] ?? []) : []));
    if (form) return others.length === 0 ? form : [];
    return keys.filter((key) => !known.includes(key));
  });
};
