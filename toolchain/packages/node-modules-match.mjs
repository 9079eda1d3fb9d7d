// Exits with 0 if node_modules matches package-lock.json. npm writes its own record of the installed tree last, so an
// interrupted `npm ci` leaves none. It is plain JavaScript, because it runs before there is a Node that strips types.
import { readFileSync } from "node:fs";

/** @returns {Record<string, {version?: string, integrity?: string, link?: boolean, optional?: boolean}>} */
function packages(/** @type {string} */ lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return {};
  }
}

const installed = packages("node_modules/.package-lock.json");
const stale = Object.entries(packages("package-lock.json")).filter(([path, wanted]) => {
  if (!path.startsWith("node_modules/")) return false;
  const found = installed[path];
  // Optional packages for other systems may be absent.
  if (found === undefined) return !wanted.optional;
  return (
    found.version !== wanted.version || found.integrity !== wanted.integrity || found.link !== wanted.link
  );
});
const extra = Object.keys(installed).length === 0;
process.exitCode = extra || stale.length > 0 ? 1 : 0;
