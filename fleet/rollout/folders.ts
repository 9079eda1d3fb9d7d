import { join, resolve } from "node:path";
import { PROJECT } from "../stack/stack-file.ts";

/** Logs, records and roll-outs; git ignores it. */
export const FOLDER = resolve(PROJECT, process.env["VFIO_FLEET_DATA"] ?? ".vfio-fleet");

/** The folder of one run's logs, by when it began. */
export const logFolder = (now: Date): string =>
  join(FOLDER, "logs", now.toISOString().replaceAll(":", "").replace(/\.\d+/, ""));
