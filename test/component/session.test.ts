import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectionSpec } from "../../components/ssh/connection-schema.ts";
import { resolveConnection } from "../../components/ssh/connection.ts";
import { askHost } from "../../components/probe/ask.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import { openHost, runOnHost, type RunResult } from "../../components/ssh/session.ts";
import { connectionTo, freePort, startSshd, type Sshd } from "../support/sshd.ts";

let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const spec = (changes: Partial<ConnectionSpec> = {}): ConnectionSpec => ({
  ...connectionTo(sshd),
  ...changes,
});

const resolved = (wanted: ConnectionSpec) => {
  const result = resolveConnection("connection", wanted);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const run = (wanted: ConnectionSpec, command: string, input = ""): Promise<RunResult> =>
  runOnHost(resolved(wanted), command, input);
const without = (wanted: ConnectionSpec, key: keyof ConnectionSpec): ConnectionSpec => {
  const { [key]: _, ...rest } = wanted;
  return { ...rest, host: wanted.host };
};

describe("a reachable host", () => {
  test("a command gets its input and returns its outputs and exit status", async () => {
    expect(await run(spec(), "cat; echo bad >&2; exit 3", "over stdin\0\n")).toEqual({
      code: 3,
      stdout: Buffer.from("over stdin\0\n"),
      stderr: "bad\n",
    });
  });

  test("megabytes of output arrive completely", async () => {
    const { stdout } = await run(spec(), "head -c 5000000 /dev/zero | tr '\\0' x; echo END");
    expect(stdout.length).toBe(5_000_004);
    expect(Buffer.from(stdout).toString().endsWith("xEND\n")).toBe(true);
  });

  test("a jump host works, with both keys pinned", async () => {
    const { sshConfig: _, proxy: __, ...hop } = spec();
    expect((await run(spec({ proxy: hop }), "echo $((6 * 7))")).stdout).toEqual(Buffer.from("42\n"));
    await expect(run(spec({ proxy: { ...hop, hostKey: sshd.otherHostKey } }), "true")).rejects.toThrow(
      "wrong host key",
    );
  });

  test("the probe answers with facts", async () => {
    const facts = await probeHost(resolved(spec()), {
      files: ["/etc/hostname", "/nowhere"],
      exists: ["/etc/passwd", "/nowhere"],
      packages: [],
      parameters: [],
    });
    expect(facts.user).toBe(sshd.user);
    expect(Object.keys(facts.files)).toContain("/etc/hostname");
    expect(facts.files).not.toHaveProperty("/nowhere");
    expect(facts.exists).toEqual(["/etc/passwd"]);
    expect(facts.bootId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("one clear error", () => {
  test("an unknown host key is shown, with the setting that approves it", async () => {
    await expect(run(without(spec(), "hostKey"), "true")).rejects.toThrow(
      new RegExp(
        `its host key is unknown[^]*ssh-keygen -lf[^]*hostKey: "${sshd.hostKey.replaceAll(/[+/]/g, ".")}"`,
      ),
    );
  });

  test("a wrong host key is shown with both fingerprints", async () => {
    await expect(run(spec({ hostKey: sshd.otherHostKey }), "true")).rejects.toThrow(
      /wrong host key: it shows SHA256:\S+, expected SHA256:\S+[^]*reinstalled/,
    );
  });

  test("a pinned key has another type than the host's", async () => {
    const ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==";
    await expect(run(spec({ hostKey: ecdsa }), "true")).rejects.toThrow(/hostKey pins/);
  });

  test("the host does not accept the login key", async () => {
    await expect(run(spec({ privateKeyFile: sshd.strangerKeyFile }), "true")).rejects.toThrow(
      /refused the key .*stranger[^]*authorized_keys/,
    );
  });

  test("nothing listens on the port", async () => {
    await expect(run(spec({ port: await freePort() }), "true")).rejects.toThrow(
      /connection refused[^]*sshd runs/,
    );
  });

  test("the name does not resolve", async () => {
    await expect(run(spec({ host: "no-such-host.invalid" }), "true")).rejects.toThrow(/cannot be resolved/);
  });

  test("a missing key file is an error before any connection", () => {
    expect(resolveConnection("hosts.xeon.connection", spec({ privateKeyFile: "/nowhere/key" }))).toEqual({
      ok: false,
      problems: [expect.objectContaining({ path: "hosts.xeon.connection.privateKeyFile" })],
    });
  });

  test("a missing ssh_config is an error", () => {
    expect(resolveConnection("c", spec({ sshConfig: "/nowhere/config" }))).toMatchObject({
      ok: false,
      problems: [{ path: "c.sshConfig", problem: expect.stringContaining("/nowhere/config") }],
    });
  });
});

test("a host that accepts the login and never answers", async () => {
  const host = await openHost(resolved(spec()));
  const asked = askHost(
    resolved(spec()),
    { files: [], exists: [], packages: [], parameters: [] },
    // The probe is sent to a program that prints nothing.
    Promise.resolve({ ask: (script) => host.run("sleep 60", script), end: host.end }),
    100,
  );
  await expect(asked).rejects.toThrow(/let us in and then did not answer for 0\.1 s[^]*state D/);
});

test("a host that does not answer as the probe does", async () => {
  const talking = await startSshd(["ForceCommand printf '\\033[2Jhello'"]);
  try {
    const connection = resolved(
      spec({ port: talking.port, hostKey: talking.hostKey, privateKeyFile: talking.privateKeyFile }),
    );
    const asked = probeHost(connection, { files: [], exists: [], packages: [], parameters: [] });
    await expect(asked).rejects.toThrow(/something else than the probe/);
    // A host's output never reaches the terminal unescaped.
    await expect(asked).rejects.not.toThrow("\u001b");
  } finally {
    await talking.stop();
  }
});
