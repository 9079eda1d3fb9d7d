/**
 * `npm run test:fast` (vitest's mode `fast`) proves everything once. Repeated proofs are left to `npm test`: the
 * host's scripts in a second shell, and more random inputs. A file that runs alone has all of it.
 */
export const FAST = process.env["VFIO_FLEET_TESTS"] === "fast";

/** Number of random inputs for a property; a fifth of it in `fast`. */
export const inputs = (all: number): { readonly numRuns: number } => ({
  numRuns: FAST ? Math.ceil(all / 5) : all,
});
