import { spawn, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentSchema, type FactsDocument } from "../../fleet/targets/facts-file/document.ts";
import { startHost, stopHost } from "../../lab/host.ts";
import type { HostName } from "../../lab/hosts.ts";
import { sshOutput } from "../../lab/access/ssh.ts";

const hosts = {
  "lab-xeon": { as: "inspect-xeon", unit: /^dmar\d+$/ },
  "lab-fx8350": { as: "inspect-fx8350", unit: /^ivhd\d+$/ },
} as const satisfies Partial<Record<HostName, { as: string; unit: RegExp }>>;

/** The program itself, over a real SSH connection. */
const inspect = (sshConfig: string, target: string): { document: FactsDocument; status: number | null } => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["fleet/main.ts", "inspect", target, "--ssh-config", sshConfig, "--json", "--unmasked"],
    { encoding: "utf8", timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
  );
  if (stdout === "") throw new Error(stderr);
  return { document: documentSchema.parse(JSON.parse(stdout)), status };
};

describe.each(Object.entries(hosts))("%s", (description, { as, unit }) => {
  let sshConfig = "";
  beforeAll(async () => {
    const host = await startHost(description as keyof typeof hosts, {
      as,
      fresh: true,
      lifetime: "process",
      onProgress: console.log,
    });
    ({ sshConfig } = host);
  });
  afterAll(() => stopHost(as));

  test("IOMMU groups are those that a plain shell loop prints", async () => {
    const loop = await sshOutput(
      as,
      'for d in /sys/kernel/iommu_groups/*/devices/*; do g=${d%/devices/*}; echo "${g##*/} ${d##*/}"; done',
    );
    const { document, status } = inspect(sshConfig, as);
    const [host] = document.hosts;
    const grouped = host?.facts.pci.filter((device) => device.iommuGroup !== null) ?? [];
    expect(status).toBe(0);
    expect(grouped.map((device) => `${device.iommuGroup} ${device.address}`).toSorted()).toEqual(
      loop.trim().split("\n").toSorted(),
    );
    expect(grouped.length).toBeGreaterThan(4);
    expect(host?.facts.iommu.units).toEqual([expect.stringMatching(unit)]);
  });

  test("ids, drivers, parameters and the stand-in's verdict are those of the host", async () => {
    const { document } = inspect(sshConfig, as);
    const [host] = document.hosts;
    const drivers = await sshOutput(
      as,
      'for d in /sys/bus/pci/devices/*; do echo "${d##*/} $(cat $d/vendor $d/device | tr "\\n" " ")$(basename "$(readlink $d/driver)")"; done',
    );
    expect(
      host?.facts.pci.map(({ address, id, driver }) =>
        `${address} 0x${id.replace(":", " 0x")} ${driver ?? ""}`.trim(),
      ),
    ).toEqual(
      drivers
        .split("\n")
        .filter(Boolean)
        .map((line) => line.trim()),
    );
    const bits = await sshOutput(as, "cat /sys/module/kvm/parameters/ignore_msrs 2>/dev/null || echo none");
    expect(host?.facts.moduleParameters["kvm"]?.["ignore_msrs"] ?? "none").toBe(bits.trim());
    expect(host?.cards?.find(({ address }) => address === "0000:01:00.0")).toMatchObject({
      verdict: "possible",
      functions: ["0000:01:00.0", "0000:01:00.1"],
    });
    expect(host?.facts.survey?.kernelLog?.complete).toBe(true);
  });

  test("a plain user gets groups and cards, and is told what is not known", () => {
    const { document, status } = inspect(sshConfig, `nosudo@${as}`);
    const [host] = document.hosts;
    expect(status).toBe(0);
    expect(host?.facts).toMatchObject({ user: "nosudo", privilege: "none" });
    expect(host?.facts.iommu.groups).toBeGreaterThan(4);
    expect(host?.facts.survey).not.toHaveProperty("bootFramebuffer");
    expect(host?.facts.survey).not.toHaveProperty("paths");
    expect(host?.facts.survey).not.toHaveProperty("holders");
  });

  test("watch tells a line of the kernel's log as it comes, and the cards beside it", async () => {
    const child = spawn(
      process.execPath,
      ["fleet/main.ts", "watch", as, "--ssh-config", sshConfig, "--interval", "1"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise<number | null>((resolve) => {
      child.once("exit", (code) => resolve(code));
    });
    let said = "";
    const heard = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!said.includes(text)) return;
          child.stdout.off("data", look);
          resolve();
        };
        child.stdout.on("data", look);
        look();
      });
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await heard("01:00.0");
    const line = "AER: Corrected error received: 0000:01:00.0";
    expect(said).not.toContain(line);
    await sshOutput(as, `echo "<4>pcieport 0000:00:02.0: ${line}" >/dev/kmsg`);
    await heard(line);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  });

  test("looking leaves the host as it was", async () => {
    const state =
      "find /etc /boot /var/lib/vfio-fleet /run/libvirt -newer /tmp/before -type f 2>/dev/null; cat /proc/sys/kernel/random/boot_id";
    await sshOutput(as, "sleep 1; touch /tmp/before; sleep 1");
    const before = await sshOutput(as, state);
    inspect(sshConfig, as);
    expect(await sshOutput(as, state)).toBe(before);
  });
});
