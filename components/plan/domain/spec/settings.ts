import type { z } from "zod";
import type { clockSchema, cpuSchema, Enlightenment, hypervSchema, Pinning, Topology } from "./schema-cpu.ts";
import type {
  balloonSchema,
  GraphicsSpec,
  lookingGlassSchema,
  NetworkSpec,
  usbSchema,
} from "./schema-devices.ts";
import type { DiskBus } from "./schema-disks.ts";
import type { DomainSpec, HugepageSize, ProfileName } from "./schema.ts";

/** Every key there, and every value. */
type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

export type MachineFamily = "i440fx" | "q35";

/** What a profile says: a value for every field that the schema leaves open. */
export interface ProfileSettings {
  readonly machine: MachineFamily;
  readonly secureBoot: boolean;
  readonly tpm: NonNullable<DomainSpec["tpm"]>;
  /** MiB */
  readonly memory: number;
  readonly hugepages: "off" | HugepageSize;
  readonly topology: Topology;
  /** a CPU mode for each kind of virtualization: there is no host CPU to pass through under emulation */
  readonly cpu: Complete<Omit<z.infer<typeof cpuSchema>, "mode">> & {
    readonly mode: Readonly<
      Record<DomainSpec["virtualization"], NonNullable<z.infer<typeof cpuSchema>["mode"]>>
    >;
  };
  readonly pinning: Pinning | undefined;
  readonly iothreads: number;
  readonly hyperv: Complete<z.infer<typeof hypervSchema>>;
  readonly hideHypervisor: boolean;
  readonly vmport: boolean;
  readonly clock: Complete<z.infer<typeof clockSchema>>;
  readonly suspend: boolean;
  readonly diskBus: DiskBus;
  readonly networks: readonly NetworkSpec[];
  readonly graphics: GraphicsSpec;
  readonly video: NonNullable<DomainSpec["video"]>;
  readonly usb: Complete<z.infer<typeof usbSchema>>;
  readonly lookingGlass: "off" | z.infer<typeof lookingGlassSchema>;
  readonly balloon: z.infer<typeof balloonSchema>;
}

const windowsEnlightenments: readonly Enlightenment[] = ["relaxed", "vapic", "spinlocks"];

const shared = {
  memory: 8192,
  hugepages: "off",
  topology: { sockets: 1, cores: 4, threads: 2 },
  pinning: undefined,
  vmport: false,
  suspend: false,
  diskBus: "virtio",
  networks: [{ type: "network", network: "default", model: "virtio", link: "up" }],
  graphics: { type: "vnc", listen: "127.0.0.1", port: "auto" },
  video: "vga",
  usb: { controller: "qemu-xhci", devices: [] },
  lookingGlass: "off",
  balloon: "off",
} as const satisfies Partial<ProfileSettings>;

export const profileSettings = {
  /** The way described by the guides of 2015 to 2020: an older board, and a hypervisor that hides from the driver. */
  reference: {
    ...shared,
    machine: "i440fx",
    secureBoot: false,
    tpm: "none",
    cpu: { mode: { kvm: "host-passthrough", qemu: "maximum" }, cachePassthrough: false, features: {} },
    iothreads: 0,
    // QEMU shows a vendor id only when at least one enlightenment is on (target/i386/kvm/kvm.c, hyperv_enabled)
    hyperv: { vendorId: "vfio-fleet", enlightenments: [...windowsEnlightenments] },
    hideHypervisor: true,
    // older NVIDIA drivers refuse to start (code 43) when they see the hyperv clock
    clock: { offset: "localtime", hpet: false, hypervClock: false },
  },
  "windows-11": {
    ...shared,
    machine: "q35",
    secureBoot: true,
    tpm: "tpm-crb",
    cpu: { mode: { kvm: "host-passthrough", qemu: "maximum" }, cachePassthrough: true, features: {} },
    iothreads: 1,
    hyperv: { vendorId: false, enlightenments: "host" },
    hideHypervisor: false,
    clock: { offset: "localtime", hpet: false, hypervClock: true },
  },
} as const satisfies Record<ProfileName, ProfileSettings>;

/** The profile's settings with the user's fields over them; groups field by field, lists as a whole. */
export const settingsOf = (spec: DomainSpec): ProfileSettings => {
  const profile: ProfileSettings = profileSettings[spec.profile];
  const mode = spec.cpu?.mode;
  return {
    machine: profile.machine,
    secureBoot: spec.firmware?.secureBoot ?? profile.secureBoot,
    tpm: spec.tpm ?? profile.tpm,
    memory: spec.memory ?? profile.memory,
    hugepages: spec.hugepages ?? profile.hugepages,
    topology: spec.topology ?? profile.topology,
    cpu: {
      mode: mode === undefined ? profile.cpu.mode : { kvm: mode, qemu: mode },
      cachePassthrough: spec.cpu?.cachePassthrough ?? profile.cpu.cachePassthrough,
      features: spec.cpu?.features ?? profile.cpu.features,
    },
    pinning: spec.pinning ?? profile.pinning,
    iothreads: spec.iothreads ?? profile.iothreads,
    hyperv: {
      vendorId: spec.hyperv?.vendorId ?? profile.hyperv.vendorId,
      enlightenments: spec.hyperv?.enlightenments ?? profile.hyperv.enlightenments,
    },
    hideHypervisor: spec.hideHypervisor ?? profile.hideHypervisor,
    vmport: spec.vmport ?? profile.vmport,
    clock: {
      offset: spec.clock?.offset ?? profile.clock.offset,
      hpet: spec.clock?.hpet ?? profile.clock.hpet,
      hypervClock: spec.clock?.hypervClock ?? profile.clock.hypervClock,
    },
    suspend: spec.suspend ?? profile.suspend,
    diskBus: profile.diskBus,
    networks: spec.networks ?? profile.networks,
    graphics: spec.graphics ?? profile.graphics,
    video: spec.video ?? profile.video,
    usb: {
      controller: spec.usb?.controller ?? profile.usb.controller,
      devices: spec.usb?.devices ?? profile.usb.devices,
    },
    lookingGlass: spec.lookingGlass ?? profile.lookingGlass,
    balloon: spec.balloon ?? profile.balloon,
  };
};
