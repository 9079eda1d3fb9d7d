import { z } from "zod";

const MIB_PER_UNIT = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;

/** "8 GiB", "512 MiB", "1.5 GiB": a number, a space and a binary unit. Read as whole MiB. */
export const memorySizeSchema = z
  .templateLiteral([z.number(), " ", z.enum(["MiB", "GiB", "TiB"])], {
    error: 'expected a number, a space and MiB, GiB or TiB, such as "8 GiB"',
  })
  .transform((text, context): number => {
    const [digits, unit] = text.split(" ") as [string, keyof typeof MIB_PER_UNIT];
    const mib = Number(digits) * MIB_PER_UNIT[unit];
    if (Number.isInteger(mib) && mib > 0 && Number.isSafeInteger(mib * 1024)) return mib;
    context.addIssue({ code: "custom", message: `"${text}" is not a positive whole number of MiB` });
    return z.NEVER;
  });

/** MiB as a person writes it: GiB where that is a whole number. */
export const formatMiB = (mib: number): string => (mib % 1024 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`);
