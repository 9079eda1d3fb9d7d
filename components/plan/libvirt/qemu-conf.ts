import { z } from "zod";
import { splitBlock } from "../block.ts";
import type { FirmwareImage } from "../domain/resolve/firmware-images.ts";
import { editStep } from "../edit.ts";
import type { Facts } from "../../facts/facts.ts";
import type { Problem } from "../../facts/problem.ts";
import type { Step } from "../step.ts";

export const QEMU_CONF = "/etc/libvirt/qemu.conf";

/** libvirt's own default list (qemu.conf, cgroup_device_acl): a list that is set replaces it, so it has to be repeated. */
const DEVICE_ACL = [
  "/dev/null",
  "/dev/full",
  "/dev/zero",
  "/dev/random",
  "/dev/urandom",
  "/dev/ptmx",
  "/dev/kvm",
];

const absolutePath = z.string().regex(/^\/[A-Za-z0-9_.,:@%+/-]*$/, "expected an absolute path");
const account = z.string().regex(/^\+?[a-z0-9_][a-z0-9_-]*$/, "expected a user or group name");

export const libvirtSchema = z.strictObject({
  user: account.optional().describe("user QEMU runs as; the distribution's own unless set"),
  group: account.optional().describe("group QEMU runs as"),
  nvram: z
    .array(z.strictObject({ code: absolutePath, vars: absolutePath }))
    .optional()
    .describe("OVMF firmware and the variable store each starts from; the distribution's own unless set"),
  deviceAcl: z
    .array(absolutePath)
    .default(["/dev/vfio/vfio"])
    .describe("device nodes for QEMU beyond libvirt's defaults, which are kept (evdev input, Looking Glass)"),
  relaxedAcsCheck: z
    .boolean()
    .optional()
    .describe("accept switches without ACS; gives up isolation below them"),
  networks: z
    .array(z.string().regex(/^[A-Za-z0-9_.-]+$/))
    .default(["default"])
    .describe("libvirt networks to be up and started with the host"),
});
export type LibvirtSpec = z.infer<typeof libvirtSchema>;

const list = (values: readonly string[]): string =>
  `[\n${values.map((value) => `  "${value}"`).join(",\n")}\n]`;

const settings = (spec: LibvirtSpec, firmware: readonly FirmwareImage[]): ReadonlyMap<string, string> => {
  const nvram = spec.nvram ?? firmware;
  return new Map([
    ...(spec.user === undefined ? [] : [["user", `"${spec.user}"`] as const]),
    ...(spec.group === undefined ? [] : [["group", `"${spec.group}"`] as const]),
    ...(nvram.length === 0
      ? []
      : [["nvram", list(nvram.map(({ code, vars }) => `${code}:${vars}`))] as const]),
    ...(spec.deviceAcl.length === 0
      ? []
      : [["cgroup_device_acl", list([...new Set([...DEVICE_ACL, ...spec.deviceAcl])])] as const]),
    ...(spec.relaxedAcsCheck === undefined
      ? []
      : [["relaxed_acs_check", spec.relaxedAcsCheck ? "1" : "0"] as const]),
  ]);
};

/** The lines between this project's markers; comments and other settings of the file are not touched. */
export const qemuConfBlock = (spec: LibvirtSpec, firmware: readonly FirmwareImage[]): string =>
  [...settings(spec, firmware)].map(([name, value]) => `${name} = ${value}`).join("\n");

/** Settings that somebody made outside the block: libvirt would read two values for one name. */
const doubled = (text: string, wanted: ReadonlyMap<string, string>): Problem[] => {
  const { rest } = splitBlock(text);
  return [...wanted].flatMap(([name, value]) => {
    const found = new RegExp(`^\\s*${name}\\s*=\\s*(.*)$`, "m").exec(rest)?.[1];
    return found === undefined
      ? []
      : [
          {
            path: QEMU_CONF,
            problem: `${name} is set by hand (${found}); the stack wants ${value.replaceAll("\n", "")}`,
            remedy: `comment that line out on the host, or leave the setting out of the stack`,
          },
        ];
  });
};

/** The step that keeps the block in qemu.conf as wanted, or why it must not be written. */
export const qemuConfStep = (
  spec: LibvirtSpec,
  firmware: readonly FirmwareImage[],
  facts: Facts,
  after: readonly string[],
): { readonly step: Step; readonly problems: readonly Problem[] } => {
  const text = facts.files[QEMU_CONF]?.content;
  const wanted = qemuConfBlock(spec, firmware);
  return {
    problems: text === undefined ? [] : doubled(text, settings(spec, firmware)),
    step: editStep(facts, { kind: "block", path: QEMU_CONF, content: wanted }, after),
  };
};
