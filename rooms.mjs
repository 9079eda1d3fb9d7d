/**
 * The rooms of the source tree and what each may import. All else is refused: `npm run check` reports it, and
 * test/unit/project/rooms.test.ts shows that it does for every room. CONTRIBUTING.md says which line of code belongs where.
 */

/** @typedef {{ path: string, rooms: readonly string[], packages: readonly string[] }} Room */

/** Modules of Node that compute and touch nothing outside of the process. */
const PURE = ["node:crypto", "node:util"];
/** The wildcard for every module of Node. */
const NODE = ["node:*"];
const PULUMI = ["@pulumi/pulumi", "@pulumi/command", "@pulumi/libvirt"];
const LIBRARY = ["facts", "option-rom", "ssh", "plan", "drivers", "probe", "agent", "host"];
const FLEET = ["ground", "targets", "stack"];

/**
 * By name. `path` is a regular expression of the files, `rooms` are the other rooms that they may import, `packages` the
 * packages and the modules of Node.
 * @type {Readonly<Record<string, Room>>}
 */
export const ROOMS = {
  facts: { path: "^components/facts/", rooms: [], packages: ["zod"] },
  "option-rom": { path: "^components/option-rom/", rooms: ["facts"], packages: PURE },
  ssh: { path: "^components/ssh/", rooms: ["facts"], packages: ["ssh2", "zod", ...NODE] },
  plan: {
    path: "^components/plan/",
    rooms: ["facts", "option-rom"],
    packages: ["zod", "fast-xml-parser", ...PURE],
  },
  drivers: { path: "^components/drivers/", rooms: ["facts", "plan"], packages: PURE },
  probe: {
    path: "^components/probe/",
    rooms: ["facts", "option-rom", "drivers", "ssh"],
    packages: NODE,
  },
  // where the library meets the wire: what reads and changes hosts over SSH
  agent: {
    path: "^components/agent/",
    rooms: ["facts", "plan", "drivers", "probe", "ssh"],
    packages: NODE,
  },
  host: {
    path: "^components/host/",
    rooms: ["facts", "option-rom", "plan", "drivers", "agent", "probe", "ssh"],
    packages: ["zod", ...NODE],
  },
  doctor: { path: "^components/doctor/", rooms: ["facts", "option-rom", "plan"], packages: [] },
  components: { path: "^components/[^/]+$", rooms: LIBRARY, packages: [...PULUMI, "diff"] },
  stacks: {
    path: "^stacks/",
    rooms: ["facts", "host", "ssh"],
    packages: ["zod", "fastest-levenshtein", ...NODE],
  },
  // imported before all others, by Pulumi.yaml and by the command line
  "quick-load": { path: "^quick-load\\.ts$", rooms: [], packages: ["node:module", "node:path"] },
  program: { path: "^index\\.ts$", rooms: [...LIBRARY, "components", "stacks"], packages: PULUMI },
  policy: { path: "^policy/", rooms: ["facts", "plan"], packages: ["@pulumi/policy"] },
  ground: {
    path: "^fleet/ground/",
    rooms: ["facts"],
    packages: ["cli-table3", ...NODE],
  },
  stack: {
    path: "^fleet/stack/",
    rooms: [...LIBRARY, "stacks", "ground"],
    packages: ["yaml", "zod", "pg", "p-queue", "@pulumi/pulumi", ...NODE],
  },
  targets: {
    path: "^fleet/targets/",
    rooms: [...LIBRARY, "stacks", "ground", "stack"],
    packages: ["commander", "zod", ...NODE],
  },
  commands: {
    path: "^fleet/(?!ground/|stack/|targets/)",
    rooms: [...LIBRARY, "doctor", "stacks", "quick-load", ...FLEET],
    packages: ["commander", "csv-parse", "log-update", "p-queue", "pg", "pg-boss", "zod", ...NODE],
  },
  lab: { path: "^lab/", rooms: [], packages: ["cli-table3", "commander", "execa", "zod", ...NODE] },
};
