/**
 * Imported before anything else, this makes programs load faster: Pulumi.yaml imports it before the SDK (nodeargs), and
 * the command line before its commands. With VFIO_FLEET_QUICK_LOAD=off in the environment it does nothing: set it to see
 * whether a fault comes from here.
 *
 * Node keeps what it compiles beside the packages, TypeScript without its types too.
 *
 * Pulumi's SDK always loads TypeScript, npm's dependency solver, a tracer and its automation API. A program needs none of
 * them unless it serialises functions, traces or runs other programs, and they take two thirds of the SDK's loading time.
 * Here each of them is loaded when something of it is used.
 *
 * The SDK also has each line of every stack trace looked up in source maps, one trace for each resource and promise. Node
 * runs these sources as they are written, so there is nothing to look up. And zod loads its messages in sixty languages;
 * the English ones are part of its core.
 */
import { enableCompileCache, registerHooks } from "node:module";
import { join } from "node:path";

const SDK = /\/node_modules\/@pulumi\/pulumi\//;

/** What the SDK requires and is loaded late; test/unit/project/quick-load.test.ts holds that it requires each of them. */
export const HEAVY: ReadonlySet<string> = new Set([
  "./automation",
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
const LANGUAGES = "/zod/v4/locales/index.js";

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

const loadQuickly = (): void => {
  // where none is set already; without a folder that can be written to there is none
  enableCompileCache(join(import.meta.dirname, "node_modules/.cache/vfio-fleet"));

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
      const virtual = (source: string, format = "commonjs") => ({ format, source, shortCircuit: true });
      if (url.endsWith(NEVER)) return virtual("");
      if (url.endsWith(LANGUAGES)) return virtual("export {};", "module");
      return url.endsWith(LATE) ? virtual(lateModule(url.slice(0, -LATE.length))) : next(url, context);
    },
  });
};

if (process.env["VFIO_FLEET_QUICK_LOAD"] !== "off") loadQuickly();
