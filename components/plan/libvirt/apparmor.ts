import { splitBlock } from "../block.ts";
import { elementsOf, find, parseXml } from "../domain/document/xml-tree.ts";
import type { Facts } from "../../facts/facts.ts";
import { receiptName, type Step } from "../step.ts";

/** What every domain's profile includes, and where a host's own additions to it belong. */
export const LIBVIRT_PROFILE = "/etc/apparmor.d/abstractions/libvirt-qemu";
export const APPARMOR_LOCAL = "/etc/apparmor.d/local/abstractions/libvirt-qemu";

/** Folders that libvirt's own profile lets QEMU read ROM files from (libvirt: abstractions/libvirt-qemu). */
const READABLE = /^\/usr\/share\/(vgabios|kvm|qemu|seabios|OVMF|ovmf|misc|AAVMF|qemu-efi|edk2-ovmf)\//;

/** Whether libvirt's own profile lets QEMU read a ROM file at this path. */
export const isReadableRom = (path: string): boolean => READABLE.test(path);

/**
 * ROM files in a definition that libvirt writes no rule for. Shared memory, input devices, TPM state and disks get
 * theirs from virt-aa-helper; a ROM does not.
 */
const confinedRoms = (xml: string): string[] => {
  const parsed = parseXml(xml);
  if (!parsed.ok) return [];
  return elementsOf(find(parsed.root, "devices")).flatMap((device) => {
    const file = find(device, "rom")?.attributes["file"];
    return file === undefined || isReadableRom(file) ? [] : [file];
  });
};

/** AppArmor's patterns in a path stand for themselves behind a backslash (apparmor.d(5), "Globbing"). */
const rule = (path: string): string => `"${path.replaceAll(/[\\"*?[\]{}^@]/g, String.raw`\$&`)}" r,`;

/**
 * The step that lets QEMU read ROM files that a patch names outside of libvirt's own folders; none where AppArmor is not
 * at home, or no domain has such a file and none had before. Profiles are put together anew whenever a domain starts.
 */
export const apparmorSteps = (definitions: readonly string[], facts: Facts): Step[] => {
  const wanted = [...new Set(definitions.flatMap(confinedRoms))].sort().map(rule).join("\n");
  const { block = "" } = splitBlock(facts.files[APPARMOR_LOCAL]?.content ?? "");
  const written = facts.receipts[receiptName(APPARMOR_LOCAL)];
  if (!facts.exists.includes(LIBVIRT_PROFILE) || wanted === "") return [];
  const inPlace = block === wanted;
  return [
    {
      key: APPARMOR_LOCAL,
      verb: "block",
      args: [APPARMOR_LOCAL, "new"],
      input: wanted,
      undo: ["unblock", APPARMOR_LOCAL],
      after: ["packages"],
      inPlace,
      ...(!inPlace &&
        written !== undefined && { drift: { kind: "file", path: APPARMOR_LOCAL, found: block, wanted } }),
    },
  ];
};
