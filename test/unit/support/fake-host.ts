import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Facts } from "../../../components/facts/facts.ts";
import { parseProbe } from "../../../components/probe/parse.ts";
import { FAST } from "../../support/extent.ts";

/** One PCI function of a made-up /sys; `under` is the bridge above it. */
export interface FakeFunction {
  readonly address: string;
  readonly id: string;
  readonly class: string;
  readonly under?: string;
  readonly driver?: string;
  readonly group?: number;
  /** further sysfs files beside vendor, device, subsystem and class */
  readonly files?: Readonly<Record<string, string>>;
}

export type Shell = "dash" | "bash" | "busybox";

/** What starts one of them as a host's sh. */
export const shellCommand = (shell: Shell): readonly [string, ...string[]] =>
  ({ dash: ["dash"] as const, bash: ["bash", "--posix"] as const, busybox: ["busybox", "sh"] as const })[
    shell
  ];
/** Every shell that is some distribution's sh. */
export const EVERY_SHELL: readonly Shell[] = FAST ? ["dash"] : ["dash", "bash", "busybox"];
/** Those that a host's scripts are tested with. */
export const SHELLS: readonly Shell[] = FAST ? ["dash"] : ["dash", "busybox"];

const read = (name: string): string =>
  readFileSync(new URL(`../../../components/probe/${name}.sh`, import.meta.url), "utf8");

/** Everything below these folders is the host's; tools and /dev stay the machine's own. */
const HOST_PATHS = /(?<![\w*}])\/(?=(?:sys|proc|etc|boot|run|lib|var|usr|efi)\/)/g;

/** A made-up root directory. */
export interface FakeRoot {
  /** writes a file of the host */
  file(path: string, content: string): void;
  /** a symbolic link to another path of the host */
  link(path: string, target: string): void;
}

/** PCI functions as sysfs shows them. */
export const plugFunctions = (host: FakeRoot, list: readonly FakeFunction[]): void => {
  const paths = new Map<string, string>();
  for (const { address, id, class: pciClass, under, driver, group, files = {} } of list) {
    const path = `${(under !== undefined && paths.get(under)) || `/sys/devices/pci${address.slice(0, 7)}`}/${address}`;
    paths.set(address, path);
    const [vendor, device] = id.split(":");
    const attributes = {
      vendor: `0x${vendor}`,
      device: `0x${device}`,
      subsystem_vendor: "0x1043",
      subsystem_device: "0x85d8",
      class: `0x${pciClass}`,
      revision: "0xa1",
      numa_node: "-1",
      ...files,
    };
    for (const [name, content] of Object.entries(attributes)) host.file(`${path}/${name}`, content);
    host.link(`/sys/bus/pci/devices/${address}`, path);
    for (const [name, folder, below] of [
      ["driver", driver === undefined ? undefined : `/sys/bus/pci/drivers/${driver}`, ""],
      ["iommu_group", group === undefined ? undefined : `/sys/kernel/iommu_groups/${group}`, "/devices"],
    ] as const)
      if (folder !== undefined) {
        host.link(`${path}/${name}`, folder);
        host.link(`${folder}${below}/${address}`, path);
      }
  }
};

/**
 * A folder that stands for a host's root directory, and the probe's own text run over it: every path of the script
 * that belongs to the host gets the folder in front, nothing else changes. Tools are dash with coreutils, or busybox
 * alone.
 */
