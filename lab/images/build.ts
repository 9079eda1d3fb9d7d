/** Host images, built once and cached by a hash of everything that goes into them. */
import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { labKeys, type LabKeys } from "../access/keys.ts";
import { withLock } from "../machine/lock.ts";
import { imagesDir } from "../paths.ts";
import { type OnProgress, startProgress } from "../progress.ts";
import { withSignals } from "../machine/signals.ts";
import { snapshotImages } from "../machine/snapshot.ts";
import { readStates } from "../machine/state.ts";
import { type ImageName, type ImageRecipe, IMAGES } from "./recipes.ts";

export interface Image {
  readonly name: ImageName;
  /** Name of the image's folder: the image's name and its recipe's hash. */
  readonly id: string;
  /** A raw disk, the backing file of each host's disk. */
  readonly disk: string;
  /** The image's kernel outside the disk: the KVM check boots it. */
  readonly kernel: string;
}

/** The sudo password of the hosts' user `opw`. It is no login password: sshd accepts keys only. */
export const SUDO_PASSWORD = "lab-sudo";

const MIRROR = "http://deb.debian.org";
const NO_DOCUMENTS = ["doc", "man", "locale", "info", "bash-completion"].map(
  (folder) => `path-exclude=/usr/share/${folder}/*`,
);

/** An initramfs for the hosts' hardware alone, until the recipe's boot script configures it. */
const SMALL_INITRAMFS =
  'mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=list >"$1/etc/initramfs-tools/conf.d/lab"';
const SMALL_DRACUT =
  'mkdir -p "$1/etc/dracut.conf.d" && printf "%s\\n" ' +
  `'hostonly="no"' 'compress="zstd -q -1"' 'omit_dracutmodules+=" kernel-modules kernel-modules-extra "' ` +
  `'add_drivers+=" virtio_pci virtio_blk ext4 "' >"$1/etc/dracut.conf.d/lab.conf"`;

/**
 * The image, built first if the cache does not have it (1 to 3 min). A lock ensures that two callers build it once.
 */
export const image = async (name: ImageName, onProgress?: OnProgress): Promise<Image> => {
  const recipe: ImageRecipe = IMAGES[name];
  const keys = await labKeys();
  const id = `${name}-${await recipeHash(recipe, keys)}`;
  const folder = join(imagesDir(), id);
  if (!existsSync(folder)) {
    const progress = startProgress(`image ${name}`, onProgress);
    try {
      await withLock(
        `image-${name}`,
        async () => {
          if (!existsSync(folder)) await build(name, keys, folder, progress.stage);
        },
        () => progress.stage("waiting for another build of it"),
      );
    } finally {
      progress.stop();
    }
  }
  return { name, id, disk: join(folder, "disk.raw"), kernel: join(folder, "vmlinuz") };
};

const scriptPath = (script: string): string => join(import.meta.dirname, script);

const recipeHash = async (recipe: ImageRecipe, keys: LabKeys): Promise<string> => {
  const texts = await Promise.all(recipe.scripts.map((script) => readFile(scriptPath(script), "utf8")));
  const all = [recipe, keys.publicKey, keys.hostPublicKey, SUDO_PASSWORD, mmdebstrapArguments(recipe), texts];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
};

const build = async (
  name: ImageName,
  keys: LabKeys,
  folder: string,
  stage: (stage: string) => void,
): Promise<void> => {
  stage("starting");
  const recipe: ImageRecipe = IMAGES[name];
  const aside = `${folder}.aside`;
  const work = await newWorkFolder(name);
  const cleanUp = async (): Promise<void> => {
    // It includes mmdebstrap's own folder, which may have mount points.
    await execa("rm", ["-rf", "--one-file-system", work, aside], { reject: false });
  };
  const interruption = new AbortController();
  let bootstrap: Promise<void> = Promise.resolve();
  const onSignal = async (): Promise<void> => {
    interruption.abort();
    await bootstrap.catch(() => undefined);
    await cleanUp();
  };
  await withSignals(onSignal, async () => {
    try {
      const hooks = await Promise.all(
        recipe.scripts.map(async (script, index) => {
          const copy = join(work, `${index}-${basename(script)}`);
          await cp(scriptPath(script), copy);
          await chmod(copy, 0o755);
          return copy;
        }),
      );
      bootstrap = mmdebstrap(recipe, keys, work, hooks, stage, interruption.signal);
      await bootstrap;
      stage("keeping the disk");
      await mkdir(aside, { recursive: true });
      for (const file of ["disk.raw", "vmlinuz"]) {
        await execa("cp", ["--sparse=always", join(work, file), join(aside, file)]);
      }
      await rename(aside, folder);
    } finally {
      await cleanUp();
    }
  });
  await removeUnused(name, folder);
  stage("built");
};

/**
 * An empty folder to build in, outside the cache. Without root, mmdebstrap works as another user of a user namespace,
 * who may not enter a home folder. Leftovers of killed builds are removed, because the builder holds the lock.
 */
