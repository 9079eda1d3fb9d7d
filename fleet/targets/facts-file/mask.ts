import { isIPv4, isIPv6 } from "node:net";
import type { Facts } from "../../../components/facts/facts.ts";

/** Technical words. They occur everywhere, so a host of that name is not masked in texts. */
const TECHNICAL: ReadonlySet<string> = new Set(
  "vfio kvm qemu libvirt linux debian ubuntu fedora arch proxmox pve nvidia amd intel gpu pci iommu host localhost root kernel grub".split(
    " ",
  ),
);

/** Keys that are not masked: they identify a model of hardware or software, or hold no free text. */
const KEPT: ReadonlySet<string> = new Set([
  ..."kernel distro packages id subsystem address parents model vfioModules vfioBuiltin sha256".split(" "),
  ..."driver drivers modules moduleUse resetMethods units clocksource ids tools".split(" "),
]);

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * Replaces names of machines, networks and persons with stand-ins of the same form. Equal names get equal stand-ins
 * within a document, so relations stay visible and parsers still work. Addresses come from the ranges for
 * documentation (RFC 5737, RFC 3849, RFC 7042).
 */
export class Mask {
  private readonly known = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  /** The stand-in for a text of this kind, numbered by first appearance. */
  private standIn(kind: string, text: string, make: (number: number) => string): string {
    const key = `${kind} ${text.toLowerCase()}`;
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const number = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, number);
    const made = make(number);
    this.known.set(key, made);
    return made;
  }

  private ipv4(text: string): string {
    if (!isIPv4(text) || /^(0\.|127\.|255\.)/.test(text)) return text;
    return this.standIn("ipv4", text, (n) =>
      n < 255 ? `192.0.2.${n}` : `198.51.100.${((n - 1) % 254) + 1}`,
    );
  }

  private ipv6(text: string): string {
    if (!isIPv6(text) || text === "::" || text === "::1") return text;
    return this.standIn("ipv6", text, (n) => `2001:db8::${n.toString(16)}`);
  }

  private mac(text: string): string {
    if (/^(00:){5}00$|^(ff:){5}ff$/i.test(text)) return text;
    return this.standIn("mac", text.replaceAll(/[:-]/g, ""), (n) =>
      ["00", "00", "5e", "00", "53", (n & 0xff).toString(16).padStart(2, "0")].join(":"),
    );
  }

  /** A host's name; it is also replaced in every later text of this document. */
  host(name: string): string {
    return this.standIn("host", name, (n) => `host-${n}`);
  }

  /** Free text: log lines, files, definitions, paths. */
  text(text: string, hostnames: readonly string[] = []): string {
    let masked = text
      .replaceAll(/(?<![0-9a-f:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])/gi, (found) => this.mac(found))
      .replaceAll(/\benx([0-9a-f]{12})\b/g, (_, found: string) => `enx${this.mac(found).replaceAll(":", "")}`)
      .replaceAll(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]|-\d)/g, (found) => this.ipv4(found))
      .replaceAll(/(?<![\w:.])[0-9a-f]*:[0-9a-f:]*:[0-9a-f:]*(?![\w:.])/gi, (found) => this.ipv6(found))
      .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, (found) =>
        this.standIn("uuid", found, (n) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`),
      )
      .replaceAll(/\/dev\/disk\/by-(id|uuid|label|partuuid|partlabel)\/[^\s"'<>,]+/g, (found, by: string) =>
        this.standIn("disk", found, (n) => `/dev/disk/by-${by}/disk-${n}`),
      )
      .replaceAll(
        /(<serial>)([^<]*)(<)/g,
        (_, open: string, found: string, close: string) =>
          open + this.standIn("serial", found, (n) => `SERIAL${n}`) + close,
      )
      .replaceAll(
        /(<entry name=['"][^'"]*serial['"]>)([^<]*)(<)/gi,
        (_, open: string, found: string, close: string) =>
          open + this.standIn("serial", found, (n) => `SERIAL${n}`) + close,
      )
      .replaceAll(
        /\b(serial(?: number)?[=:]\s*)([\w-]{4,})/gi,
        (_, label: string, found: string) => label + this.standIn("serial", found, (n) => `SERIAL${n}`),
      )
      .replaceAll(
        /\/home\/([^/\s"'<>]+)/g,
        (_, user: string) => `/home/${this.standIn("user", user, (n) => `user-${n}`)}`,
      )
      .replaceAll(
        /\bhostname: [^\s,]+/g,
        (found) => `hostname: ${this.host(found.slice("hostname: ".length))}`,
      );
    for (const name of hostnames) {
      if (name.length <= 2 || TECHNICAL.has(name.toLowerCase())) continue;
      masked = masked
        .replaceAll(new RegExp(String.raw`(?<![\w-])${escape(name)}(?![\w-])(\.[\w.-]+)?`, "gi"), () =>
          this.host(name),
        )
        // Debian's installer names the volume group after the host; the device mapper doubles every hyphen in it.
        .replaceAll(new RegExp(String.raw`(?<![\w-])${escape(name)}(?=-vg\b)`, "gi"), () => this.host(name))
        .replaceAll(
          new RegExp(String.raw`(?<![\w-])${escape(name.replaceAll("-", "--"))}(?=--vg\b)`, "gi"),
          () => this.host(name).replaceAll("-", "--"),
        );
    }
    return masked;
  }

  /** A run's token: its owner, machine and stack are replaced, its time stays. */
  private token(text: string): string {
    const [moment = "", owner, , , ...rest] = text.split(",");
    return owner === undefined ? text : [moment, this.owner(owner), 1, "stack", ...rest].join(",");
  }

  private owner(text: string): string {
    return text === "" ? text : this.standIn("owner", text, (n) => `user-${n}@machine-${n}`);
  }

  private any(value: unknown, hostnames: readonly string[]): unknown {
    if (typeof value === "string") return this.text(value, hostnames);
    if (Array.isArray(value)) return value.map((item) => this.any(item, hostnames));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        this.text(key, hostnames),
        KEPT.has(key)
          ? item
          : key === "token" && typeof item === "string"
            ? this.token(item)
            : this.any(item, hostnames),
      ]),
    );
  }

  /** A host's facts with every identity replaced. */
  facts(facts: Facts): Facts {
    const user = /^(root|debian|ubuntu|admin)$/.test(facts.user)
      ? facts.user
      : this.standIn("user", facts.user, (n) => `user-${n}`);
    const masked = this.any(facts, [facts.hostname]) as Facts;
    return {
      ...masked,
      hostname: this.host(facts.hostname),
      user,
      ...(masked.lock && {
        lock: { ...masked.lock, owner: this.owner(masked.lock.owner), stack: "stack" },
      }),
      // Paths of devices and files are keys that other code looks up, so they stay.
      exists: facts.exists,
    };
  }
}

const SECRET_ATTRIBUTE = /\b(passwd|password|passwordValidTo)=(['"])[^'"]*\2/g;
const SECRET_SETTING = /^(\s*\w*(?:passw(?:or)?d|secret)\w*\s*[=:]\s*).+$/gim;
const SECRET_ARGUMENT = /(systemd\.set_credential(?:_binary)?=|rd\.luks\.key=|password=)\S+/g;

/** Text without passwords. They never leave a host, masked or not. */
export const withoutSecrets = (text: string): string =>
  text
    .replaceAll(SECRET_ATTRIBUTE, (_, name: string, quote: string) => `${name}=${quote}***${quote}`)
    .replaceAll(SECRET_SETTING, "$1***")
    .replaceAll(SECRET_ARGUMENT, "$1***");

/** The facts without passwords in domain definitions, configuration files and the command line. */
export const redact = (facts: Facts): Facts => ({
  ...facts,
  cmdline: withoutSecrets(facts.cmdline),
  files: Object.fromEntries(
    Object.entries(facts.files).map(([path, file]) => [
      path,
      { ...file, content: withoutSecrets(file.content) },
    ]),
  ),
  ...(facts.excerpts && {
    excerpts: Object.fromEntries(
      Object.entries(facts.excerpts).map(([path, lines]) => [path, lines.map(withoutSecrets)]),
    ),
  }),
  libvirt: {
    ...facts.libvirt,
    domains: facts.libvirt.domains.map((domain) => ({
      ...domain,
      ...(domain.xml !== undefined && { xml: withoutSecrets(domain.xml) }),
      ...(domain.liveXml !== undefined && { liveXml: withoutSecrets(domain.liveXml) }),
    })),
  },
});
