import { randomBytes } from "node:crypto";
import type { PciAddress, PciId } from "../facts/pci.ts";
import { parsePciId } from "../facts/pci.ts";
import type { Connection } from "../ssh/connection.ts";
import { elevated } from "./elevate.ts";
import { SHELL } from "./shell.ts";
import { commandLine } from "../ssh/quote.ts";
import { HostError } from "../ssh/host-error.ts";
import { remedies } from "../ssh/remedies.ts";
import { probeCall, romScript } from "./probe-program.ts";
import { runOnHost } from "../ssh/session.ts";

/** What a host gave of a card's ROM, or why it refused to read it. */
export type RomAnswer =
  | { readonly ok: true; readonly id: PciId; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/** The whole script is one function, so that nothing of it is read as input of what it starts. */
const scriptFor = (nonce: string, address: PciAddress, id: PciId | undefined): string =>
  [
    "LC_ALL=C; export LC_ALL",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH",
    String.raw`say() { printf '%s\n' "$*"; }`,
    romScript(),
    "main() {",
    `  NONCE=${nonce}`,
    '  case $PRIVILEGE in none | sudo-agent-old) die "$LOGIN is neither root nor allowed to use sudo for this version of vfio-fleet: only root may read a ROM" ;; esac',
    `  ${commandLine(["rom_answer", nonce, address, id ?? "any"])}`,
    "}",
    "main </dev/null",
    "",
  ].join("\n");

/**
 * Reads the ROM of the function at `address` through sysfs: one connection, one round trip, and everything that was
 * switched for it put back. With an id, only a device with that id is read.
 * @throws {HostError} when the host cannot be reached or does not answer as expected
 */
export const readRomOnHost = async (
  connection: Connection,
  address: PciAddress,
  id?: PciId,
): Promise<RomAnswer> => {
  const nonce = randomBytes(9).toString("hex");
  const input = elevated(
    {
      script: scriptFor(nonce, address, id),
      program: probeCall("rom", nonce, address, id ?? "any"),
      input: "",
    },
    connection.sudoPassword,
  );
  const { code, stdout: bytes, stderr } = await runOnHost(connection, SHELL, input);
  const stdout = Buffer.from(bytes).toString();
  const refusal = stderr.split("\n").find((line) => line.startsWith(`@${nonce} `));
  if (refusal !== undefined) return { ok: false, reason: refusal.slice(nonce.length + 2) };
  const [, text = ""] = stdout.split(`@${nonce} `);
  const [head = "", ...lines] = text.split("\n");
  const found = parsePciId(head);
  if (code === 0 && found && stdout.includes(`@${nonce} end`))
    return { ok: true, id: found, bytes: Buffer.from(lines.join(""), "base64") };
  throw new HostError(
    `${connection.user}@${connection.host}`,
    `the ROM was not read (exit status ${code}): ${stderr.trim().slice(0, 500)}`,
    /sudo/.test(stderr) ? remedies(connection).sudo : "the login needs a POSIX shell that can run commands",
  );
};
