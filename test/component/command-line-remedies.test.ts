import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { probeHosts, type Probed } from "../../fleet/targets/probe.ts";
import { targetsOf, type SshOptions } from "../../fleet/targets/target.ts";
import { freePort, startSshd, type Sshd } from "../support/sshd.ts";

/** A host on the command line, as every command asks it: what is advised works there. */
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
beforeEach(() => {
  vi.stubEnv("HOME", home);
  vi.stubEnv("SSH_AUTH_SOCK", undefined);
});
afterEach(() => vi.unstubAllEnvs());

const ask = async (port: number, options: SshOptions): Promise<Probed | undefined> => {
  const sshConfig = join(home, "ssh_config");
  const [asked] = await probeHosts(
    await targetsOf(`${sshd.user}@127.0.0.1:${port}`, { sshConfig, ...options }),
  );
  return asked;
};
const refusal = async (port: number, options: SshOptions): Promise<string> => {
  const asked = await ask(port, options);
  return asked === undefined || asked.ok ? "" : asked.message;
};

test("an unknown host key: the option and the line for known_hosts that are advised let one in", async () => {
  const { port, privateKeyFile: identity } = sshd;
  const said = await refusal(port, { identity });
  const hostKey = /--host-key '([^']+)'/.exec(said)?.[1] ?? "";
  const line = /^ +(\[127\.0\.0\.1\]:.*)$/m.exec(said)?.[1] ?? "";
  expect(await ask(port, { identity, hostKey })).toMatchObject({ ok: true });
  writeFileSync(join(home, "known_hosts"), `${line}\n`);
  expect(await ask(port, { identity })).toMatchObject({ ok: true });
  writeFileSync(join(home, "known_hosts"), `${line.split(" ")[0]} ${sshd.otherHostKey}\n`);
  expect(await refusal(port, { identity })).toMatch(
    /wrong host key[^]*known_hosts: ssh-keygen -R '\[127\.0\.0\.1\]:/,
  );
});

test("whatever goes wrong, no setting of a stack file is named", async () => {
  const { port, hostKey, privateKeyFile: identity } = sshd;
  const said = await Promise.all([
    refusal(port, { identity, hostKey: sshd.otherHostKey }),
    refusal(port, { identity: sshd.strangerKeyFile, hostKey }),
    refusal(await freePort(), { identity, hostKey }),
    refusal(port, { identity: join(home, "nowhere"), hostKey }),
    refusal(port, { hostKey }),
    refusal(port, { identity: join(home, "ssh_config"), hostKey }),
    refusal(port, { identity, hostKey, sshConfig: join(home, "nowhere") }),
  ]);
  for (const text of said)
    expect(text).not.toMatch(/stack file|connection\.|hostKey|privateKeyFile|vfio-fleet:|pulumi/);
  expect(said).toEqual([
    expect.stringContaining("give the new one to --host-key"),
    expect.stringContaining("--identity FILE"),
    expect.stringContaining("user@host:port"),
    expect.stringContaining("--identity: cannot read"),
    expect.stringContaining("--identity: no private key is named"),
    expect.stringContaining("ssh-add FILE"),
    expect.stringContaining("--ssh-config: cannot look"),
  ]);
});
