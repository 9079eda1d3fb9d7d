import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveConnection } from "../../components/ssh/connection.ts";
import { runOnHost } from "../../components/ssh/session.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";

/** Which key is used where the stack names none, in a home folder of the test's own. */
let home: string;
let keys: string;
const PASSPHRASE = "open sesame";

beforeAll(() => {
  keys = mkdtempSync(join(tmpdir(), "vfio-fleet-keys-"));
  for (const type of ["rsa", "ecdsa", "ed25519"]) {
    const [plain, locked] = [join(keys, `plain_${type}`), join(keys, `locked_${type}`)];
    const size = type === "rsa" ? ["-b", "2048"] : [];
    execFileSync("ssh-keygen", ["-q", "-t", type, ...size, "-N", "", "-f", plain]);
    copyFileSync(plain, locked);
    execFileSync("ssh-keygen", ["-q", "-p", "-a", "1", "-P", "", "-N", PASSPHRASE, "-f", locked]);
  }
});
afterAll(() => rmSync(keys, { recursive: true }));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "vfio-fleet-home-"));
  mkdirSync(join(home, ".ssh"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("SSH_AUTH_SOCK", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const have = (kind: "plain" | "locked", ...types: readonly string[]): void => {
  for (const type of types) copyFileSync(join(keys, `${kind}_${type}`), join(home, ".ssh", `id_${type}`));
};
const spec = { host: "192.0.2.1" };
const found = (more: object = {}, secrets = {}, from: "stack" | "command line" = "stack") => {
  const result = resolveConnection("hosts.a.connection", { ...spec, ...more }, secrets, from);
  return result.ok ? result.value : result.problems[0];
};

describe.each([
  ["a stack without ssh_config", {}],
  ["a host on the command line, ssh's own defaults", { sshConfig: "/dev/null" }],
])("without an agent, %s", (_, more) => {
  test.each(["rsa", "ecdsa", "ed25519"])("the default key of type %s", (type) => {
    have("plain", type);
    expect(found(more)).toMatchObject({ auth: { kind: "key", path: `~/.ssh/id_${type}` } });
  });

  test("one with a passphrase is passed over, and said where the login is refused", () => {
    have("locked", "rsa");
    have("plain", "ed25519");
    writeFileSync(join(home, ".ssh", "id_ecdsa"), "no key");
    expect(found(more)).toMatchObject({
      auth: { path: "~/.ssh/id_ed25519" },
      described: {
        passedOver: ["~/.ssh/id_rsa (it has a passphrase)", expect.stringMatching(/^~\/\.ssh\/id_ecdsa \(/)],
      },
    });
  });

  test("the stack's passphrase opens it; another does not", () => {
    have("locked", "ed25519");
    const privateKeyPassphrase = PASSPHRASE;
    expect(found(more, { privateKeyPassphrase })).toMatchObject({
      auth: { path: "~/.ssh/id_ed25519", passphrase: PASSPHRASE },
    });
    expect(found(more, { privateKeyPassphrase: "other" })).toMatchObject({
      problem: expect.stringContaining("~/.ssh/id_ed25519 (its passphrase is another one)"),
    });
  });

  test("none that can be used: each with why, and what the person can say there", () => {
    have("locked", "ed25519");
    writeFileSync(join(home, ".ssh", "id_ed25519_sk"), "a handle");
    const stack = {
      path: "hosts.a.connection.privateKeyFile",
      problem:
        "no private key is named, no SSH agent is running (SSH_AUTH_SOCK is not set), and of the keys that ssh tries by itself " +
        "none can be used: ~/.ssh/id_ed25519 (it has a passphrase), ~/.ssh/id_ed25519_sk (its security key is used by an agent alone)",
      remedy: expect.stringMatching(/^set privateKeyFile .* ssh-add/),
    };
    expect(found(more)).toEqual(stack);
    expect(found(more, {}, "command line")).toEqual({
      ...stack,
      path: "--identity",
      remedy: expect.stringMatching(/--identity FILE.* ssh-add/),
    });
  });

  test("none at all", () => {
    expect(found(more)).toMatchObject({ problem: expect.stringContaining("such as ~/.ssh/id_ed25519") });
  });
});

describe("with an agent", () => {
  let agent: ChildProcess;
  let socket: string;
  beforeEach(async () => {
    socket = join(home, "agent");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    await vi.waitUntil(() => existsSync(socket), { timeout: 20_000 });
    vi.stubEnv("SSH_AUTH_SOCK", socket);
  });
  afterEach(() => agent.kill());
  const add = (type: string): void =>
    void execFileSync("ssh-add", ["-q", join(keys, `plain_${type}`)], { stdio: "ignore" });

  test("one that holds a key is asked", () => {
    have("plain", "ed25519");
    add("rsa");
    expect(found()).toMatchObject({ auth: { kind: "agent", socket } });
  });

  test("an empty or a dead one counts as none where there is a key", () => {
    have("plain", "ed25519");
    expect(found()).toMatchObject({ auth: { path: "~/.ssh/id_ed25519" } });
    vi.stubEnv("SSH_AUTH_SOCK", join(home, "nobody"));
    expect(found()).toMatchObject({ auth: { path: "~/.ssh/id_ed25519" } });
  });

  test("it is asked for a key whose file has a passphrase", () => {
    have("locked", "ed25519");
    add("ed25519");
    for (const more of [{}, { sshConfig: "/dev/null" }])
      expect(found(more)).toMatchObject({
        auth: { kind: "agent" },
        described: { passedOver: ["~/.ssh/id_ed25519 (it has a passphrase)"] },
      });
  });
});

describe("a lab host that is not up", () => {
  test.each(["stack", "command line"] as const)("says so, with the line that starts it: %s", (from) => {
    have("plain", "ed25519");
    // neither without the lab's file nor with one of other hosts
    expect(found({ host: "lab-none", sshConfig: ".lab/ssh_config" }, {}, from)).toEqual({
      path: "hosts.a.connection",
      problem: "the lab host lab-none is not up",
      remedy: "start the lab host: npm run lab -- up lab-none",
    });
  });

  test("the demo's is started by the demo as well", () => {
    expect(found({ host: "lab-xeon", sshConfig: ".lab/of-no-host" })).toMatchObject({
      remedy: "start the lab host: npm run lab -- up lab-xeon, or npm run demo",
    });
  });
});

describe("a real server", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  const run = () => {
    const { port, user, hostKey } = sshd;
    const result = resolveConnection("c", { host: "127.0.0.1", port, user, hostKey });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return runOnHost(result.value, "echo in", "");
  };

  test("lets the default key in", async () => {
    copyFileSync(sshd.privateKeyFile, join(home, ".ssh", "id_ed25519"));
    expect((await run()).stdout).toEqual(Buffer.from("in\n"));
  });

  test("that refuses it: the key, and the one that was not tried", async () => {
    have("locked", "rsa");
    have("plain", "ed25519");
    await expect(run()).rejects.toThrow(
      /refused the key ~\/\.ssh\/id_ed25519; not tried: ~\/\.ssh\/id_rsa \(it has a passphrase\)/,
    );
  });
});
