/** Prints the serial port's log, and follows it as it grows. */
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { LabHost } from "../host.ts";
import { HOST_FILES } from "./qemu-args.ts";

export const followSerial = async (host: LabHost, follow: boolean): Promise<void> => {
  const file = join(host.folder, HOST_FILES.serial);
  let start = 0;
  for (;;) {
    const { size } = statSync(file);
    // A start of the host truncates the file.
    if (size < start) start = 0;
    if (size > start) {
      await pipeline(createReadStream(file, { start, end: size - 1 }), process.stdout, { end: false });
      start = size;
    }
    if (!follow) return;
    await delay(200);
  }
};
