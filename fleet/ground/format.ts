/** `62.0 GiB`, `512 MiB`, `4 KiB`: at most one digit behind the point, none where it would be a zero. */
export const formatKib = (kib: number): string => formatBytes(kib * 1024);

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** The same for bytes. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1).replace(/\.0$/, "")} ${UNITS[unit]}`;
};

/** `3 days`, `5 hours`, `12 minutes`: the largest unit that fits. */
export const formatDuration = (seconds: number): string => {
  for (const [size, name] of [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ] as const)
    if (seconds >= size) {
      const count = Math.floor(seconds / size);
      return `${count} ${name}${count === 1 ? "" : "s"}`;
    }
  return `${Math.floor(seconds)} seconds`;
};

/** `1 host`, `3 hosts`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `01:00.0`: the domain is left out where it is the usual one. */
export const shortAddress = (address: string): string => address.replace(/^0000:/, "");
