import { printableLines, shortened } from "../facts/printable.ts";

/** A host could not be asked: `what` was found and `remedy` says what to do about it. */
export class HostError extends Error {
  override readonly name = "HostError";
  readonly host: string;
  readonly remedy: string;
  /** the key that a host showed that nobody has approved yet: `type base64` */
  readonly offered: string | undefined;
  constructor(host: string, what: string, remedy: string, offered?: string) {
    // what it says may be the host's own words
    super(printableLines(`${host}: ${shortened(what, 2000)}\n    → ${remedy}`));
    this.offered = offered;
    this.host = host;
    this.remedy = remedy;
  }
}
