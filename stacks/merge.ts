/** A mapping of a stack file, before anything is known about it. */
export type Settings = Readonly<Record<string, unknown>>;

export const isSettings = (value: unknown): value is Settings =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * One host's settings over the shared ones: mappings are merged key by key, everything else, lists as well, replaces
 * what stands below. `null` takes a shared setting out.
 */
export const mergeSettings = (below: unknown, above: unknown): unknown => {
  if (above === undefined) return below;
  if (!isSettings(above)) return above;
  const base = isSettings(below) ? below : {};
  const keys = [...new Set([...Object.keys(base), ...Object.keys(above)])];
  return Object.fromEntries(
    keys.flatMap((key) =>
      above[key] === null ? [] : [[key, mergeSettings(base[key], above[key])] as const],
    ),
  );
};

/** A section with nothing below it but comments is null in YAML, and says as little as one that is not there. */
const withoutEmpty = (host: unknown): unknown =>
  isSettings(host)
    ? Object.fromEntries(Object.entries(host).filter(([, section]) => section !== null))
    : host;

/** Every host over what they share; what is no mapping is left for the schema to judge. */
export const hostsOver = (defaults: unknown, hosts: unknown): unknown =>
  isSettings(hosts)
    ? Object.fromEntries(
        Object.entries(hosts).map(([name, host]) => [
          name,
          withoutEmpty(defaults === undefined ? host : mergeSettings(defaults, host)),
        ]),
      )
    : hosts;

/** Whether a setting, or the nearest one above it that is there, was written here; an empty path always was. */
export const isWrittenIn = (settings: unknown, path: readonly PropertyKey[]): boolean => {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (!isSettings(settings)) return settings !== undefined;
  return settings[String(key)] !== undefined && isWrittenIn(settings[String(key)], rest);
};
