import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, startSshd, type Sshd } from "../support/sshd.ts";

/** The program with a host on its command line: what it advises works there. */
const MAIN = new URL("../../fleet/main.ts", import.meta.url).pathname;

let sshd: Sshd;
let home: string;
beforeAll(async () => {
  sshd = await startSshd();
  home = mkdtempSync(join(tmpdir(), "vfio-fleet-home-"));
  writeFileSync(join(home, "ssh_config"), `UserKnownHostsFile ${join(home, "known_hosts")}\n`);
  writeFileSync(join(home, "known_hosts"), "");
});
afterAll(async () => {
  await sshd.stop();
  rmSync(home, { recursive: true });
});

const inspect = (port: number, identity: string | undefined, ...more: readonly string[]) =>
  execa(
    process.execPath,
    [
      MAIN,
      "inspect",
      `${sshd.user}@127.0.0.1:${port}`,
      "--ssh-config",
      join(home, "ssh_config"),
      ...(identity === undefined ? [] : ["--identity", identity]),
      ...more,
    ],
    { reject: false, env: { HOME: home, SSH_AUTH_SOCK: undefined } },
  );

test("an unknown host key: the option and the line for known_hosts that are advised let one in", async () => {
  const { port, privateKeyFile } = sshd;
  const { stderr, exitCode } = await inspect(port, privateKeyFile);
  expect(exitCode).toBe(2);
  const key = /--host-key '([^']+)'/.exec(stderr)?.[1] ?? "";
  const line = /^ +(\[127\.0\.0\.1\]:.*)$/m.exec(stderr)?.[1] ?? "";
  expect(await inspect(port, privateKeyFile, "--host-key", key)).toMatchObject({ exitCode: 0, stderr: "" });
  writeFileSync(join(home, "known_hosts"), `${line}\n`);
  expect(await inspect(port, privateKeyFile)).toMatchObject({ exitCode: 0, stderr: "" });
  writeFileSync(join(home, "known_hosts"), `${line.split(" ")[0]} ${sshd.otherHostKey}\n`);
  expect((await inspect(port, privateKeyFile)).stderr).toMatch(
    /wrong host key[^]*known_hosts: ssh-keygen -R '\[127\.0\.0\.1\]:/,
  );
});

test("whatever goes wrong, no setting of a stack file is named", async () => {
  const { port, hostKey, privateKeyFile, strangerKeyFile } = sshd;
  const known = ["--host-key", hostKey];
  const tried = await Promise.all([
    inspect(port, privateKeyFile, "--host-key", sshd.otherHostKey),
    inspect(port, strangerKeyFile, ...known),
    inspect(await freePort(), privateKeyFile, ...known),
    inspect(port, join(home, "nowhere"), ...known),
    inspect(port, undefined, ...known),
    inspect(port, join(home, "ssh_config"), ...known),
  ]);
  const said = tried.map(({ stderr }) => stderr);
  for (const text of said)
    expect(text).not.toMatch(/stack file|connection\.|hostKey|privateKeyFile|vfio-fleet:|pulumi/);
  expect(said).toEqual([
    expect.stringContaining("give the new one to --host-key"),
    expect.stringContaining("--identity FILE"),
    expect.stringContaining("user@host:port"),
    expect.stringContaining("--identity: cannot read"),
    expect.stringContaining("--identity: no private key is named"),
    expect.stringContaining("ssh-add FILE"),
  ]);
});
