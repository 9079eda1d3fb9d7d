/** What could move a terminal's cursor, recolour, reorder or hide text: control, format and unassigned characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const UNPRINTABLE_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside (a file, a file's name, a host's answer) as it may be printed: one line, every character
 * that a terminal might obey replaced by `�`.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, "\u{fffd}");

/** The same for text of several lines, which keeps its line feeds and tabs. */
export const printableLines = (text: string): string => text.replace(UNPRINTABLE_BUT_LINES, "\u{fffd}");

/** At most so many characters of a text of any length, and how much was left out. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more characters)`;
