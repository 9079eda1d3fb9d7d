import { z } from "zod";
import { lineSchema } from "../facts/text.ts";

const hop = {
  // both become parts of a URI and of arguments
  host: z
    .string()
    .regex(/^[A-Za-z0-9_.:[][A-Za-z0-9_.:%\]-]*$/, "expected a name or an address")
    .describe("name or address; with sshConfig: the Host entry's name"),
  port: z.int().min(1).max(65_535).optional().describe("22 unless sshConfig says otherwise"),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@$\\-]*$/, "expected a login name")
    .optional()
    .describe("root unless sshConfig says otherwise"),
  hostKey: z
    .string()
    .regex(
      /^(ssh|ecdsa)-[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\p{Cc}\p{Zl}\p{Zp}]*)?$/u,
      "expected a public key line such as 'ssh-ed25519 AAAA…'",
    )
    .optional()
    .describe("the host's public key, as /etc/ssh/ssh_host_ed25519_key.pub holds it"),
  privateKeyFile: lineSchema
    .optional()
    .describe(
      "path of the private key; without it an SSH agent and the keys that ssh tries by itself, such as ~/.ssh/id_ed25519",
    ),
};

/** How a host is reached. Keys are paths or an agent's, never text in a stack file. */
export const connectionSchema = z.strictObject({
  ...hop,
  sshConfig: lineSchema
    .optional()
    .describe(
      "an ssh_config file to look `host` up in (HostName, Port, User, IdentityFile, known hosts, ProxyJump)",
    ),
  proxy: z.strictObject(hop).optional().describe("a jump host"),
});
export type HopSpec = z.infer<ReturnType<typeof z.strictObject<typeof hop>>>;
export type ConnectionSpec = z.infer<typeof connectionSchema>;

/** Secrets of one host; they live in the stack's `vfio-fleet:secrets`, encrypted. */
export const connectionSecretsSchema = z.strictObject({
  sudoPassword: z.string().optional(),
  privateKeyPassphrase: z.string().optional(),
});
export type ConnectionSecrets = z.infer<typeof connectionSecretsSchema>;
