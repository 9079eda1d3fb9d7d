import { logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const ignoredMsrs = {
  id: "ignored-msrs",
  title: "Windows reads registers that KVM does not have",
  looksAt: "kvm's ignore_msrs, the kernel's log, domains with Windows",
  explanation:
    "Some Windows drivers and games read model-specific registers that KVM does not have. KVM then raises a fault in the guest, and Windows shows a blue screen. With ignore_msrs=1 KVM returns zero instead.",
  remedy: "set moduleOptions: {kvm: {ignore_msrs: 1}}",
  source: "Linux: arch/x86/kvm/x86.c, ignore_msrs",
  find: (patient) => {
    if (patient.facts.moduleParameters["kvm"]?.["ignore_msrs"] !== "N") return [];
    const windows = patient.given.filter(({ domain, display }) => domain.windows && display);
    const [said] = logLines(patient, /unhandled (rd|wr)msr/i).slice(-1);
    return said !== undefined
      ? [{ subject: "kvm", verdict: "fault" as const, found: said }]
      : [...new Set(windows.map(({ domain }) => domain.name))].map((name) => ({
          subject: name,
          verdict: "risk" as const,
          found: "a Windows guest, but ignore_msrs is N",
        }));
  },
} as const satisfies Rule;
