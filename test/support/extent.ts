/**
 * `npm run test:fast` (vitest's mode `fast`) proves everything once. What proves it again, scripts of the host in a second shell and
 * further random inputs, is left to `npm test`; a file that is run by itself has all of it.
 */
export const FAST = process.env["VFIO_FLEET_TESTS"] === "fast";

/** How many random inputs a property is tried with: a fifth of them in `fast`. */
export const inputs = (all: number): { readonly numRuns: number } => ({
  numRuns: FAST ? Math.ceil(all / 5) : all,
});
