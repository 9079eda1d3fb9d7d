import type { Facts } from "../facts/facts.ts";

/** ext4 keeps so many blocks, at most a fiftieth of all, from everybody's data (Linux: ext4_calculate_resv_clusters). */
const EXT4_KEEPS = 4096;

/** What `stat -f` says of /boot, then the sizes of trial images there. */
const bootRoom = (
  [room = "", ...trials]: readonly string[],
  filesystem: string,
): Pick<Facts["boot"], "freeBytes"> => {
  const [, free, all, size] = /^(\d+) (\d+) (\d+)$/.exec(room) ?? [];
  if (free === undefined) return {};
  const kept = filesystem.startsWith("ext") ? Math.min(EXT4_KEEPS, Math.floor(Number(all) / 50)) : 0;
  const left = trials.filter((text) => /^\d+$/.test(text)).reduce((sum, text) => sum + Number(text), 0);
  const freeBytes = Math.max(0, Number(free) - kept) * Number(size) + left;
  return Number.isSafeInteger(freeBytes) ? { freeBytes } : {};
};

/** What boots the host. */
export const boot = (section: (name: string) => readonly string[]): Facts["boot"] => {
  const loaderInfo = Buffer.from(section("loader-info").join(""), "base64");
  const [bootFilesystem = "", bootDevice = ""] = (section("boot-filesystem")[0] ?? "").split(" ");
  return {
    efi: section("boot").includes("efi"),
    loaderInfo:
      loaderInfo.length > 4 ? loaderInfo.subarray(4).toString("utf16le").replaceAll("\0", "") : null,
    bootFilesystem,
    bootDevice,
    ...bootRoom(section("boot-free"), bootFilesystem),
  };
};
