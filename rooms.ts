/**
 * The rooms of the source tree and what each may import. All else is refused: `npm run check` reports it, and
 * test/unit/project/rooms.test.ts shows that it does for every room. CONTRIBUTING.md says which line of code belongs where.
 */

import type { IConfiguration } from "dependency-cruiser";

interface Room {
  /** a regular expression of the files */
  readonly path: string;
  /** the other rooms that they may import */
  readonly rooms: readonly string[];
  /** the packages that they may import, and the modules of Node */
  readonly packages: readonly string[];
}

/** Modules of Node that compute and touch nothing outside of the process. */
const PURE = ["node:crypto", "node:util"];
/** The wildcard for every module of Node. */
const NODE = ["node:*"];
const PULUMI = ["@pulumi/pulumi", "@pulumi/command", "@pulumi/libvirt"];
const LIBRARY = ["facts", "option-rom", "ssh", "plan", "drivers", "probe", "agent", "host"];
const FLEET = ["ground", "targets", "stack"];

/** Every room by its name. */
export const ROOMS = {
  facts: { path: "^components/facts/", rooms: [], packages: ["zod"] },
  "option-rom": { path: "^components/option-rom/", rooms: ["facts"], packages: PURE },
  ssh: { path: "^components/ssh/", rooms: ["facts"], packages: ["ssh2", "zod", ...NODE] },
  plan: {
    path: "^components/plan/",
    rooms: ["facts", "option-rom"],
    packages: ["zod", "compare-versions", "fast-xml-parser", ...PURE],
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
  program: { path: "^index\\.ts$", rooms: [...LIBRARY, "components", "stacks"], packages: PULUMI },
  // imported before all others, by Pulumi.yaml and by the command line
  "quick-load": { path: "^quick-load\\.ts$", rooms: [], packages: ["node:module", "node:path"] },
  policy: { path: "^policy/", rooms: ["facts", "plan"], packages: ["@pulumi/policy"] },
  ground: {
    path: "^fleet/ground/",
    rooms: ["facts"],
    packages: ["string-width", "wrap-ansi", ...NODE],
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
    packages: [
      "cli-truncate",
      "commander",
      "csv-parse",
      "log-update",
      "p-queue",
      "pg",
      "pg-boss",
      "string-width",
      "zod",
      ...NODE,
    ],
  },
  lab: {
    path: "^lab/",
    rooms: [],
    packages: ["cli-table3", "commander", "execa", "p-wait-for", "zod", ...NODE],
  },
} satisfies Readonly<Record<string, Room>>;

const rooms: Readonly<Record<string, Room>> = ROOMS;

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Where a package or a module of Node resolves to. The generated SDK is a folder of this repository. */
const resolved = (name: string): string[] => {
  if (name === "node:*") return [];
  if (name === "@pulumi/libvirt") return ["^sdks/libvirt/"];
  return name.startsWith("node:")
    ? [`^${escaped(name.slice(5))}$`]
    : [`(^|/)node_modules/(@types/)?${escaped(name)}/`];
};

/** The table as rules of dependency-cruiser. */
export const rules = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "not-resolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...Object.entries(rooms).map(([name, room]) => ({
      name: `room-${name}`,
      comment: `${name} imports ${[...room.rooms, ...room.packages].join(", ") || "nothing"} (rooms.ts)`,
      severity: "error" as const,
      from: { path: room.path },
      to: {
        pathNot: [
          room.path,
          ...room.rooms.flatMap((other) => rooms[other]?.path ?? []),
          ...room.packages.flatMap(resolved),
        ],
        ...(room.packages.includes("node:*") && { dependencyTypesNot: ["core" as const] }),
      },
    })),
    {
      name: "no-room",
      comment: "every file of these folders is in a room (rooms.ts)",
      severity: "error",
      from: {
        path: "^(components|stacks|fleet|policy|lab)/",
        pathNot: Object.values(rooms).map(({ path }) => path),
      },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    // types count as imports, and so does import()
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules|^sdks/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "types", "default"],
    },
  },
} satisfies IConfiguration;
