import { MADE_BY } from "../kernel/binding.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import type { CardSpec, KernelSpec } from "../kernel/kernel-spec.ts";
import type { PciAddress } from "../../facts/pci.ts";
import type { Problem } from "../../facts/problem.ts";
import { virtualFunctionAt } from "../../facts/sriov.ts";
import type { ManagedFile } from "../step.ts";

export const SRIOV_RULES = "/etc/udev/rules.d/90-vfio-fleet-sriov.rules";

const words = (id: string): readonly [string, string] => [`0x${id.slice(0, 4)}`, `0x${id.slice(5)}`];

/**
 * Rules for udev: the physical function makes its virtual ones as soon as its driver has it, without letting the
 * host's drivers take them; each that goes to a guest is then bound by address and identity (Linux:
 * Documentation/PCI/pci-iov-howto.rst; a device with driver_override is probed even so, drivers/pci/pci-driver.c).
 */
export const sriovRules = (
  made: readonly { readonly parent: PciDevice; readonly count: number }[],
  bound: readonly PciDevice[],
): ManagedFile => ({
  path: SRIOV_RULES,
  mode: "644",
  content:
    MADE_BY +
    made
      .map(({ parent, count }) => {
        const [vendor, device] = words(parent.id);
        return `ACTION=="add|bind", SUBSYSTEM=="pci", KERNEL=="${parent.address}", ATTR{vendor}=="${vendor}", ATTR{device}=="${device}", DRIVER=="?*", ATTR{sriov_numvfs}=="0", ATTR{sriov_drivers_autoprobe}="0", ATTR{sriov_numvfs}="${count}"\n`;
      })
      .join("") +
    bound
      .map(({ address, id }) => {
        const [vendor, device] = words(id);
        return `ACTION=="add", SUBSYSTEM=="pci", KERNEL=="${address}", ATTR{vendor}=="${vendor}", ATTR{device}=="${device}", ATTR{driver_override}="vfio-pci", RUN+="/bin/sh -c 'modprobe vfio-pci; echo ${address} >/sys/bus/pci/drivers_probe'"\n`;
      })
      .join(""),
});

/** Whether a card of a stack is a virtual function. */
export const isVirtual = (facts: Facts, address: PciAddress): boolean =>
  virtualFunctionAt(facts, address) !== undefined;

/** What stands against the virtual functions that are to be made, and against those that cards name. */
export const virtualFunctionProblems = (
  facts: Facts,
  kernel: KernelSpec,
  cards: Readonly<Record<string, CardSpec>>,
): Problem[] => [
  ...kernel.virtualFunctions.flatMap(({ of, count }, at): Problem[] => {
    const parent = facts.pci.find((device) => device.address === of);
    const path = `kernel.virtualFunctions.${at}`;
    const able = facts.pci.filter(({ sriov }) => (sriov?.total ?? 0) > 0).map(({ address }) => address);
    if (!parent?.sriov || parent.sriov.total === 0)
      return [
        {
          path: `${path}.of`,
          problem: parent
            ? `${of} (${parent.id}) has no virtual functions`
            : `the host has no PCI device at ${of}`,
          remedy: `devices that have: ${able.join(", ") || "none; SR-IOV may be off in the firmware"}`,
        },
      ];
    return count > parent.sriov.total
      ? [
          {
            path: `${path}.count`,
            problem: `${of} makes ${parent.sriov.total} virtual functions at most`,
            remedy: "ask for fewer",
          },
        ]
      : [];
  }),
  ...Object.entries(cards).flatMap(([name, { address }]): Problem[] => {
    const virtual = virtualFunctionAt(facts, address);
    if (!virtual) return [];
    const made = kernel.virtualFunctions.find(({ of }) => of === virtual.parent.address)?.count ?? 0;
    return made > virtual.index
      ? []
      : [
          {
            path: `cards.${name}.address`,
            problem: `${address} is virtual function ${virtual.index} of ${virtual.parent.address}, and the stack makes ${made} of them`,
            remedy: `kernel.virtualFunctions: [{ of: "${virtual.parent.address}", count: ${virtual.index + 1} }]`,
          },
        ];
  }),
];
