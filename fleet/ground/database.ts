import { CommandError } from "./command-error.ts";

/** A PostgreSQL URL as it may be shown: without who logs in. */
export const shownDatabase = (url: string): string => url.replace(/\/\/[^@/]*@/, "//").replace(/\?.*$/, "");

/** What a connection suffers, in words; where a name has several addresses each has its own error. */
export const describeTrouble = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(describeTrouble).join("; ");
  return error instanceof Error ? error.message : String(error);
};

/** A database that cannot be asked at all. */
export const databaseError = (url: string, error: unknown): CommandError =>
  new CommandError(
    `the database ${shownDatabase(url)} cannot be asked: ${describeTrouble(error)}\n  → check that PostgreSQL runs there, and the address, name and login in its URL`,
    { exitCode: 1, cause: error },
  );