export class FakeHost implements FakeRoot {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "vfio-fleet-host-")));
  private readonly tools = mkdtempSync(join(tmpdir(), "vfio-fleet-tools-"));

  /** Writes a file of the host; a trailing newline is added as the kernel has it. */
  file(path: string, content: string | Uint8Array): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, typeof content === "string" ? `${content}\n` : content);
  }

  /** A symbolic link to another path of the host. */
  link(path: string, target: string): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(this.root, target), at);
  }

  /** A symbolic link as /proc/PID/fd has them: the target is text and need not exist. */
  descriptor(path: string, target: string): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(target, at);
  }

  /** A program that prints this text, in place of the machine's own. */
  tool(name: string, output: string): void {
    writeFileSync(join(this.tools, name), `#!/bin/sh\ncat <<'EOF'\n${output}\nEOF\n`, { mode: 0o755 });
  }

  /** A program that fails, as one that only root may use does for a plain user. */
  brokenTool(name: string): void {
    writeFileSync(join(this.tools, name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  }

  /** From now on every start of a program outside the shell is counted. */
  countPrograms(): () => number {
    const log = join(this.tools, "log");
    writeFileSync(log, "");
    const names = "uname cat head tail grep cut sed sort od stat base64 find findmnt dmesg ip dpkg-query";
    for (const name of names.split(" "))
      writeFileSync(
        join(this.tools, name),
        `#!/bin/sh\necho ${name} >>'${log}'\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec ${name} "$@"\n`,
        { mode: 0o755 },
      );
    return () => readFileSync(log, "utf8").split("\n").length - 1;
  }

  functions(list: readonly FakeFunction[]): void {
    plugFunctions(this, list);
  }

  private path(shell: Shell): string {
    if (shell !== "busybox") return `${this.tools}:${process.env["PATH"]}`;
    const applets = join(this.tools, "busybox");
    if (!existsSync(applets)) {
      mkdirSync(applets);
      spawnSync("busybox", ["--install", "-s", applets]);
    }
    return `${this.tools}:${applets}`;
  }

  /** Runs the probe; `cpuMs` is what the shell and everything it started used of the processor. */
  probe(
    shell: Shell,
    question: {
      readonly survey?: boolean | "watch";
      readonly privilege?: Facts["privilege"];
      readonly files?: readonly string[];
      readonly exists?: readonly string[];
      readonly packages?: string;
      readonly look?: readonly string[];
      readonly parameters?: string;
      readonly modinfo?: string;
      readonly symbols?: string;
    } = {},
  ): { readonly facts: Facts; readonly answer: string; readonly cpuMs: number } {
    const nonce = "0123456789abcdef";
    const quote = (paths: readonly string[] = []): string =>
      `'${paths.map((path) => (path.startsWith("/dev/") ? path : this.root + path)).join(" ")}'`;
    const text = `${question.survey ? read("survey") : ""}\n${read("probe")}`
      .replace(/^ *PATH=.*$/m, `PATH='${this.path(shell)}'`)
      .replaceAll(HOST_PATHS, `${this.root}/`);
    const script = [
      `N=${nonce} PRIVILEGE=${question.privilege ?? "root"} LOGIN=op SSH_PEER= SURVEY=${question.survey === true ? "survey" : question.survey || ""}`,
      `FILES=${quote(question.files)} EXISTS=${quote(question.exists)} PACKAGES='${question.packages ?? ""}' PARAMETERS='${question.parameters ?? ""}' MODINFO='${question.modinfo ?? ""}' SYMBOLS='${question.symbols ?? ""}'`,
      `LOOK='${(question.look ?? []).map((path) => (path.startsWith("/") && !path.startsWith("/dev/") ? this.root + path : path)).join("\n")}'`,
      text,
      "times >&3",
    ].join("\n");
    const [command, ...args] = shellCommand(shell);
    const result = spawnSync(command, args, {
      input: script,
      // every byte a character: files of the host are in the answer as they are
      encoding: "latin1",
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
    // paths become the host's own; in files, whose sizes were announced, once the answer has been read
    const clean = (text: string): string => text.replaceAll(this.root, "");
    const [before = "", inside = "", after = ""] = result.stdout.split(
      new RegExp(`(?<=\n@${nonce} contents\n)([^]*?)(?=\n@${nonce} )`),
    );
    const answer = clean(before) + inside + clean(after);
    const times = (result.output[3] ?? "").match(/\d+m[\d.]+s/g) ?? [];
    const cpuMs = times.reduce((sum, time) => {
      const [minutes = "0", seconds = "0"] = time.replace("s", "").split("m");
      return sum + Number(minutes) * 60_000 + Number(seconds) * 1000;
    }, 0);
    if (times.length !== 4) throw new Error(`the probe ended early: ${result.stderr}\n${answer.slice(-500)}`);
    const facts = JSON.stringify(parseProbe(Buffer.from(answer, "latin1"), nonce));
    return { facts: JSON.parse(clean(facts)) as Facts, answer, cpuMs };
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
    rmSync(this.tools, { recursive: true });
  }
}
