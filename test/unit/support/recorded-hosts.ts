import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { driverQuestion } from "../../../components/drivers/question.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";
import { FakeHost } from "./fake-host.ts";

const DRIVERS = fileURLToPath(new URL("../../../components/drivers/", import.meta.url));
const LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** host.json of a recorded host: what is no file of it. */
const descriptionSchema = z.strictObject({
  driver: z.string().describe("the name of the driver that has to recognise the host"),
  about: z.string(),
  loaderInfo: z.string().optional().describe("the efivar LoaderInfo"),
  exists: z.array(z.string()).default([]).describe("files that are there, whatever is in them"),
  refused: z
    .string()
    .optional()
    .describe(
      "of a loader that is recognised only: what the remedy says, with iommu=pt for the wanted argument",
    ),
  menu: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      "files that the loader's own tool makes, and a pattern of the lines that it ends with the arguments",
    ),
  versions: z.strictObject({ libvirt: z.string().optional(), QEMU: z.string().optional() }).optional(),
  kernel: z.string().optional().describe("name of the kernel's file, where it has one of its own"),
  image: z.string().optional().describe("name of the file of its initramfs"),
  without: z
    .array(z.string())
    .default([])
    .describe("programs that the host lacks, whatever this machine has"),
});

/**
 * A recording of a host beside the driver of a tool that it uses, components/drivers/KIND/TOOL/hosts/NAME:
 * - host.json
 * - root/: files of the host
 * - tools/: programs of the host, as lines of sh. ROOT is the host's root directory, `cut` stands before each write of a
 *   file that a boot needs, ROOT/arguments holds the arguments that the host's configuration wants by now, and ROOT/image
 *   the image that a generator builds by now.
 * - boot: lines of sh, what happens when the host boots: for each disk that it may boot from a line `disk`, then
 *   `initrd PATH` for each image and `arguments …`. A choice for one boot is used up. It fails when it finds half a file.
 */
export interface RecordedHost extends z.infer<typeof descriptionSchema> {
  readonly kind: Kind;
  readonly name: string;
  readonly root: Readonly<Record<string, string>>;
  readonly tools: Readonly<Record<string, string>>;
  readonly boot: string | undefined;
}
type Kind = "bootloader" | "initramfs" | "distro";

const filesBelow = (folder: string): Record<string, string> =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder, { recursive: true, encoding: "utf8" })
          .filter((path) => statSync(join(folder, path)).isFile())
          .map((path) => [path, readFileSync(join(folder, path), "utf8")]),
      )
    : {};

/** The recorded hosts of all tools of a kind. */
export const recordedHosts = (kind: Kind): RecordedHost[] =>
  readdirSync(join(DRIVERS, kind)).flatMap((tool) => {
    const hosts = join(DRIVERS, kind, tool, "hosts");
    if (!existsSync(hosts)) return [];
    return readdirSync(hosts).map((name): RecordedHost => {
      const { "host.json": description = "{}", boot } = filesBelow(join(hosts, name));
      return {
        ...descriptionSchema.parse(JSON.parse(description)),
        kind,
        name: `${tool}/${name}`,
        root: Object.fromEntries(
          Object.entries(filesBelow(join(hosts, name, "root"))).map(([path, text]) => [`/${path}`, text]),
        ),
        tools: filesBelow(join(hosts, name, "tools")),
        boot,
      };
    });
  });

/** One of them by its tool and name. */
export const recordedHost = (kind: Kind, name: string): RecordedHost => {
  const found = recordedHosts(kind).find((host) => host.name === name);
  if (!found) throw new Error(`there is no recorded host ${name}`);
  return found;
};

/** A program of a recorded host where no power is cut. */
export const toolOf = ({ tools }: RecordedHost, name: string): string => `cut() { :; }\n${tools[name]}`;

/** What every host has, recorded or not. */
const EVERYWHERE = {
  "/proc/sys/kernel/hostname": "recorded",
  "/proc/sys/kernel/random/boot_id": "1",
  "/proc/sys/kernel/osrelease": "6.1.0-37-amd64",
  "/proc/cpuinfo": "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx",
  "/proc/self/mountinfo": "25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n",
};

/** What the drivers' own questions bring to light about the host. */
export const probed = ({ root, tools, exists, loaderInfo }: RecordedHost): Facts => {
  const host = new FakeHost();
  try {
    for (const path of exists) host.file(path, "");
    for (const [path, content] of Object.entries({ ...EVERYWHERE, ...root }))
      host.file(path, new TextEncoder().encode(content));
    if (loaderInfo !== undefined) host.file(LOADER_INFO, Buffer.from(`\u{6}\0${loaderInfo}\0`, "utf16le"));
    for (const [name, lines] of Object.entries(tools)) host.program(name, lines);
    const { packages, ...question } = driverQuestion;
    // busybox has no programs of this machine beside its own
    return host.probe("busybox", { ...question, packages: packages.join(" ") }).facts;
  } finally {
    host.remove();
  }
};

/** The facts of a host with cards that was booted as the recorded one, and is the same in what the drivers look at. */
export const factsOf = (host: RecordedHost): Facts => {
  const base = xeonFacts();
  const { kernel, cmdline, files, excerpts, exists, boot } = probed(host);
  const { efi, loaderInfo, bootFilesystem, bootDevice = "" } = boot;
  return {
    ...base,
    kernel,
    cmdline,
    files,
    ...(excerpts && { excerpts }),
    exists: [...exists, ...base.exists.filter((path) => path.startsWith("/sys/"))],
    boot: { efi, loaderInfo, bootFilesystem, bootDevice },
  };
};
