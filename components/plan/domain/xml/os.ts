import type { ResolvedDomain } from "../resolve/resolved.ts";
import type { Enlightenment } from "../spec/schema-cpu.ts";
import { element, type XmlElement } from "../document/xml-tree.ts";

export const osElement = ({ firmware, machine }: ResolvedDomain): XmlElement =>
  element("os", {}, [
    element("type", { arch: "x86_64", machine: machine.wanted }, ["hvm"]),
    element("loader", { readonly: "yes", secure: firmware.smm ? "yes" : undefined, type: "pflash" }, [
      firmware.code,
    ]),
    element("nvram", { template: firmware.vars }, [firmware.nvram]),
  ]);

const on = { state: "on" } as const;

/** How often a guest's CPU tries for a lock before it tells the hypervisor: Windows' own number. */
const SPINLOCK_RETRIES = 8191;

const enlightenment = (name: Enlightenment): XmlElement => {
  switch (name) {
    case "spinlocks":
      return element(name, { ...on, retries: SPINLOCK_RETRIES });
    case "stimer":
      return element(name, on, [element("direct", on)]);
    default:
      return element(name, on);
  }
};

export const featuresElement = (domain: ResolvedDomain): XmlElement => {
  const { vendorId } = domain.hyperv;
  const hyperv = [
    ...domain.hyperv.enlightenments.map(enlightenment),
    ...(vendorId === false ? [] : [element("vendor_id", { ...on, value: vendorId })]),
  ];
  return element("features", {}, [
    element("acpi"),
    element("apic"),
    hyperv.length > 0 && element("hyperv", {}, hyperv),
    domain.hideHypervisor && element("kvm", {}, [element("hidden", on)]),
    element("vmport", { state: domain.vmport ? "on" : "off" }),
    domain.firmware.smm && element("smm", on),
  ]);
};

const yes = (value: boolean): string => (value ? "yes" : "no");

export const clockElement = ({ clock }: ResolvedDomain): XmlElement =>
  element("clock", { offset: clock.offset }, [
    element("timer", { name: "rtc", tickpolicy: "catchup" }),
    element("timer", { name: "pit", tickpolicy: "delay" }),
    element("timer", { name: "hpet", present: yes(clock.hpet) }),
    element("timer", { name: "hypervclock", present: yes(clock.hypervClock) }),
  ]);

/** What happens when the guest stops, and whether it may sleep. */
export const powerElements = ({ suspend }: ResolvedDomain): XmlElement[] => [
  element("on_poweroff", {}, ["destroy"]),
  element("on_reboot", {}, ["restart"]),
  element("on_crash", {}, ["destroy"]),
  element("pm", {}, [
    element("suspend-to-mem", { enabled: yes(suspend) }),
    element("suspend-to-disk", { enabled: yes(suspend) }),
  ]),
];
