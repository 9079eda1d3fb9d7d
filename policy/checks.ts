/**
 * What every stack has to hold, as functions over the resources that a program declares: the pack (index.ts) hands them
 * what the engine knows, the tests what every stack of the project declares.
 */
import { readExistingDomain } from "../components/plan/domain/document/existing.ts";
import {
  elementsOf,
  find,
  parseXml,
  type ParsedXml,
  type XmlElement,
} from "../components/plan/domain/document/xml-tree.ts";

/** A resource with its inputs, secrets opened. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** One thing that must not be, as a sentence; the resource it is about by its name. */
export interface Violation {
  readonly resource: string;
  readonly message: string;
}

const COMMAND = "command:remote:Command";
const LIBVIRT = "pulumi:providers:libvirt";
const HOST = "vfio-fleet:index:GpuHost";

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What a command's standard input is: behind sudo, the password comes first, in a line of its own. */
const inputOf = (props: Declared["props"]): { readonly password: string; readonly body: string } => {
  const stdin = text(props["stdin"]);
  if (!text(props["create"]).startsWith("sudo -k -S ")) return { password: "", body: stdin };
  const [password = "", ...lines] = stdin.split("\n");
  return { password, body: lines.join("\n") };
};

/** The definition that a command sends to libvirt; undefined for a command that sends none. */
const definitionOf = (props: Declared["props"]): ParsedXml | undefined => {
  const { body } = inputOf(props);
  return body.trimStart().startsWith("<") ? parseXml(body) : undefined;
};

/** Who answers has to be known before anything is sent to it. */
export const hostKeysPinned = ({ type, name, props }: Declared): Violation[] => {
  if (type === LIBVIRT) {
    const uri = text(props["uri"]);
    const loose = /[?&](no_verify|known_hosts_verify=(?!normal)|sshauth=ssh-password)/.exec(uri)?.[1];
    if (uri.startsWith("qemu+ssh:") && (loose !== undefined || !/[?&]knownhosts=[^&]/.test(uri)))
      return [{ resource: name, message: "libvirt is reached without a known_hosts file of the pinned key" }];
    return [];
  }
  if (type !== COMMAND) return [];
  const connection = record(props["connection"]);
  const hops = [connection, ...(connection["proxy"] === undefined ? [] : [record(connection["proxy"])])];
  return hops.flatMap((hop) =>
    /^(ssh|ecdsa)-\S+ \S+/.test(text(hop["hostKey"]))
      ? []
      : [
          {
            resource: name,
            message: `the key of ${text(hop["host"]) || "a host"} is not pinned (connection.hostKey)`,
          },
        ],
  );
};

/** They replace a command, which runs its old delete after its new create. */
export const noTriggers = ({ type, name, props }: Declared): Violation[] =>
  type === COMMAND && props["triggers"] !== undefined && props["triggers"] !== null
    ? [{ resource: name, message: "has triggers: they replace it, and the old delete undoes the new create" }]
    : [];

const hasPassword = (domain: XmlElement): boolean =>
  elementsOf(find(domain, "devices"), "graphics").some(
    ({ attributes }) => attributes["passwd"] !== undefined,
  );

/** Secrets travel as secret inputs only: what a command is called with stands in states, logs and process lists. */
export const noPlainSecrets = ({ type, name, props }: Declared): Violation[] => {
  if (type !== COMMAND) return [];
  const connection = record(props["connection"]);
  const hops = [connection, record(connection["proxy"])];
  const secrets = hops
    .flatMap((hop) => ["privateKey", "privateKeyPassword", "password"].map((key) => text(hop[key])))
    .filter((secret) => secret.length > 3);
  const { connection: _, stdin: __, ...plain } = props;
  const words = JSON.stringify(plain);
  const { password } = inputOf(props);
  const definition = definitionOf(props);
  const said = [...secrets, ...(password.length > 3 ? [password] : [])];
  return [
    ...(said.some((secret) => words.includes(JSON.stringify(secret).slice(1, -1)))
      ? [{ resource: name, message: "holds a secret in an input that is no secret" }]
      : []),
    ...(definition?.ok === false
      ? [{ resource: name, message: `sends a definition that cannot be read: ${definition.problem}` }]
      : []),
    ...(definition?.ok && hasPassword(definition.root)
      ? [
          {
            resource: name,
            message: "defines a screen with a password, which anybody reads who reads the state",
          },
        ]
      : []),
  ];
};

/** A card belongs to one running guest at a time. */
export const noSharedRunningCard = (resources: readonly Declared[]): Violation[] => {
  const commands = resources.filter(({ type }) => type === COMMAND);
  const taken = new Map<string, string>();
  return commands.flatMap(({ name }) => {
    const [, host, domain] = /^(.+):run (.+)$/.exec(name) ?? [];
    const defined = commands.find((one) => one.name === `${host}:domain ${domain}`);
    const definition = defined && readExistingDomain(inputOf(defined.props).body);
    return (definition?.ok ? definition.value.functions : []).flatMap((address) => {
      const holder = taken.get(`${host} ${address}`);
      taken.set(`${host} ${address}`, domain ?? "");
      return holder === undefined || holder === domain
        ? []
        : [{ resource: name, message: `runs with ${address} of ${host}, which ${holder} runs with as well` }];
    });
  });
};

/** A host keeps its own display, unless its description says that it may lose it. */
export const bootDisplayKept = ({ type, name, props }: Declared): Violation[] => {
  if (type !== HOST || props["headless"] === true) return [];
  const displays = props["bootDisplays"];
  return Array.isArray(displays) && displays.length > 0
    ? [
        {
          resource: name,
          message: `hands its boot display ${displays.join(", ")} to guests without headless: true`,
        },
      ]
    : [];
};
