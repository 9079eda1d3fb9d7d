import type { Facts, PciDevice } from "../../facts/facts.ts";
import type { Problem } from "../../facts/problem.ts";

/** Drivers that distributions compile in, and that cards have functions for; the modules that they are elsewhere. */
const USB_HOSTS: Readonly<Record<string, readonly string[]>> = {
  xhci_hcd: ["xhci_hcd", "xhci_pci"],
  "ehci-pci": ["ehci_pci"],
  "ohci-pci": ["ohci_pci"],
  uhci_hcd: ["uhci_hcd"],
};

/** Whether a driver that is compiled into the kernel has a function: no module of the initramfs can be before it. */
export const isCompiledIn = (facts: Facts, { driver }: PciDevice): boolean =>
  driver !== null &&
  Object.hasOwn(USB_HOSTS, driver) &&
  USB_HOSTS[driver]?.some((module) => facts.modules.includes(module)) === false;

/** Functions that ids= never gets: only the script that binds by address takes a function from such a driver. */
export const compiledInProblems = (facts: Facts, functions: readonly PciDevice[]): Problem[] =>
  functions
    .filter((device) => isCompiledIn(facts, device))
    .map(({ address, driver }) => ({
      path: "kernel.binding",
      problem: `${driver} is compiled into the kernel and has ${address} before vfio-pci can load, so binding by id never takes it`,
      remedy: "use binding: address",
    }));
