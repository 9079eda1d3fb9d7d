/** The lab's SSH keys: one login key pair, and one host key for all hosts, made once a cache. */
import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withLock } from "../machine/lock.ts";
import { keysDir } from "../paths.ts";

export interface LabKeys {
  /** Path of the private login key. */
  readonly identityFile: string;
  /** The public login key, one authorized_keys line. */
  readonly publicKey: string;
  /** The hosts' private key, as the text of its file. */
  readonly hostKey: string;
  /** The hosts' public key, `ssh-ed25519 AAAA…`. */
  readonly hostPublicKey: string;
}

export const labKeys = async (): Promise<LabKeys> => {
  if (!existsSync(keysDir())) await withLock("keys", makeKeys);
  const read = async (name: string): Promise<string> =>
    (await readFile(join(keysDir(), name), "utf8")).trim();
  return {
    identityFile: join(keysDir(), "id_ed25519"),
    publicKey: await read("id_ed25519.pub"),
    hostKey: await read("host_ed25519"),
    hostPublicKey: await read("host_ed25519.pub"),
  };
};

const makeKeys = async (): Promise<void> => {
  if (existsSync(keysDir())) return;
  await mkdir(dirname(keysDir()), { recursive: true });
  const aside = await mkdtemp(`${keysDir()}.`);
  try {
    for (const [file, comment] of [
      ["id_ed25519", "vfio-fleet lab"],
      ["host_ed25519", "vfio-fleet lab hosts"],
    ] as const) {
      await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", join(aside, file)]);
    }
    await rename(aside, keysDir());
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
};
