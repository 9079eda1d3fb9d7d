import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BedHost } from "../test/support/bed/bed.ts";

/** The files that the job leaves on a host. */
export interface JobFiles {
  /** Folders of the files that a fresh host does not have. */
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly mode: string }[];
  readonly block: string;
}

const block = (host: BedHost): string =>
  host.run("sed -n '/^# BEGIN vfio-fleet/,/^# END vfio-fleet/p' /etc/libvirt/qemu.conf | sed '1d;$d'");

/** Takes the job's files from a host that vfio-fleet has set up. */
export const takeJob = (host: BedHost, folder: string): JobFiles => {
  mkdirSync(join(folder, "files"), { recursive: true });
  const paths = host
    .run("cd /var/lib/vfio-fleet/receipts && ls -d %* | tr % /")
    .split("\n")
    .filter((path) => path !== "/etc/libvirt/qemu.conf");
  const files = paths.map((path) => {
    writeFileSync(join(folder, "files", path.replaceAll("/", "%")), readFileSync(join(host.root, path)));
    return { path, mode: host.run(`stat -c %a ${path}`) };
  });
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  const job = { folders, files, block: block(host) };
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  return job;
};

/**
 * Checks from outside that the host is as the job wants it: every file byte by byte, and one reboot.
 * @throws with the differences and the tool that left them
 */
export const checkHost = (host: BedHost, job: JobFiles, folder: string, who: string): void => {
  const found = host.run(
    "cat /proc/cmdline; readlink /sys/bus/pci/devices/0000:01:00.[01]/driver; wc -l </var/log/reboots",
  );
  if (!/intel_iommu=on iommu=pt[^]*vfio-pci\n.*vfio-pci\n1$/.test(found))
    throw new Error(`${who} left ${host.name} as:\n${found}`);
  const modes = host.run(`stat -c %a ${job.files.map(({ path }) => path).join(" ")}`).split("\n");
  for (const [index, { path, mode }] of job.files.entries()) {
    const wanted = readFileSync(join(folder, "files", path.replaceAll("/", "%")));
    if (!readFileSync(join(host.root, path)).equals(wanted) || modes[index] !== mode)
      throw new Error(`${who} left ${path} on ${host.name} with other content than wanted`);
  }
  if (block(host) !== job.block) throw new Error(`${who} left another block in qemu.conf on ${host.name}`);
};
