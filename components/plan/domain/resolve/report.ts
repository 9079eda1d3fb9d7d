import type { Problem } from "../../../facts/problem.ts";

/** Collects what is wrong with one domain; paths are those of the stack file. */
export interface Report {
  readonly problems: readonly Problem[];
  readonly add: (field: string, problem: string, remedy: string) => void;
}

export const newReport = (domain: string): Report => {
  const problems: Problem[] = [];
  return {
    problems,
    add: (field, problem, remedy) =>
      void problems.push({ path: `domains.${domain}${field === "" ? "" : `.${field}`}`, problem, remedy }),
  };
};

/** `a, b, c`, or that there are none. */
export const listed = (names: readonly (string | number)[]): string =>
  names.length === 0 ? "none" : [...names].join(", ");

/** Values that are there more than once, each once. */
export const repeated = <T>(values: readonly T[]): T[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];
