import type { Rule } from "../../rule.ts";

export const secureBootGuest = {
  id: "secure-boot-guest",
  title: "Secure Boot in the guest is only half set up",
  looksAt: "loader, NVRAM template, machine and SMM of domains",
  explanation:
    "Secure Boot needs three parts that match: OVMF code that checks signatures (secboot or .ms), a variable store with enrolled keys (.ms), and a q35 machine with SMM. If one is missing, the guest does not start, or Windows reports that Secure Boot is not active.",
  remedy:
    "use OVMF_CODE_4M.ms.fd with OVMF_VARS_4M.ms.fd on q35 with <smm state='on'/>, or none of them; with <os firmware='efi'> and its features libvirt chooses them",
  source: "Debian: ovmf, README.Debian; libvirt: Domain XML format, firmware features",
  find: ({ domains }) =>
    domains.flatMap((domain) => {
      if (!domain.uefi || domain.loader === undefined || domain.nvramTemplate === undefined) return [];
      const checks = /\.(ms|secboot)\.|secboot/i.test(domain.loader);
      const keys = /\.ms\.|\.secboot\./i.test(domain.nvramTemplate);
      const wrong = [
        ...(keys && !checks
          ? [`${domain.nvramTemplate} has keys, but ${domain.loader} does not check them`]
          : []),
        ...(checks && !domain.smm ? ["the loader needs SMM, but SMM is off"] : []),
        ...(checks && !domain.machine.includes("q35")
          ? [`the loader needs q35, but the machine is ${domain.machine}`]
          : []),
      ];
      return wrong.map((found) => ({ subject: domain.name, verdict: "fault" as const, found }));
    }),
} as const satisfies Rule;
