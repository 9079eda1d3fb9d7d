import type { Facts } from "./facts.ts";
import type { ModuleOptions } from "./modprobe.ts";
import type { Problem } from "./problem.ts";

/** Values a parameter's type takes, as modinfo names types (Linux: include/linux/moduleparam.h). */
const fits = (type: string, value: boolean | number | string): boolean => {
  const text = String(value);
  if (/^(inv|b)?bool$|^bint$/.test(type)) return /^([01yYnN]|on|off|true|false)$/i.test(text);
  if (/^(u?(byte|short|int|long|llong)|hexint)$/.test(type))
    return (
      typeof value !== "boolean" &&
      /^-?(0x[0-9a-f]+|\d+)$/i.test(text) &&
      !(type.startsWith("u") && text.startsWith("-"))
    );
  return true;
};

/** Module options that the host's kernel would not take, each with what it would. Unasked modules are not judged. */
export const moduleOptionProblems = (
  facts: Facts,
  modules: Readonly<Record<string, ModuleOptions>>,
): Problem[] => {
  const { moduleInfo } = facts;
  if (!moduleInfo) return [];
  return Object.entries(modules).flatMap(([module, options]): Problem[] => {
    const info = moduleInfo[module];
    if (!info)
      return [
        {
          path: `kernel.moduleOptions.${module}`,
          problem: `Linux ${facts.kernel} on the host has no module ${module}`,
          remedy: "correct the name (lsmod and modinfo show it), or install the package that brings it",
        },
      ];
    return Object.entries(options).flatMap(([name, value]): Problem[] => {
      const type = info.parameters[name];
      const path = `kernel.moduleOptions.${module}.${name}`;
      if (type === undefined)
        return [
          {
            path,
            problem: `the module ${module} has no parameter ${name}`,
            remedy: `it has: ${Object.keys(info.parameters).sort().join(", ") || "none"}`,
          },
        ];
      return fits(type, value)
        ? []
        : [{ path, problem: `${value} is no value for it`, remedy: `modinfo says: ${type}` }];
    });
  });
};
