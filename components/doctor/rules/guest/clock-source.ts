import { logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const clockSource = {
  id: "clock-source",
  title: "The host uses a slow clock source",
  looksAt: "the clock source in use, the kernel's log",
  explanation:
    "Reading hpet or acpi_pm takes a thousand times longer than reading the processor's own counter, and guests read the time constantly. Sound crackles and games stutter. The kernel gives up tsc when it is unstable, often after a firmware bug or a deep sleep.",
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
