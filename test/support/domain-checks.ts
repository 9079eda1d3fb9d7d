import { execa } from "execa";
import { expect, test } from "vitest";
import { bootGuest, guestSaid } from "./guests.ts";
import type { LabStack } from "./lab-stack.ts";

const REPOSITORY = new URL("../..", import.meta.url).pathname;
const MAIN = `${REPOSITORY}fleet/main.ts`;

/** Runs `vfio-fleet` as a person does. */
export const fleet = (...args: readonly string[]) =>
  execa("node", [MAIN, ...args], { preferLocal: true, localDir: REPOSITORY, reject: false });

/** A small emulated domain of the lab without a disk. */
export const labDomain = (more: object): object => ({
  profile: "reference",
  virtualization: "qemu", // The lab's processors have no virtualization.
  memory: "192 MiB",
  topology: { sockets: 1, cores: 1, threads: 1 },
  networks: [],
  usb: { controller: "none" },
  disks: [],
  ...more,
});

type Changes = Readonly<Record<"alpha" | "beta", object>>;

/** Two domains that list one card: alpha is to run, beta is started by switches only. Both shut down on request. */
export const sharingDomains = (
  card: string,
  changes: Partial<Changes> = {},
): Readonly<Record<string, object>> => {
  const shared = (name: "alpha" | "beta", more: object): object =>
    labDomain({
      gpus: [card],
      patch: bootGuest(name, "button"),
      shutdownTimeoutSeconds: 240,
      cdroms: ["empty"],
      ...more,
      ...changes[name],
    });
  // The next up does not undo a start by hand or by switch.
  return {
    alpha: shared("alpha", {
      state: "running",
      networks: [{ type: "network" }],
      balloon: { statsSeconds: 5 },
    }),
    beta: shared("beta", {}),
  };
};

/** What must stay the same for a domain: its UUID, its NVRAM, its process. */
const identity = async (stack: LabStack, domain: string): Promise<readonly string[]> => [
  await stack.read(`virsh -q domuuid ${domain}`),
  await stack.read(`sha256sum </var/lib/libvirt/qemu/nvram/${domain}_VARS.fd`),
  await stack.read(`cat /run/libvirt/qemu/${domain}.pid`),
];

/**
 * The tests of domains that change and share a card, on a host that has the `sharingDomains`.
 * @param describe the stack's description with these changes to alpha and beta
 */
