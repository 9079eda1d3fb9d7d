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

/**
 * What boots the host.
 * @param linesOf the lines of the files that were read and whose path is like this
 */
export const boot = (
  section: (name: string) => readonly string[],
  linesOf: (path: RegExp) => readonly string[],
): Facts["boot"] => {
  const menu = linesOf(/^\/boot\/grub\/grub\.cfg$/)
    .map((line) => line.trim())
    .filter((line) => /^(linux(efi)?|menuentry|submenu)\s/.test(line));
  const loaderInfo = Buffer.from(section("loader-info").join(""), "base64");
  const [bootFilesystem = "", bootDevice = ""] = (section("boot-filesystem")[0] ?? "").split(" ");
  return {
    efi: section("boot").includes("efi"),
    loaderInfo:
      loaderInfo.length > 4 ? loaderInfo.subarray(4).toString("utf16le").replaceAll("\0", "") : null,
    present: [...section("boot-present")],
    ...(menu.length > 0 && { grubLinux: menu }),
    ...(section("boot-present").some((path) => path.endsWith("/grub-mkconfig")) && {
      grubDropIns: linesOf(/\/grub-mkconfig$/).some((line) => line.includes("/default/grub.d/*")),
    }),
    bootFilesystem,
    bootDevice,
    ...bootRoom(section("boot-free"), bootFilesystem),
  };
};
