import { z } from "zod";

/**
 * What XML 1.0 can carry as it is in an attribute: no control characters (a tab or a line break would come back as a
 * space, section 3.3.3), no lone surrogates, no non-characters.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|\p{Surrogate}/u;

/** One line of text that survives XML unchanged. */
export const lineSchema = z
  .string()
  .min(1, "expected some text")
  .refine((text) => !UNFIT.test(text), "expected one line of text without control characters")
  .refine((text) => text === text.trim(), "expected text without spaces at its ends");

/** The name of a card in the stack. */
export const cardNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected a card's name: letters, digits and _.-");

/** The name of a libvirt pool, network, volume or of a bridge. */
export const objectNameSchema = lineSchema
  .refine((text) => !text.includes("/"), "expected a name without slashes")
  .refine((text) => text !== "." && text !== "..", "expected a name, not a folder");

const segments = (path: string): string[] => path.split("/").slice(1);

/** An absolute path in plain form, so that two spellings of one file cannot hide from each other. */
export const pathSchema = lineSchema.refine(
  (path) =>
    path.startsWith("/") && segments(path).every((part) => part !== "" && part !== "." && part !== ".."),
  "expected an absolute path without //, /./, /../ or a slash at its end",
);

/** A path below one of `folders`, such as /dev/zvol/. */
export const pathBelow = (expected: string, pattern: RegExp) =>
  pathSchema.refine((path) => pattern.test(path), `expected ${expected}`);

export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, "expected 64 hexadecimal digits")
  .transform((digest) => digest.toLowerCase());

export const macSchema = z
  .string()
  .regex(
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i,
    'expected a unicast MAC address such as "52:54:00:12:34:56"',
  )
  .transform((mac) => mac.toLowerCase());
