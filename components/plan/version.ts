import { compare } from "compare-versions";

/**
 * Whether a version is older than another one: dotted numbers. What stands behind them counts for nothing, such as a
 * distribution's own `-37-amd64`; a text without a number at its beginning is older than any version.
 */
export const isOlder = (version: string, than: string): boolean =>
  compare(/^\d+(?:\.\d+){0,3}/.exec(version)?.[0] ?? "0", than, "<");
