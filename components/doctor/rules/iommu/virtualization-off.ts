import type { Rule } from "../../rule.ts";

export const virtualizationOff = {
  id: "virtualization-off",
  title: "The processor's virtualization is off",
  looksAt: "/dev/kvm, the processor's flags, the kernel's log",
  explanation:
    "KVM needs VT-x or AMD-V. Many boards ship with it switched off in the firmware: the flag is then missing, or the kernel says that the firmware has disabled it.",
  remedy: "switch Intel Virtualization Technology or SVM on in the firmware's set-up",
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
          ? "the kernel says that the firmware has disabled virtualization"
          : facts.cpu.virtualization
            ? "the processor can virtualize, but there is no /dev/kvm"
            : "the processor shows neither vmx nor svm",
        ...(!said && facts.cpu.virtualization && { remedy: "load the module kvm_intel or kvm_amd" }),
      },
    ];
  },
} as const satisfies Rule;
