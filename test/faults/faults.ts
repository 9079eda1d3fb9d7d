import { readdirSync, readFileSync } from "node:fs";
import { powerCut } from "../../lab/host.ts";
import { sshOutput, sshRun } from "../../lab/ssh.ts";
import type { PulumiRun } from "../support/pulumi.ts";
import type { Proxy } from "./proxy.ts";

/** What a fault may take hold of while a step is at work. */
export interface Struck {
  readonly host: string;
  readonly run: PulumiRun;
  readonly proxy: Proxy;
}

/** One way in which things go wrong, and how the world comes right again afterwards (nobody repairs the host by hand). */
export interface Fault {
  /** what it shows when it is survived */
  readonly proves: string;
  /** before the run, rather than when the step is at work: the step meets it from its first moment */
  readonly early?: true;
  strike(struck: Struck): Promise<void>;
  heal?(struck: Struck): Promise<void>;
}

/** Descendants of a process whose program has this name. */
const descendants = (root: number, name: string): number[] => {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)))
    try {
      const [, parent] = readFileSync(`/proc/${entry}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
      parents.set(Number(entry), Number(parent));
    } catch {
      // it has ended
    }
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === root || below(parent));
  };
  return [...parents.keys()].filter((pid) => {
    try {
      return below(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")[0]?.endsWith(name);
    } catch {
      return false;
    }
  });
};

const onHost = async (host: string, command: string): Promise<void> => {
  await sshOutput(host, command);
};

export const faults = {
  "engine killed": {
    proves: "what a dead engine left is found and finished by the next up",
    strike: async ({ run }) => {
      process.kill(run.pid, "SIGKILL");
    },
  },
  "plugin killed": {
    proves: "a step whose caller died leaves nothing half done",
    strike: async ({ run }) => {
      for (const pid of descendants(run.pid, "pulumi-resource-command")) process.kill(pid, "SIGKILL");
    },
  },
  "connection reset": {
    proves: "a step that lost its connection is found done, or is done again",
    strike: async ({ proxy }) => proxy.reset(),
  },
  "connection silent": {
    proves: "a run that hears nothing any more can be ended and run again",
    strike: async ({ proxy }) => proxy.silence(),
    heal: async ({ proxy }) => proxy.restore(),
  },
  "power cut": {
    proves: "files are whole or as before, and the host boots",
    strike: async ({ host }) => powerCut(host),
  },
  "disk full": {
    proves: "no file is cut short for want of room",
    early: true,
    strike: async ({ host }) =>
      onHost(
        host,
        "fallocate -l $(($(stat -f -c '%a*%S' /)-65536)) /filler; cat /dev/zero >>/filler 2>/dev/null || :",
      ),
    heal: async ({ host }) => onHost(host, "rm -f /filler"),
  },
  "file system read-only": {
    proves: "a host that stopped to write is left as it was",
    strike: async ({ host }) => onHost(host, "echo u >/proc/sysrq-trigger"),
    // only a boot makes it writable again
    heal: async ({ host }) => powerCut(host),
  },
  "clock set forward": {
    proves: "neither the lock nor the receipts go by the clock",
    strike: async ({ host }) => onHost(host, "date -s '+2 years' >/dev/null"),
    heal: async ({ host }) => onHost(host, `date -s @${Math.floor(Date.now() / 1000)} >/dev/null`),
  },
  "clock set back": {
    proves: "neither the lock nor the receipts go by the clock",
    strike: async ({ host }) => onHost(host, "date -s '-400 days' >/dev/null"),
    heal: async ({ host }) => onHost(host, `date -s @${Math.floor(Date.now() / 1000)} >/dev/null`),
  },
  "dpkg locked": {
    proves: "another package manager is waited for or named, not broken",
    early: true,
    // a lock as dpkg takes it (fcntl, whole file)
    strike: async ({ host }) =>
      onHost(
        host,
        `systemd-run --quiet --collect --unit=vfio-fault-dpkg perl -e 'use Fcntl; open F, ">>/var/lib/dpkg/lock-frontend"; fcntl(F, F_SETLKW, pack("s s x4 q q l", F_WRLCK, 0, 0, 0, 0)) or die; sleep 600'`,
      ),
    heal: async ({ host }) => {
      await sshRun(host, "systemctl stop vfio-fault-dpkg");
    },
  },
  "libvirtd stopped": {
    proves: "a daemon that is gone is started, or named",
    strike: async ({ host }) =>
      onHost(
        host,
        "systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service",
      ),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as readonly FaultName[];
