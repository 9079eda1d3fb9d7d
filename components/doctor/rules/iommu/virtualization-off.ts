import type { Rule } from "../../rule.ts";

export const virtualizationOff = {
  id: "virtualization-off",
  title: "The processor's virtualization is off",
  looksAt: "/dev/kvm, the processor's flags, the kernel's log",
  explanation:
    "KVM needs VT-x or AMD-V. Many boards disable it by default. Then the processor's flag is missing, or the kernel reports that the firmware has disabled it.",
  remedy: "enable Intel Virtualization Technology or SVM in the firmware's setup",
  source: "Linux: arch/x86/kvm, messages of kvm_intel and kvm_amd",
  find: ({ facts, survey, domains }) => {
    const said = survey.kernelLog?.boot.some((line) => /disabled by (the )?(bios|firmware)/i.test(line));
    const there = facts.exists.includes("/dev/kvm");
    if (facts.cpu.virtualization && there && !said) return [];
    const wanted = domains.some((domain) => domain.type === "kvm");
    return [
      {
        subject: "KVM",
        verdict: wanted ? "fault" : "risk",
        found: said
          ? "the kernel reports that the firmware has disabled virtualization"
          : facts.cpu.virtualization
            ? "the processor supports virtualization, but there is no /dev/kvm"
            : "the processor has neither the flag vmx nor svm",
        ...(!said && facts.cpu.virtualization && { remedy: "load the module kvm_intel or kvm_amd" }),
      },
    ];
  },
} as const satisfies Rule;
