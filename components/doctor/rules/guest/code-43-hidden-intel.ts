import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const code43HiddenIntel = {
  id: "code-43-hidden-intel",
  title: "Code 43 on an Intel GPU: the hypervisor is hidden",
  looksAt: "kvm hidden and -hypervisor of domains with an Intel display function",
  explanation:
    "Intel's driver for GPUs that are shared by SR-IOV has to know that it runs in a virtual machine. If the hypervisor is hidden, the driver expects the whole GPU, fails and shows Code 43.",
  remedy: "remove <kvm><hidden/></kvm> and -hypervisor from this domain",
  source: "strongtz/i915-sriov-dkms, issues on Code 43",
  find: ({ given }) =>
    given
      .filter((card) => card.display?.id.startsWith("8086:") === true)
      .filter(
        ({ domain }) =>
          domain.kvmHidden || domain.qemuArguments.some((argument) => argument.includes("-hypervisor")),
      )
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "fault" as const,
        found: "the hypervisor is hidden from a guest with an Intel GPU",
      })),
} as const satisfies Rule;
