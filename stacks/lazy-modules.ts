/**
 * Pulumi's SDK loads TypeScript, npm's own dependency solver and a tracer whenever it is loaded, and needs them only to
 * serialise functions and to trace: two thirds of the time that it takes. With this imported first, each of them is
 * loaded when something of it is used.
 */
import { registerHooks } from "node:module";

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

/** Behind a module's URL, where the module is to be loaded late. */
const LATE = ".late.cjs";

/** What `require` gives instead: to the helpers that TypeScript compiles imports to, a module with a default export. */
const lateModule = (url: string): string => `
let loaded;
const real = () => (loaded ??= require(require("node:url").fileURLToPath(${JSON.stringify(url)})));
module.exports = new Proxy({}, {
  get: (_, key) => key === "__esModule" || (key === "default" && !real().__esModule ? real() : real()[key]),
});
`;

// Node from 22.15
if (typeof registerHooks === "function")
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      return HEAVY.has(specifier) && SDK.test(context.parentURL ?? "")
        ? { ...found, url: `${found.url}${LATE}`, format: "commonjs", shortCircuit: true }
        : found;
    },
    load: (url, context, next) =>
      url.endsWith(LATE)
        ? { format: "commonjs", source: lateModule(url.slice(0, -LATE.length)), shortCircuit: true }
        : next(url, context),
  });
