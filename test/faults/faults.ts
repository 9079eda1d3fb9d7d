import { readdirSync, readFileSync } from "node:fs";
import { powerCut } from "../../lab/host.ts";
import { sshOutput, sshRun } from "../../lab/access/ssh.ts";
import type { PulumiRun } from "../support/pulumi.ts";
import type { Proxy } from "./proxy.ts";

/** What a fault may use while a step is running. */
export interface Struck {
  readonly host: string;
  readonly run: PulumiRun;
  readonly proxy: Proxy;
  /** Starts the host again after a power cut. */
  readonly boot: () => Promise<void>;
}

/** One kind of fault, and how its cause ends afterwards; nobody repairs the host by hand. */
export interface Fault {
  /** What survival proves. */
  readonly proves: string;
  /** The only steps that it can affect. */
  readonly at?: RegExp;
  /** Set up before the run, because the step would otherwise be over too soon. */
  readonly early?: true;
  /** The run continues, and is struck again at its next step. */
  readonly passes?: true;
  /** Milliseconds until a run that gets no answer is ended. */
  readonly patienceMs?: number;
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
      // The process has ended.
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

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has ended.
  }
};

const onHost = async (host: string, command: string): Promise<void> => {
  await sshOutput(host, command);
};

export const faults = {
  "engine killed": {
    proves: "what a dead engine left is found and finished by the next up",
    strike: async ({ run }) => {
      kill(run.pid);
    },
  },
  "plugin killed": {
    proves: "a step whose caller died leaves nothing half done",
    strike: async ({ run }) => {
      for (const pid of descendants(run.pid, "pulumi-resource-command")) kill(pid);
    },
  },
  "connection reset": {
    proves: "a step that lost its connection is found done, or is done again",
    // A run that was between two connections continues.
    passes: true,
    strike: async ({ proxy }) => proxy.reset(),
  },
  "connection silent": {
    proves: "a run without an answer can be ended and run again",
    patienceMs: 20_000,
    strike: async ({ proxy }) => proxy.silence(),
    heal: async ({ proxy }) => proxy.restore(),
  },
  "power cut": {
    proves: "files are whole or as before, and the host boots",
    strike: async ({ host, boot }) => {
      await powerCut(host);
      await boot();
    },
  },
  "disk full": {
    proves: "no file is cut short for want of room",
    strike: async ({ host }) =>
      onHost(
        host,
        "fallocate -l $(($(stat -f -c '%a*%S' /)-65536)) /filler; cat /dev/zero >>/filler 2>/dev/null || :",
      ),
    // A power cut that follows must not bring the file back.
    heal: async ({ host }) => onHost(host, "rm -f /filler; sync -f /"),
  },
  "file system read-only": {
    proves: "a host that stopped to write is left as it was",
    strike: async ({ host }) => onHost(host, "echo u >/proc/sysrq-trigger"),
    // Only a boot makes it writable again.
    heal: async ({ host, boot }) => {
      await powerCut(host);
      await boot();
    },
  },
  "clock set forward": {
    proves: "neither the lock nor the receipts go by the clock",
    passes: true,
    strike: async ({ host }) => onHost(host, "date -s '+2 years' >/dev/null"),
    heal: async ({ host }) => onHost(host, `date -s @${Math.floor(Date.now() / 1000)} >/dev/null`),
  },
  "clock set back": {
    proves: "neither the lock nor the receipts go by the clock",
    passes: true,
    strike: async ({ host }) => onHost(host, "date -s '-400 days' >/dev/null"),
    heal: async ({ host }) => onHost(host, `date -s @${Math.floor(Date.now() / 1000)} >/dev/null`),
  },
  "dpkg locked": {
    proves: "another package manager is waited for, and what one left half done is finished",
    early: true,
    passes: true,
    at: /^packages\b/,
    // An interrupted upgrade left a package half installed, so that the step needs dpkg. Then a lock as dpkg takes it
    // (fcntl, whole file).
    strike: async ({ host }) =>
      onHost(
        host,
        `sed -i '/^Package: qemu-utils$/,/^$/s/^Status: install ok installed$/Status: install ok unpacked/' /var/lib/dpkg/status; systemd-run --quiet --collect --unit=vfio-fault-dpkg perl -e 'use Fcntl; open F, ">>/var/lib/dpkg/lock-frontend"; fcntl(F, F_SETLKW, pack("s s x4 q q l", F_WRLCK, 0, 0, 0, 0)) or die; sleep 600'`,
      ),
    heal: async ({ host }) => {
      // Released after the step has met it.
      await sshRun(
        host,
        "n=0; until grep -qs lock /var/lib/vfio-fleet/.dpkg || [ $n = 60 ]; do n=$((n + 1)); sleep 0.5; done; systemctl stop vfio-fault-dpkg",
      );
    },
  },
  "libvirtd stopped": {
    proves: "a daemon that is gone is started, or named",
    passes: true,
    at: /^(libvirtd|block|media|grow|domain|undomain|run|shutdown|reboot|prove|leave)\b/,
    // A start that is just running cancels it.
    strike: async ({ host }) =>
      onHost(
        host,
        "n=0; until systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service; do n=$((n + 1)); [ $n -lt 9 ] || exit; done",
      ),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** A fault by name, with its optional fields. */
export const faultOf = (name: FaultName): Fault => faults[name];
export const faultNames = Object.keys(faults) as readonly FaultName[];
