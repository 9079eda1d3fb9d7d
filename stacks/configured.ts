/** A stack's configuration as language hosts hand it over: keys with `config:` in them or without, values as text. */
export const configured = (key: string): unknown => {
  const all = JSON.parse(process.env["PULUMI_CONFIG"] ?? "{}") as Readonly<Record<string, string>>;
  const text = all[`vfio-fleet:${key}`] ?? all[`vfio-fleet:config:${key}`];
  return text === undefined ? undefined : JSON.parse(text);
};
