import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";

/** The keys that ssh tries when it is told of none, in its order (ssh_config(5), IdentityFile). */
export const DEFAULT_KEYS = ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk"].map(
  (type) => `~/.ssh/id_${type}`,
);

/** A private key that can be used, or why the file cannot be; undefined where there is none. */
export type FoundKey = { readonly privateKey: string } | { readonly unfit: string };

/** Reads a key that nobody named: what is not there, or is for somebody else, is passed over. */
export const findKey = (path: string, passphrase: string | undefined): FoundKey | undefined => {
  let privateKey: string;
  try {
    privateKey = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const key = ssh2.utils.parseKey(privateKey, passphrase);
  if (!(key instanceof Error)) return { privateKey };
  if (/no passphrase given/i.test(key.message)) return { unfit: "it has a passphrase" };
  if (/passphrase|integrity|decrypt/i.test(key.message)) return { unfit: "its passphrase is another one" };
  // a security key's file holds no private key, only the key's own handle
  return { unfit: path.endsWith("_sk") ? "its security key is used by an agent alone" : key.message };
};

/** Whether an agent answers and holds keys (ssh-add(1): status 0; 1 without keys, 2 without an agent). */
export const agentHasKeys = (socket: string): boolean => {
  try {
    execFileSync("ssh-add", ["-l"], { stdio: "pipe", env: { ...process.env, SSH_AUTH_SOCK: socket } });
    return true;
  } catch (error) {
    const { status } = error as { status?: number | null };
    // without the program nobody knows
    return status !== 1 && status !== 2;
  }
};
