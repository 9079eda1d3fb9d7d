import type { FirmwareImage } from "./domain/resolve/firmware-images.ts";
import type { HostEdit } from "./edit.ts";
import type { Effect } from "./kernel/effects.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import type { Excerpt, InitramfsImages } from "../facts/question.ts";
import type { ManagedFile } from "./step.ts";

/**
 * A driver knows one tool of a host, and everything that is true of this tool alone. `detect` looks at what is in use
 * there, not at what lies around. `scripts` are the part of the agent that speaks to the tool; driver-shell.ts names the
 * functions that it has to define and may define. What the driver has to know of a host it asks: every
 * host is asked what all drivers ask, so the questions are few and small. The rest is pure.
 *
 * A driver lies in components/drivers/KIND/TOOL with its hosts/: recordings of hosts that use the tool, on which the
 * tests of all drivers run (test/unit/support/recorded-hosts.ts says what a recording holds). One entry in
 * components/drivers/registry.ts makes it known.
 */
interface Driver {
  readonly name: string;
  detect(facts: Facts): boolean;
  /** in this order; no two of them define a function of the same name */
  readonly scripts: readonly URL[];
  /** files that the driver has to see, whole: `facts.files` */
  readonly reads?: readonly string[];
  /** files of which it has to see some lines: `facts.excerpts` */
  readonly excerpts?: readonly Excerpt[];
  /** files that are read only when a host is to be explained: `facts.files` */
  readonly readsToExplain?: readonly string[];
  /** paths whose being there tells something: `facts.exists` */
  readonly looksFor?: readonly string[];
  /** packages whose being installed tells something: `facts.packages` */
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
  /** programs whose being there tells something: `facts.initramfs.tools` has their paths */
  readonly tools: readonly string[];
  /** globs of the images that the generator builds, and of those that a trial boots: `facts.initramfs.images`, `facts.boot.freeBytes` */
  readonly images: InitramfsImages;
  files(binding: EarlyBinding): readonly ManagedFile[];
  /** effects inside the image that the driver's own files have */
  effects(files: readonly ManagedFile[]): readonly Effect[];
  /** why the binding cannot be made early enough with this host's generator as it is set up */
  refuse?(facts: Facts): readonly Problem[];
}

/**
 * How a host is asked for its packages. The probe's own text holds the queries of all distributions, as a question is
 * data and never a program; it runs the first one whose program the host has.
 */
export interface PackageQuery {
  readonly program: string;
  /** one line of sh; the names are "$@", and of each package it prints `NAME VERSION installed` */
  readonly command: string;
}

export interface DistroDriver extends Driver {
  readonly packageQuery: PackageQuery;
  /** what a passthrough host needs installed */
  readonly packages: readonly string[];
  /** what a domain with a TPM needs beside them: swtpm, and the tool that makes its first state */
  readonly tpmPackages: readonly string[];
  /** what folders shared by virtiofs need beside them: its daemon, which QEMU brought itself before version 8 */
  readonly virtiofsPackages: (facts: Facts) => readonly string[];
  /** software and the packages that carry its version, of which the first that is installed counts */
  readonly versions: Readonly<Record<string, readonly string[]>> & {
    readonly libvirt: readonly string[];
    readonly QEMU: readonly string[];
  };
  /** the version that a project itself gave its software, from that of a package; undefined where there is none in it */
  upstreamVersion(version: string): string | undefined;
  readonly firmware: {
    /** the package, one of `packages`, that brings OVMF */
    readonly package: string;
    /** the images in it, the ones to be preferred first */
    readonly images: readonly FirmwareImage[];
    /** images of older releases of it, which a host may still have */
    readonly older?: readonly FirmwareImage[];
    /** glob of all firmware that the package may bring: `facts.exists`, when a host is to be explained */
    readonly files: string;
  };
}

export interface HostDrivers {
  readonly bootloader: BootloaderDriver;
  readonly initramfs: InitramfsDriver;
  readonly distro: DistroDriver;
}
