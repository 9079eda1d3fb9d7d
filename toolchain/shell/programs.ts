import { agentScript } from "../../components/agent/agent-script.ts";
import { setupScript } from "../../components/agent/sudoers.ts";
import { cardHook } from "../../components/host/card-hook.ts";
import { drivers } from "../../components/drivers/registry.ts";
import { probeProgram } from "../../components/probe/probe-program.ts";

/** Drivers with scripts, one for all that have the same. */
const withOwnScripts = <D extends { readonly scripts: readonly URL[] }>(
  known: readonly D[],
): readonly D[] => [
  ...new Map(
    known.filter(({ scripts }) => scripts.length > 0).map((driver) => [String(driver.scripts), driver]),
  ).values(),
];

/**
 * Agents in which every two drivers of different kinds that can meet do so once; all combinations would take twice as long
 * and show nothing more, as a finding is one of a part or of two parts together.
 */
const agents = (): readonly string[] => {
  const distros = withOwnScripts(drivers.distro);
  const loaders = withOwnScripts(drivers.bootloader);
  return loaders.flatMap((bootloader, row) =>
    drivers.initramfs.flatMap((initramfs, column) => {
      const distro = distros[(row + column) % distros.length];
      return distro ? [agentScript({ bootloader, initramfs, distro })] : [];
    }),
  );
};

/** Programs that drivers write to hosts. */
const written = (): readonly string[] =>
  [
    ...drivers.bootloader.flatMap((driver) => driver.edits(["iommu=pt"])),
    ...drivers.initramfs.flatMap((driver) =>
      driver.files({
        modules: ["vfio", "vfio_pci"],
        files: ["/etc/modprobe.d/vfio.conf"],
        rivals: ["nouveau", "nvidiafb"],
      }),
    ),
  ].flatMap((edit) => ("content" in edit && edit.content.startsWith("#!") ? [edit.content] : []));

export interface ShellProgram {
  readonly text: string;
  readonly dialect: "bash" | "dash";
  /** hooks that another tool sources or calls, with variables and functions of its own */
  readonly hook: boolean;
}

/** Every program for hosts that is put together from several texts, each text once. */
export const assembledPrograms = (): readonly ShellProgram[] => [
  ...[...agents(), probeProgram(), cardHook(), setupScript(["operator", "guest"])].map((text) => ({
    text,
    dialect: "dash" as const,
    hook: false,
  })),
  ...[...new Set(written())].map((text) => ({
    text,
    dialect: text.startsWith("#!/bin/bash") ? ("bash" as const) : ("dash" as const),
    hook: true,
  })),
];

/** Where a line of an assembled program comes from, as far as a part says the name of its file. */
export const originOf = (text: string, line: number): string => {
  const lines = text.split("\n").slice(0, line);
  const head = lines.findLastIndex((one) => /^# ==== \S+ ====$/.test(one));
  const name = lines[head]?.split(" ")[2];
  return name === undefined
    ? `${(lines.slice(0, 4).find((one) => one.startsWith("# ")) ?? "an assembled program").slice(0, 60)}: line ${line}`
    : `${name}:${line - head - 1}`;
};
