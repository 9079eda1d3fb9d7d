import { qemuLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const memoryLock = {
  id: "memory-lock",
  title: "QEMU may not pin the guest's memory",
  looksAt: "QEMU's log",
  explanation:
    "VFIO pins all of the guest's memory and counts it against the process's limit of locked memory. libvirt raises the limit for domains with devices; a definition that adds devices behind its back (qemu:commandline) or a service with a limit of its own keeps it low.",
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
