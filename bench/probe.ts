/**
 * `npm run bench:probe`: what one probe costs a host with 200 PCI devices. It counts the processor time of the
 * probe's shell and of every program that it starts, with dash and coreutils and with busybox alone. The host is a
 * folder that stands in for its root. The limit is 150 ms.
 */
import { crowd } from "../test/unit/support/crowd.ts";
import { FakeHost, SHELLS } from "../test/unit/support/fake-host.ts";

const DEVICES = 200;
/** Shells count in hundredths of a second, so only the mean of many rounds is exact enough. */
const ROUNDS = 20;

const host = new FakeHost();
try {
  host.functions(crowd(DEVICES));
  for (const name of ["hostname", "osrelease", "random/boot_id"]) host.file(`/proc/sys/kernel/${name}`, "x");
  for (const shell of SHELLS)
    for (const [what, survey] of [
      ["a plan's question", false],
      ["with what inspect asks", true],
    ] as const) {
      const look = (): number => {
        const { facts, cpuMs } = host.probe(shell, { survey, parameters: survey ? "*" : "kvm vfio_pci" });
        if (facts.pci.length !== DEVICES) throw new Error(`${facts.pci.length} of ${DEVICES} devices found`);
        return cpuMs;
      };
      // The first round warms the caches.
      look();
      const total = Array.from({ length: ROUNDS }, look).reduce((sum, cost) => sum + cost, 0);
      console.log(`${shell.padEnd(8)} ${what.padEnd(24)} ${Math.round(total / ROUNDS)} ms`);
    }
} finally {
  host.remove();
}
