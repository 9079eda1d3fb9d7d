import type { Facts } from "../facts/facts.ts";
import { ownRecord, type Values } from "./sections.ts";

/** modinfo's `filename:` and `name:` open a module, whichever comes first; `parm:` is `name:description (type)`. */
export const moduleInfo = (lines: readonly string[]): Facts["moduleInfo"] => {
  const found: { name?: string; file?: string; builtin?: boolean; parameters: Record<string, string> }[] = [];
  for (const line of lines) {
    const [, key, value = ""] = /^(name|filename|parm):\s*(.*)$/.exec(line) ?? [];
    let current = found.at(-1);
    if (
      !current ||
      (key === "name" && current.name !== undefined) ||
      (key === "filename" && current.builtin !== undefined)
    )
      found.push((current = { parameters: ownRecord() }));
    if (key === "name") current.name = value.replaceAll("-", "_");
    if (key === "filename") {
      current.builtin = value === "(builtin)";
      const name = /([^/]+?)\.ko(\.\w+)?$/.exec(value)?.[1];
      if (name !== undefined) current.file = name.replaceAll("-", "_");
    }
    const parameter = key === "parm" ? /^(\w+):/.exec(value)?.[1] : undefined;
    const type = /\(([^()]*)\)$|^\w+:([a-z ]+)$/.exec(value);
    if (parameter !== undefined) current.parameters[parameter] = type?.[1] ?? type?.[2] ?? "";
  }
  return Object.fromEntries(
    // older kernels' modules have no name: line
    found.flatMap(({ file, name = file, builtin = false, parameters }) =>
      name === undefined ? [] : [[name, { builtin, parameters }]],
    ),
  );
};

/** /sys/module/NAME/parameters/PARAMETER */
export const moduleParameters = (values: Values): Facts["moduleParameters"] => {
  const found = ownRecord<Record<string, string>>();
  for (const [path, [value]] of values) {
    const [module = "", kind, name = ""] = path.split("/").slice(-3);
    if (kind === "parameters" && value !== undefined) (found[module] ??= ownRecord())[name] = value;
  }
  return found;
};

/** The modules of VFIO that each installed kernel has. */
export const vfioModules = (paths: readonly string[]): Facts["vfioModules"] => {
  const found = ownRecord<string[]>();
  for (const path of paths) {
    const match = /^\/lib\/modules\/([^/]+)\/.*\/([^/]+?)\.ko(\.\w+)?$/.exec(path);
    if (match?.[1] && match[2]) (found[match[1]] ??= []).push(match[2].replaceAll("-", "_"));
  }
  return found;
};
