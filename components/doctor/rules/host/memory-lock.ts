import { qemuLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const memoryLock = {
  id: "memory-lock",
  title: "QEMU's memory limit is too low to pin the guest's memory",
  looksAt: "QEMU's log",
  explanation:
    "VFIO pins all of the guest's memory and counts it as the process's locked memory. libvirt raises that limit for domains with <hostdev>. Devices in qemu:commandline do not raise it, and a service may have a limit of its own.",
  remedy: "name the devices as <hostdev>, or set <memtune><hard_limit/> above the domain's memory",
  source: "libvirt: Domain XML format, memory tuning; Linux: RLIMIT_MEMLOCK, getrlimit(2)",
  needs: ["domainLogs"],
  find: (patient) =>
    patient.domains.flatMap((domain) =>
      qemuLines(patient, domain, /VFIO_MAP_DMA|vfio_dma_map.*(-12|Cannot allocate memory)/i)
        .slice(-1)
        .map((line) => ({ subject: domain.name, verdict: "fault" as const, found: line })),
    ),
} as const satisfies Rule;
