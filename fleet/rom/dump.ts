import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { judgeOptionRom } from "../../components/option-rom/judge.ts";
import type { GuestFirmware } from "../../components/option-rom/judgement.ts";
import { parseOptionRom } from "../../components/option-rom/parse.ts";
import { readRomOnHost, type RomAnswer } from "../../components/probe/read-rom.ts";
import { HostError } from "../../components/ssh/host-error.ts";
import { CommandError } from "../ground/command-error.ts";
import { targetsOf, type SshOptions } from "../targets/target.ts";
import { paintFor, printable } from "../ground/terminal.ts";
import { findCard, type FoundCard } from "./find-card.ts";
import { formatFindings, formatReport } from "./report.ts";
import { replaceFile, writeNewFile } from "../ground/write-file.ts";

/** The options as the command line gives them. */
export interface DumpOptions extends SshOptions {
  readonly output: string;
  readonly force?: true;
  readonly firmware: GuestFirmware;
}

const read = async (card: FoundCard): Promise<RomAnswer> => {
  try {
    return await readRomOnHost(card.connection, card.address, card.id);
  } catch (error) {
    if (error instanceof HostError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
};

/**
 * `vfio-fleet rom dump`. Returns the exit status. Throws a CommandError when the host cannot be probed or the file
 * cannot be written.
 */
export const dumpRom = async (target: string, cardName: string, options: DumpOptions): Promise<number> => {
  const { output, firmware } = options;
  // An early check, before a card is touched. The write checks again.
  if (!options.force && existsSync(output))
    throw new CommandError(`cannot write ${printable(output)}: it exists already; --force overwrites it`);
  const card = findCard(await targetsOf(target, options), cardName);
  const answer = await read(card);
  if (!answer.ok) {
    console.error(`vfio-fleet: ${card.host}: ${printable(answer.reason)}`);
    return 1;
  }
  const { id, bytes } = answer;
  const parsed = parseOptionRom(bytes);
  const judgement = judgeOptionRom(parsed, { firmware, card: id });
  if (!parsed.ok) {
    console.error(
      `vfio-fleet: ${card.host}: what ${card.address} (${id}) returned is not a ROM; no file was written`,
    );
    console.error(formatFindings(judgement.findings, paintFor(process.stderr)));
    return 1;
  }
  (options.force ? replaceFile : writeNewFile)(output, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const shown = { file: output, size: bytes.length, sha256, firmware, card: id, parsed, judgement };
  console.log(formatReport(shown, paintFor(process.stdout)));
  return judgement.verdict === "usable" ? 0 : 1;
};