const newWorkFolder = async (name: ImageName): Promise<string> => {
  const cache = createHash("sha256").update(imagesDir()).digest("hex").slice(0, 8);
  const prefix = `vfio-fleet-${name}-${cache}-`;
  for (const left of (await readdir(tmpdir())).filter((entry) => entry.startsWith(prefix))) {
    await execa("rm", ["-rf", "--one-file-system", join(tmpdir(), left)], { reject: false });
  }
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await chmod(folder, process.getuid?.() === 0 ? 0o755 : 0o1777);
  return folder;
};

/** Removes older images of that name that no host and no snapshot uses. */
const removeUnused = async (name: ImageName, built: string): Promise<void> => {
  const used = new Set([...readStates().map(({ image }) => image), ...(await snapshotImages())]);
  for (const id of await readdir(imagesDir())) {
    if (id.startsWith(`${name}-`) && id !== basename(built) && !used.has(id)) {
      await rm(join(imagesDir(), id), { recursive: true, force: true });
    }
  }
};

const mmdebstrapArguments = (recipe: ImageRecipe): string[] => {
  const { suite } = recipe;
  const sources = [
    `deb ${MIRROR}/debian ${suite} main`,
    `deb ${MIRROR}/debian ${suite}-updates main`,
    `deb ${MIRROR}/debian-security ${suite}-security main`,
  ];
  return [
    "--variant=minbase",
    "--format=null",
    "--skip=cleanup",
    `--include=${recipe.packages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    ...NO_DOCUMENTS.map((line) => `--dpkgopt=${line}`),
    // Nothing here must survive a power cut, and the initramfs of the first installation is replaced anyway.
    "--dpkgopt=force-unsafe-io",
    `--essential-hook=${recipe.packages.includes("dracut") ? SMALL_DRACUT : SMALL_INITRAMFS}`,
    suite,
    "-",
    ...sources,
  ];
};

const mmdebstrap = async (
  recipe: ImageRecipe,
  keys: LabKeys,
  work: string,
  hooks: readonly string[],
  stage: (stage: string) => void,
  interruption: AbortSignal,
): Promise<void> => {
  const args = [...mmdebstrapArguments(recipe), ...hooks.map((hook) => `--customize-hook=${hook}`)];
  const run = execa("mmdebstrap", args, {
    env: {
      TMPDIR: work,
      LAB_OUT: work,
      LAB_ROOT_UUID: recipe.rootUuid,
      LAB_ROOT_PARTUUID: recipe.rootPartUuid,
      LAB_ESP_UUID: recipe.espUuid,
      LAB_ESP_MIB: String(recipe.espMiB),
      LAB_DISK_MIB: String(recipe.diskMiB),
      LAB_KERNEL_ARGUMENTS: recipe.kernelArguments.join(" "),
      LAB_PUBLIC_KEY: keys.publicKey,
      LAB_HOST_KEY: keys.hostKey,
      LAB_HOST_PUBLIC_KEY: keys.hostPublicKey,
      LAB_SUDO_PASSWORD: SUDO_PASSWORD,
    },
    stdin: "ignore",
    all: true,
    reject: false,
    // Its own process group: mmdebstrap itself ignores signals and expects its children to get them too.
    detached: true,
    cleanup: false,
  });
  interruption.addEventListener("abort", () => {
    signalGroup(run.pid, "SIGINT");
    setTimeout(() => signalGroup(run.pid, "SIGKILL"), 10_000).unref();
  });
  for await (const line of run.iterable({ from: "all" })) {
    const note = /^I: (.*)/.exec(line)?.[1];
    if (note !== undefined) stage(describe(note));
  }
  const { failed, all } = await run;
  if (!failed) return;
  if (interruption.aborted) throw new Error("interrupted");
  const log = join(imagesDir(), "failed-build.log");
  await mkdir(imagesDir(), { recursive: true });
  await writeFile(log, all);
  throw new Error(
    [
      `image ${recipe.suite}: mmdebstrap failed; the full output is in ${log}`,
      ...all.split("\n").filter((line) => /^(E|W): /.test(line)),
      ...all.split("\n").slice(-15),
      "Check that the Debian mirror is reachable and that ./setup was run. Without root, mmdebstrap needs the package uidmap.",
    ].join("\n"),
  );
};

const signalGroup = (leader: number | undefined, signal: NodeJS.Signals): void => {
  try {
    if (leader !== undefined) process.kill(-leader, signal);
  } catch {
    // The process group has ended.
  }
};

/** mmdebstrap's notes name its temporary folders; only their subject is worth a line. */
const describe = (note: string): string => {
  const hook = /running --customize-hook directly: .*\/\d+-(\S+)/.exec(note)?.[1];
  return hook === undefined ? note.replace(/\.\.\.$/, "") : `running ${hook}`;
};
