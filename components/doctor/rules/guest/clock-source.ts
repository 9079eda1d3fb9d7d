import { logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const clockSource = {
  id: "clock-source",
  title: "The host's clock is a slow one",
  looksAt: "the clock source in use, the kernel's log",
  explanation:
    "Reading hpet or acpi_pm costs a thousand times what the processor's own counter costs, and guests ask for the time all the while: sound crackles, games stutter. The kernel leaves tsc when it finds it unsteady, often after a firmware bug or a deep sleep.",
  remedy: "update the firmware; if the counter is known to be good, boot with tsc=reliable",
  source: "Linux: kernel/time/clocksource.c; admin-guide/kernel-parameters.txt, tsc",
  find: (patient) => {
    const { clocksource } = patient.survey;
    if (!clocksource || ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page"].includes(clocksource.current))
      return [];
    const [said] = logLines(patient, /clocksource.*(unstable|skew|watchdog)|TSC unstable/i);
    return [
      {
        subject: "clock source",
        verdict: "risk",
        found: `the kernel uses ${clocksource.current}${said === undefined ? "" : `: ${said}`}`,
      },
    ];
  },
} as const satisfies Rule;
