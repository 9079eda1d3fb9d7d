import { ROOMS } from "./rooms.mjs";

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Where a package or a module of Node resolves to; the generated SDK is a folder of this repository. */
const resolved = (name) => {
  if (name === "node:*") return [];
  if (name === "@pulumi/libvirt") return ["^sdks/libvirt/"];
  return name.startsWith("node:")
    ? [`^${escaped(name.slice(5))}$`]
    : [`(^|/)node_modules/(@types/)?${escaped(name)}/`];
};

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "not-resolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...Object.entries(ROOMS).map(([name, { path, rooms, packages }]) => ({
      name: `room-${name}`,
      comment: `${name} imports ${[...rooms, ...packages].join(", ") || "nothing"} (rooms.mjs)`,
      severity: "error",
      from: { path },
      to: {
        pathNot: [path, ...rooms.map((room) => ROOMS[room].path), ...packages.flatMap(resolved)],
        ...(packages.includes("node:*") && { dependencyTypesNot: ["core"] }),
      },
    })),
    {
      name: "no-room",
      comment: "every file of these folders is in a room (rooms.mjs)",
      severity: "error",
      from: {
        path: "^(components|stacks|fleet|policy|lab)/",
        pathNot: Object.values(ROOMS).map(({ path }) => path),
      },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    // types count, and so does import()
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules|^sdks/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "types", "default"],
    },
  },
};
