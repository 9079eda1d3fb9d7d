import { join, resolve } from "node:path";
import { PROJECT } from "../stack/stack-file.ts";

/** The folder of logs, records and roll-outs; git ignores it. */
export const FOLDER = resolve(PROJECT, process.env["VFIO_FLEET_DATA"] ?? ".vfio-fleet");

/** The log folder of one run, named by its start time. */
export const logFolder = (now: Date): string =>
  join(FOLDER, "logs", now.toISOString().replaceAll(":", "").replace(/\.\d+/, ""));
