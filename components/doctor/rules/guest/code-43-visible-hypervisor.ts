import { isNvidia, subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const code43VisibleHypervisor = {
  id: "code-43-visible-hypervisor",
  title: "Code 43 with NVIDIA drivers before 465: the guest sees the hypervisor",
  looksAt: "kvm hidden and the Hyper-V vendor_id of domains with an NVIDIA GeForce",
  explanation:
    "Until 2021 the GeForce driver refused to work in a virtual machine and showed Code 43. Driver 465 and later work. With them a hidden hypervisor only costs speed.",
  remedy:
    "use a current driver in the guest; for an older one add <kvm><hidden state='on'/></kvm> and a <vendor_id/> under <hyperv>",
  source: "NVIDIA: release notes of driver 465.89; libvirt: Domain XML format, hypervisor features",
  find: ({ given }) =>
    given
      .filter((card) => isNvidia(card.display) && card.domain.windows)
      .filter(({ domain }) => !domain.kvmHidden || (domain.hyperv && !domain.hypervVendorId))
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "expected" as const,
        found: "the guest sees KVM: right for current drivers, Code 43 for those before 465",
      })),
} as const satisfies Rule;
