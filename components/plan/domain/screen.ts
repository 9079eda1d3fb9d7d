import type { ResolvedDomain } from "./resolve/resolved.ts";

/** How the host is reached by ssh. */
export interface SshTarget {
  readonly user: string;
  readonly host: string;
  readonly port: number;
}

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1"]);
const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);
/** Every address of the host: the tunnel ends at its loopback. */
const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** What is said about a screen that more than the host itself can reach. */
export const screenWarning = ({
  name,
  graphics,
}: Pick<ResolvedDomain, "name" | "graphics">): string | undefined =>
  graphics.type === "none" || LOOPBACK.has(graphics.listen)
    ? undefined
    : `the screen of ${name} listens on ${graphics.listen} without a password: anybody who reaches it has the guest. ` +
      "Leave graphics.listen out and use an SSH tunnel, unless that network is yours alone";

/**
 * The port of a running domain's VNC server.
 * @param text libvirt's definition of the running domain, or what `virsh domdisplay` prints
 */
export const liveVncPort = (text: string): number | undefined => {
  const [, port] = /<graphics type='vnc' port='(\d+)'/.exec(text) ?? [];
  if (port !== undefined) return Number(port);
  // a display's number, from 5900 on (virsh: domdisplay)
  const [, display] = /vnc:\/\/\S*:(\d+)/.exec(text) ?? [];
  return display === undefined ? undefined : 5900 + Number(display);
};

/**
 * How to reach a domain's screen, one step a line.
 * @param livePort the port QEMU took, from `virsh vncdisplay`; undefined while the domain does not run
 */
export const screenAdvice = (domain: ResolvedDomain, ssh: SshTarget, livePort?: number): string[] => {
  const { graphics } = domain;
  if (graphics.type === "none")
    return [
      `${domain.name} has no emulated screen: connect one to the card, or use remote desktop in the guest.`,
    ];
  const port = graphics.port === "auto" ? livePort : graphics.port;
  const options = ssh.port === 22 ? "" : `-p ${ssh.port} `;
  const login = `${ssh.user}@${bracketed(ssh.host)}`;
  const target = bracketed(ANY[graphics.listen] ?? graphics.listen);
  const where = [
    port === undefined
      ? `When ${domain.name} runs, "virsh vncdisplay ${domain.name}" on the host names its screen; :0 is port 5900.`
      : `ssh -N ${options}-L ${port}:${target}:${port} ${login}`,
    ...(port === undefined ? [] : [`Then point a VNC viewer at 127.0.0.1:${port}.`]),
    ...(port === undefined || LOOPBACK.has(graphics.listen)
      ? []
      : [
          `The screen listens on ${graphics.listen} without a password: anybody who reaches it has the guest.`,
        ]),
  ];
  return domain.cards.length === 0
    ? where
    : [
        ...where,
        "The VNC picture goes dark once the card's driver starts in the guest: that is expected, the picture is on the card's own output from then on.",
      ];
};
