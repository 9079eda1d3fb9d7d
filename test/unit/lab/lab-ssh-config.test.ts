import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { renderSshConfig } from "../../../lab/access/ssh-config.ts";

const folder = mkdtempSync(join(tmpdir(), "lab ssh%h-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The settings that the ssh client derives from the text. */
const resolve = (text: string, host: string): Record<string, string> => {
  const file = join(folder, "ssh_config");
  writeFileSync(file, text);
  const lines = execFileSync("ssh", ["-G", "-F", file, host], { encoding: "utf8" }).trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
  );
};

const text = renderSshConfig(
  [
    { name: "lab-xeon", port: 40001 },
    { name: "lab-four", port: 40002 },
  ],
  { identityFile: join(folder, "key"), knownHostsFile: join(folder, "known_hosts") },
);

test("ssh resolves each host to its port, with the lab's key and pinned host key", () => {
  expect(resolve(text, "lab-xeon")).toMatchObject({
    hostname: "127.0.0.1",
    port: "40001",
    user: "root",
    identityfile: join(folder, "key").replaceAll("%", "%%"),
    identitiesonly: "yes",
    userknownhostsfile: join(folder, "known_hosts"),
    stricthostkeychecking: "true",
    hostkeyalias: "vfio-fleet-lab",
  });
  expect(resolve(text, "lab-four")["port"]).toBe("40002");
});

test("settings of other hosts do not change", () => {
  expect(resolve(text, "lab-six")).toMatchObject({ hostname: "lab-six", port: "22" });
});
