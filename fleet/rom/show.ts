import { createHash } from "node:crypto";
import { judgeOptionRom } from "../../components/option-rom/judge.ts";
import type { GuestFirmware } from "../../components/option-rom/judgement.ts";
import type { PciId } from "../../components/facts/pci.ts";
import { CommandError } from "../ground/command-error.ts";
import { formatJson, paintFor, printable } from "../ground/terminal.ts";
import { toJson } from "./json.ts";
import { readRom } from "./read-rom.ts";
import { formatReport } from "./report.ts";

/** The options as the command line gives them. */
export interface ShowOptions {
  readonly card?: string;
  readonly firmware: GuestFirmware;
  readonly json?: true;
}

const readCard = async (text: string | undefined): Promise<PciId | undefined> => {
  if (text === undefined) return undefined;
  const { parsePciId } = await import("../../components/facts/pci.ts");
  const card = parsePciId(text);
  if (card) return card;
  throw new CommandError(
    `--card: "${printable(text)}" is not a PCI id such as 10de:1c81; lspci -n shows the card's id`,
  );
};

/** `vfio-fleet rom show`. Returns the exit status. Throws a CommandError when the file cannot be read. */
export const showRom = async (path: string, options: ShowOptions): Promise<number> => {
  const card = await readCard(options.card);
  const { firmware } = options;
  const { size, bytes, parsed } = await readRom(path);
  const judgement = judgeOptionRom(parsed, { firmware, card });
  const sha256 = bytes && createHash("sha256").update(bytes).digest("hex");
  const shown = { file: path, size, sha256, firmware, card, parsed, judgement };
  console.log(options.json ? formatJson(toJson(shown)) : formatReport(shown, paintFor(process.stdout)));
  return judgement.verdict === "usable" ? 0 : 1;
};
