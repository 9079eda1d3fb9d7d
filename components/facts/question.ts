/** A module whose parameters are in question, unless a receipt says that this very file was written after a check. */
export interface ModuleQuestion {
  readonly module: string;
  readonly receipt: string;
  /** of the file's content */
  readonly sha256: string;
}

/** Lines of a file that is too long, or holds too much else, to be a fact as a whole. */
export interface Excerpt {
  readonly path: string;
  /** the lines that are wanted */
  readonly lines: RegExp;
}

/** Globs of boot images: of those that an initramfs generator builds, and of those that a trial boots. */
export interface InitramfsImages {
  readonly built: readonly string[];
  readonly trials: readonly string[];
}

/** What a host is asked in one round trip. */
export interface ProbeQuestion {
  /** paths whose content is wanted; globs are expanded on the host */
  readonly files: readonly string[];
  readonly excerpts?: readonly Excerpt[];
  /** paths that may be there or not; globs are expanded on the host */
  readonly exists: readonly string[];
  /** disks, media and folders of which more is wanted than that they are there; `pool/POOL/VOLUME` is a volume */
  readonly look?: readonly string[];
  readonly packages: readonly string[];
  /** programs of initramfs generators, whose paths are wanted */
  readonly tools?: readonly string[];
  readonly images?: InitramfsImages;
  /** modules whose parameters are wanted; `*` for all */
  readonly parameters: readonly string[];
  /** modules whose parameters are to be checked before they are set */
  readonly modinfo?: readonly ModuleQuestion[];
  /** kernel functions that only some kernels have */
  readonly symbols?: readonly string[];
  /** what explains a host beyond what a plan looks at; costs the host about as much as all the rest */
  readonly survey?: boolean;
}
