import { afterAll, beforeAll, expect, test } from "vitest";
import { compareDomains } from "../../components/plan/domain/document/compare.ts";
import type { DomainInput } from "../../components/plan/domain/spec/schema.ts";
import { startHost, stopHost } from "../../lab/host.ts";
import { sshOutput, sshRun } from "../../lab/access/ssh.ts";
import { render, table } from "../fixtures/domain.ts";

const HOST = "test-domain-xml";

beforeAll(async () => {
  await startHost("lab-xeon", { as: HOST, fresh: true, lifetime: "process", onProgress: console.log });
  // libvirt opens a tap device to write down QEMU's arguments
  await sshOutput(HOST, "modprobe tun");
});
afterAll(async () => {
  await stopHost(HOST);
});

/** As the table has it, but for what a lab host lacks: KVM, a second NUMA node, USB devices, swtpm. */
const forLab = (input: DomainInput): DomainInput => ({
  ...input,
  virtualization: "qemu",
  cpu: undefined,
  pinning: undefined,
  tpm: "none",
  ...(input.usb && { usb: { ...input.usb, devices: [] } }),
});

const END = "--- end of what virsh printed ---";

test.each(Object.entries(table))(
  "%s: libvirt takes it, stores what was wanted, and makes QEMU's arguments of it",
  async (_, { input, given }) => {
    const xml = render(forLab(input), given);
    const { code, stdout, stderr } = await sshRun(
      HOST,
      `set -e; file=$(mktemp); cat >"$file"; virsh -q define --validate "$file" >/dev/null; virsh dumpxml --inactive win
     echo '${END}'; virsh domxml-to-native qemu-argv --domain win; virsh -q undefine --nvram win >/dev/null; rm "$file"`,
      { input: xml },
    );
    expect(`${code} ${stderr.trim()}`).toBe("0 ");
    const [stored = "", argv = ""] = stdout.split(END);
    expect(compareDomains(xml, stored)).toEqual([]);
    const functions = [...xml.matchAll(/functions="([^"]*)"/g)].flatMap(([, list = ""]) => list.split(" "));
    for (const address of functions) expect(argv).toContain(`"driver":"vfio-pci","host":"${address}"`);
    expect(argv).toContain(/<loader[^>]*>([^<]*)</.exec(xml)?.[1]);
  },
);
