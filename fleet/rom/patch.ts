import { judgeOptionRom } from "../../components/option-rom/judge.ts";
import { formatSize } from "../../components/option-rom/names.ts";
import { patchOptionRom, type PatchedRom } from "../../components/option-rom/patch.ts";
import { CommandError } from "../ground/command-error.ts";
import { paintFor, printable } from "../ground/terminal.ts";
import { readRom } from "./read-rom.ts";
import { formatFindings } from "./report.ts";
import { writeNewFile } from "../ground/write-file.ts";

const describeCut = (patched: Exclude<PatchedRom, { kind: "refused" }>): string => {
  if (patched.kind === "unchanged") return "there was nothing to cut, so it is a copy";
  const { leading, trailing } = patched.cut;
  const parts = [
    leading > 0 ? `${formatSize(leading)} before the images` : undefined,
    trailing > 0 ? `${formatSize(trailing)} after them` : undefined,
  ];
  return `cut ${parts.filter((part) => part !== undefined).join(" and ")}`;
};

/** `vfio-fleet rom patch`. Returns the exit status. Throws a CommandError when a file cannot be read or written. */
export const patchRom = async (input: string, output: string): Promise<number> => {
  const { parsed } = await readRom(input);
  const patched = patchOptionRom(parsed);
  if (patched.kind === "refused") {
    const [finding] = judgeOptionRom(parsed).findings;
    const reason = parsed.ok ? patched.reason : finding.message;
    console.error(`vfio-fleet: ${printable(input)} is not patched: ${reason}`);
    return 1;
  }
  writeNewFile(output, patched.bytes);
  const written = await readRom(output);
  if (!written.bytes || Buffer.compare(written.bytes, patched.bytes) !== 0) {
    throw new CommandError(
      `${printable(output)}: the file does not read back as it was written; do not use it`,
    );
  }
  console.log(`${printable(output)}: ${formatSize(written.size)} written, ${describeCut(patched)}\n`);
  console.log(formatFindings(judgeOptionRom(written.parsed).findings, paintFor(process.stdout)));
  return 0;
};
