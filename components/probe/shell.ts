/** The command that `elevated` (elevate.ts) is the input of: every login shell can start it. */
export const SHELL = "sh";