export const checkSharingDomains = (
  given: () => LabStack,
  card: string,
  describe: (changes: Partial<Changes>) => void,
): void => {
  const state = (domain: string): Promise<string> => given().read(`virsh -q domstate ${domain}`);

  test("an edit of a running domain keeps UUID, NVRAM and process; changes that can apply at once do, the others are pending", async () => {
    const stack = given();
    await guestSaid(stack.host, "alpha", "guest: up");
    const before = await identity(stack, "alpha");
    await stack.read(
      "dd if=/dev/zero of=/var/lib/libvirt/images/tools.iso bs=1k count=64 2>/dev/null; printf CD001 | dd of=/var/lib/libvirt/images/tools.iso bs=1 seek=32769 conv=notrunc 2>/dev/null",
    );
    describe({
      alpha: {
        memory: "256 MiB",
        cdroms: ["/var/lib/libvirt/images/tools.iso"],
        networks: [{ type: "network", link: "down" }],
        balloon: { statsSeconds: 9 },
        autostart: true,
      },
    });
    const preview = await stack.preview();
    expect(preview.output).toMatch(
      /alpha runs on and gets at once: .*disk\[hda\]\/source.*\/link.*stats\/@period: 5 -> 9/,
    );
    const waits = /alpha runs on; pending until its next start: memory: 196608 -> 262144(?!; )/;
    expect(preview.output).toMatch(waits);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(output).toMatch(/pending[^]*memory: 196608 -> 262144/);
    expect(output).toMatch(/ssh -N -p \d+ -L 59\d\d:127\.0\.0\.1:59\d\d root@127\.0\.0\.1/);
    expect(await identity(stack, "alpha")).toEqual(before);
    expect(await stack.read("virsh -q domblklist alpha")).toMatch(
      /^ *hda +\/var\/lib\/libvirt\/images\/tools\.iso$/m,
    );
    expect(
      await stack.read("virsh -q domif-getlink alpha $(virsh -q domiflist alpha | awk '{ print $1 }')"),
    ).toMatch(/ down$/);
    expect(await stack.read("virsh dumpxml alpha | grep '<stats '")).toContain("period='9'");
    expect(await stack.read("virsh dominfo alpha | grep -E '^(Autostart|Max memory)'")).toMatch(
      /Max memory: +196608 KiB\nAutostart: +enable/,
    );
    expect(await stack.read("virsh dumpxml --inactive alpha | grep '<memory'")).toContain("262144");
    const clean = await stack.preview("--expect-no-changes");
    expect(clean.code, clean.output).toBe(0);
    expect(clean.output).toMatch(waits);
  });

  test("on request the domain is shut down gracefully and started again with the pending changes", async () => {
    const stack = given();
    const [uuid, , pid] = await identity(stack, "alpha");
    describe({ alpha: { memory: "256 MiB", restart: "when-needed" } });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    const [uuidNow, , pidNow] = await identity(stack, "alpha");
    expect(uuidNow).toBe(uuid);
    expect(pidNow).not.toBe(pid);
    expect(await stack.read("virsh dominfo alpha | grep '^Max memory'")).toContain("262144 KiB");
    // libvirt logs who ended the domain: the guest.
    expect(await stack.read("grep -o 'shutting down, reason=.*' /var/log/libvirt/qemu/alpha.log")).toBe(
      "shutting down, reason=shutdown",
    );
    const clean = await stack.preview("--expect-no-changes");
    expect(clean.code, clean.output).toBe(0);
    expect(clean.output).not.toContain("pending until");
  });

  test("a second domain with the card does not start, and the message names the holder", async () => {
    const stack = given();
    const refused = await stack.read("virsh start beta 2>&1 || true");
    expect(refused).toContain(`beta cannot start: card ${card} (`);
    expect(refused).toContain("is in use by alpha");
    expect([await state("alpha"), await state("beta")]).toEqual(["running", "shut off"]);
    const assigned = await fleet("gpu", "assign", card, "--to", "beta", "--stack", stack.host);
    expect(assigned.stderr).toMatch(/in use by alpha: switch it, or release it first/);
    expect(assigned.exitCode).toBe(1);
  });

  test("switch moves the card, even with two switches in parallel", async () => {
    const stack = given();
    await guestSaid(stack.host, "alpha", "guest: up", 2);
    // From now on the switch decides what runs.
    const both = await Promise.all(
      [1, 2].map(() => fleet("gpu", "switch", card, "--to", "beta", "--stack", stack.host)),
    );
    expect(both.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    expect(both.map(({ stdout }) => stdout).sort()).toEqual([
      expect.stringContaining("alpha: shutting down"),
      expect.stringContaining("beta: runs with it already"),
    ]);
    expect([await state("alpha"), await state("beta")]).toEqual(["shut off", "running"]);
    const listed = await fleet("gpu", "list", stack.host);
    expect(listed.stdout).toMatch(new RegExp(`${card} .* beta `));
  });

  test("if the target does not start, the first domain runs again", async () => {
    const stack = given();
    await guestSaid(stack.host, "beta", "guest: up");
    const before = await stack.read("cat /run/libvirt/qemu/beta.pid");
    await stack.read(
      "mv /var/lib/libvirt/qemu/nvram/alpha_VARS.fd /root/ && mkdir /var/lib/libvirt/qemu/nvram/alpha_VARS.fd",
    );
    const failed = await fleet("gpu", "switch", card, "--to", "alpha", "--stack", stack.host);
    await stack.read(
      "rmdir /var/lib/libvirt/qemu/nvram/alpha_VARS.fd && mv /root/alpha_VARS.fd /var/lib/libvirt/qemu/nvram/",
    );
    expect(failed.stderr).toMatch(/alpha did not start: [^]*beta is running again/);
    expect(failed.exitCode).toBe(1);
    expect([await state("alpha"), await state("beta")]).toEqual(["shut off", "running"]);
    expect(await stack.read("cat /run/libvirt/qemu/beta.pid")).not.toBe(before);
  });

  test("an up that has to start the other domain refuses while the card is held, and continues after a release", async () => {
    const stack = given();
    const refused = await stack.preview();
    expect(refused.output).toMatch(
      new RegExp(
        `alpha is to run with card ${card}, which the running domain beta has[^]*gpu release ${card}`,
      ),
    );
    expect(refused.code).not.toBe(0);
    const released = await fleet("gpu", "release", card, "--stack", stack.host, "--timeout", "1", "--force");
    expect(released.stdout).toMatch(/beta: shut off/);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect([await state("alpha"), await state("beta")]).toEqual(["running", "shut off"]);
  });
};
