import type { PciAddress } from "../../../facts/pci.ts";
import type { CardRom } from "./context.ts";
import type { GuestPci } from "./guest-pci.ts";
import type { Patch } from "../document/patch.ts";
import type { PathNeed } from "./paths.ts";
import type { Enlightenment, Topology } from "../spec/schema-cpu.ts";
import type { EvdevSpec, GraphicsSpec, NetworkSpec, SharedFolderSpec } from "../spec/schema-devices.ts";
import type { DiskBus, DiskSpec } from "../spec/schema-disks.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { MachineFamily, ProfileSettings } from "../spec/settings.ts";
import type { XmlElement } from "../document/xml-tree.ts";

/** Where a disk or CD drive sits in the guest. */
export interface DiskPlace {
  readonly bus: DiskBus;
  /** vda, sdb, hdc */
  readonly target: string;
  /** 1 is booted from first; undefined: not at all */
  readonly bootOrder: number | undefined;
}

export interface StorageSource {
  readonly kind: "file" | "block";
  readonly path: string;
}

export type ResolvedDisk = DiskPlace &
  (
    | {
        readonly kind: "own";
        readonly source: StorageSource;
        readonly format: "qcow2" | "raw";
        readonly cache: DiskSpec["cache"];
        readonly io: NonNullable<DiskSpec["io"]>;
        readonly discard: boolean;
        readonly serial: string | undefined;
        /** from 1 */
        readonly iothread: number | undefined;
      }
    /** of an adopted domain: as libvirt has it, but for its place */
    | { readonly kind: "adopted"; readonly element: XmlElement }
  );

export interface ResolvedCdrom extends DiskPlace {
  /** undefined: the drive is empty */
  readonly path: string | undefined;
}

export type ResolvedInterface =
  | { readonly kind: "own"; readonly spec: NetworkSpec; readonly mac: string }
  | { readonly kind: "adopted"; readonly element: XmlElement };

export interface ResolvedCard {
  readonly name: string;
  /** from 0; fixed as long as the domain lists the card */
  readonly place: number;
  readonly managed: boolean;
  readonly functions: readonly {
    readonly address: PciAddress;
    /** function number in the guest */
    readonly guestFunction: number;
    readonly rom: CardRom;
  }[];
}

/** A volume that the stack has to create before the domain starts, or grow. */
export interface NewVolume {
  readonly pool: string;
  readonly name: string;
  readonly format: "qcow2" | "raw";
  readonly sizeGiB: number;
  readonly path: string;
}

export interface ResolvedFirmware {
  readonly code: string;
  readonly vars: string;
  readonly nvram: string;
  readonly secureBoot: boolean;
  readonly smm: boolean;
}

export interface ResolvedPinning {
  /** host CPUs of each guest CPU */
  readonly vcpus: readonly (readonly number[])[];
  readonly emulator: readonly number[] | undefined;
  readonly iothreads: readonly (readonly number[])[];
  readonly memoryNode: number | undefined;
}

/** A domain with nothing left to decide: what the XML says, and what the stack does around it. */
export interface ResolvedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly stack: string;
  readonly host: string;
  readonly virtualization: DomainSpec["virtualization"];
  readonly machine: {
    readonly family: MachineFamily;
    /** as wanted: `pc` or `q35` for the newest version of a family, or a version */
    readonly wanted: string;
    /** the version that libvirt has, and how it was written with which digest */
    readonly existing:
      | {
          readonly version: string;
          readonly written: string | undefined;
          readonly digest: string | undefined;
        }
      | undefined;
  };
  readonly firmware: ResolvedFirmware;
  readonly tpm: ProfileSettings["tpm"];
  readonly memoryMiB: number;
  readonly hugepageKiB: number | undefined;
  /** the memory can be mapped by other processes (virtiofs) */
  readonly sharedMemory: boolean;
  readonly vcpus: number;
  readonly topology: Topology;
  readonly cpu: {
    readonly mode: "host-passthrough" | "host-model" | "maximum";
    readonly cachePassthrough: boolean;
    readonly features: readonly { readonly name: string; readonly policy: string }[];
  };
  readonly pinning: ResolvedPinning | undefined;
  readonly iothreads: number;
  readonly hyperv: { readonly vendorId: string | false; readonly enlightenments: readonly Enlightenment[] };
  readonly hideHypervisor: boolean;
  readonly vmport: boolean;
  readonly clock: ProfileSettings["clock"];
  readonly suspend: boolean;
  readonly disks: readonly ResolvedDisk[];
  readonly cdroms: readonly ResolvedCdrom[];
  readonly interfaces: readonly ResolvedInterface[];
  readonly graphics: GraphicsSpec;
  readonly video: ProfileSettings["video"];
  readonly usb: {
    readonly controller: ProfileSettings["usb"]["controller"];
    /** by vendor:product, lower case */
    readonly devices: readonly { readonly id: string; readonly optional: boolean }[];
    /** a pointer with absolute positions, so that VNC's follows the viewer's */
    readonly tablet: boolean;
  };
  readonly evdev: readonly EvdevSpec[];
  readonly lookingGlass: { readonly name: string; readonly sizeMiB: number } | undefined;
  readonly sharedFolders: readonly SharedFolderSpec[];
  readonly balloon: ProfileSettings["balloon"];
  readonly cards: readonly ResolvedCard[];
  readonly guestPci: GuestPci;
  readonly patch: readonly Patch[];
  /** volumes that the stack makes */
  readonly volumes: readonly NewVolume[];
  /** what has to be on the host, to be looked at before anything changes */
  readonly needs: readonly PathNeed[];
  readonly lifecycle: Pick<
    DomainSpec,
    "state" | "restart" | "autostart" | "adopt" | "deleteData" | "shutdownTimeoutSeconds" | "afterTimeout"
  >;
}
