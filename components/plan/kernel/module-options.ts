import { createHash } from "node:crypto";
import type { Facts } from "../../facts/facts.ts";
import type { ModuleQuestion } from "../../facts/question.ts";
import { moduleConf, type ModuleOptions } from "./modprobe.ts";
import type { Problem } from "../../facts/problem.ts";
import { receiptName } from "../step.ts";

/** What a host is asked about the modules that are to get options. */
export const moduleQuestions = (modules: Readonly<Record<string, ModuleOptions>>): ModuleQuestion[] =>
  Object.entries(modules).map(([module, options]) => {
    const { path, content } = moduleConf(module, options);
    return {
      module,
      receipt: receiptName(path),
      sha256: createHash("sha256").update(content).digest("hex"),
    };
  });

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

/** Module options that the host's kernel would not take, each with what it would. */
export const moduleOptionProblems = (
  facts: Facts,
  modules: Readonly<Record<string, ModuleOptions>>,
): Problem[] => {
  const { moduleInfo } = facts;
  if (!moduleInfo) return [];
  const checked = moduleQuestions(modules).flatMap(({ module, receipt, sha256 }) =>
    facts.receipts[receipt]?.notes["sha256"] === sha256 ? [module] : [],
  );
  return Object.entries(modules).flatMap(([module, options]): Problem[] => {
    if (checked.includes(module)) return [];
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
