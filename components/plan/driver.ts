import type { FirmwarePackage } from "./domain/resolve/firmware-images.ts";
import type { HostEdit } from "./edit.ts";
import type { Effect } from "./kernel/effects.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import type { ManagedFile } from "./step.ts";

/**
 * A driver knows one tool of a host. `detect` looks at what is in use there, not at what lies around; `script` is the
 * part of the host agent that speaks to the tool (driver-shell.ts names the functions that it has to define and may
 * define); the rest is pure.
 */
interface Driver {
  readonly name: string;
  detect(facts: Facts): boolean;
  /** in this order; no two of them define a function of the same name */
  readonly scripts: readonly URL[];
  /** files the driver has to see; asked from every host, so few and small ones */
  readonly reads: readonly string[];
  /** paths whose being there tells something */
  readonly looksFor?: readonly string[];
  /** packages whose being installed tells something */
  readonly asksFor?: readonly string[];
}

export interface BootloaderDriver extends Driver {
  /** what has to be written for arguments to be on the command line of every ordinary boot, but of the recovery entry */
  edits(args: readonly string[]): readonly HostEdit[];
  /** where the host's own arguments are set: named to whoever has to take one out */
  readonly configuredIn: string;
  /** arguments that the host's own configuration sets, without this project's */
  ownArguments(facts: Facts): readonly string[];
  /** arguments that an ordinary boot entry lacks, as far as the facts tell */
  lacks(facts: Facts, args: readonly string[]): readonly string[];
  /** why a trial boot cannot be made with this host's loader as it is set up, and the line to add by hand instead */
  refuse(facts: Facts, args: readonly string[]): readonly Problem[];
}

/** What the initramfs has to do before any other driver can load. */
export interface EarlyBinding {
  readonly modules: readonly string[];
  /** files of the host that the image has to hold: the list of functions, options of modules */
  readonly files: readonly string[];
  /** drivers that have to wait for vfio-pci, which is to take its devices by their ids; none when bound by address */
  readonly rivals: readonly string[];
}

export interface InitramfsDriver extends Driver {
  files(binding: EarlyBinding): readonly ManagedFile[];
  /** effects inside the image that the driver's own files have */
  effects(files: readonly ManagedFile[]): readonly Effect[];
  /** why the binding cannot be made early enough with this host's generator as it is set up */
  refuse?(facts: Facts): readonly Problem[];
}

export interface DistroDriver extends Driver {
  /** what a passthrough host needs installed */
  readonly packages: readonly string[];
  /** what a domain with a TPM needs beside them: swtpm, and the tool that makes its first state */
  readonly tpmPackages: readonly string[];
  /** what folders shared by virtiofs need beside them: its daemon, which QEMU brought itself before version 8 */
  readonly virtiofsPackages: (facts: Facts) => readonly string[];
  /** the package of it that brings OVMF */
  readonly firmwarePackage: FirmwarePackage;
}

export interface HostDrivers {
  readonly bootloader: BootloaderDriver;
  readonly initramfs: InitramfsDriver;
  readonly distro: DistroDriver;
}
