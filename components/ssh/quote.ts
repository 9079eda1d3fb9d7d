const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word for a POSIX shell: plain words stay readable, all else is single-quoted. */
export const quote = (word: string): string =>
  PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

export const commandLine = (words: readonly string[]): string => words.map(quote).join(" ");
