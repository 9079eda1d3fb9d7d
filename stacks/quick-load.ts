/**
 * Imported before anything else, this makes the program load faster.
 *
 * What Node compiles, it keeps, beside the packages: TypeScript without its types too.
 *
 * Pulumi's SDK loads TypeScript, npm's own dependency solver and a tracer whenever it is loaded, and needs them only to
 * serialise functions and to trace: two thirds of the time that it takes. Here each of them is loaded when something of it
 * is used. And it has each line of every stack trace looked up in source maps, one trace a resource and promise. Node runs
 * these sources as they are written: there is nothing to look up.
 */
import { enableCompileCache, registerHooks } from "node:module";
import { join } from "node:path";

const SDK = /\/node_modules\/@pulumi\/pulumi\//;
const HEAVY = new Set([
  "typescript",
  "@npmcli/arborist",
  "normalize-package-data",
  "@opentelemetry/exporter-zipkin",
  "@opentelemetry/instrumentation",
  "@opentelemetry/instrumentation-grpc",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-base",
  "@opentelemetry/sdk-trace-node",
]);

const SOURCE_MAPS = "source-map-support/register";

/** Behind a module's URL, where the module is to be loaded late, or not at all. */
const LATE = ".late.cjs";
const NEVER = ".never.cjs";

/** What `require` gives instead: to the helpers that TypeScript compiles imports to, a module with a default export. */
const lateModule = (url: string): string => `
let loaded;
const real = () => (loaded ??= require(require("node:url").fileURLToPath(${JSON.stringify(url)})));
module.exports = new Proxy({}, {
  get: (_, key) => key === "__esModule" || (key === "default" && !real().__esModule ? real() : real()[key]),
});
`;

// where none is set already; without a folder that can be written to there is none
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/vfio-fleet"));

// where Pulumi was there first
Reflect.deleteProperty(Error, "prepareStackTrace");

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const instead = specifier === SOURCE_MAPS ? NEVER : HEAVY.has(specifier) ? LATE : undefined;
    return instead !== undefined && SDK.test(context.parentURL ?? "")
      ? { ...found, url: `${found.url}${instead}`, format: "commonjs", shortCircuit: true }
      : found;
  },
  load(url, context, next) {
    const virtual = (source: string) => ({ format: "commonjs", source, shortCircuit: true });
    if (url.endsWith(NEVER)) return virtual("");
    return url.endsWith(LATE) ? virtual(lateModule(url.slice(0, -LATE.length))) : next(url, context);
  },
});
