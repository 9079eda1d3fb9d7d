import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HostDrivers } from "../../../components/plan/driver.ts";
import { AGENT } from "../../../components/facts/programs.ts";
import { keyWord, lengthOf } from "../../../components/plan/step.ts";
import { agentScript } from "../../../components/agent/agent-script.ts";
import { shellCommand, type Shell } from "./fake-host.ts";

/** Everything below these folders is the host's; tools and the rest of /dev stay the machine's own. */
const HOST_PATHS = /(?<![\w*}$])\/(?=(?:sys|proc|etc|boot|run|lib|var|usr|efi|dev\/disk)(?:[/\s"');|]|$))/gm;

/** The keys of steps as the plans have them. Steps that undo have none. */
const KEYS: Readonly<Record<string, (...words: readonly string[]) => string>> = {
  ...Object.fromEntries(["file", "block", "words", "rom", "dump"].map((verb) => [verb, (path = "") => path])),
  ...Object.fromEntries(
    ["boot", "reboot", "prove", "packages", "libvirtd"].map((verb) => [verb, () => verb]),
  ),
  domain: (name) => `domain ${name}`,
  run: (name) => `run ${name}`,
  shutdown: (name) => `run ${name}`,
  media: (name, path) => `media ${name} ${path}`,
  grow: (_, pool, volume) => `size ${pool}/${volume}`,
};

/** A step's words with those that every caller adds: its key where it has one, and the length of its input. */
export const stepWords = (words: readonly string[], input: string): readonly string[] => {
  const [verb = "", ...more] = words;
  const key = KEYS[verb]?.(...more);
  const lacks = (name: string): boolean => !words.some((word) => word.startsWith(`${name}=`));
  return [
    ...words,
    ...(key !== undefined && lacks("key") ? [keyWord({ key })] : []),
    ...(lacks("bytes") ? [lengthOf(input)] : []),
  ];
};

export interface Ran {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * The host agent's own text over a made-up root directory: every path of the host gets the folder in front, nothing
 * else changes. Tools of the host that would act on the machine are programs in a folder at the head of PATH; each of
 * their calls is written down.
 */
export class FakeAgent {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "vfio-fleet-agent-")));
  private readonly tools = mkdtempSync(join(tmpdir(), "vfio-fleet-tools-"));
  private readonly log = join(this.tools, ".calls");
  private readonly script = join(this.tools, ".agent");
  private readonly shell: Shell;

  constructor(drivers: HostDrivers, shell: Shell) {
    this.shell = shell;
    writeFileSync(this.log, "");
    this.drivers(drivers);
    this.file("/proc/sys/kernel/random/boot_id", "boot-1");
    this.file("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64 root=UUID=a52b ro quiet");
    for (const folder of ["/run", "/boot", "/var/tmp", "/usr/local/lib", "/etc"])
      mkdirSync(join(this.root, folder), { recursive: true });
    // no module of a made-up kernel is known to the machine's own modinfo
    for (const name of ["flock", "sync", "modinfo", "grub-probe"]) this.tool(name, ":");
    this.tool("id", "echo 0");
    this.tool("uname", "echo 6.1.0-37-amd64");
  }

  /** The drivers whose parts the agent is put together from. */
  drivers(drivers: HostDrivers): void {
    writeFileSync(this.script, this.onHost(agentScript(drivers)));
  }

  private onHost(text: string): string {
    return text
      .replaceAll(/^ *PATH=.*$/gm, `PATH='${this.tools}:${process.env["PATH"]}'`)
      .replaceAll(HOST_PATHS, `${this.root}/`);
  }

  /** Runs another program of the host, as something there would. */
  program(text: string, words: readonly string[], input = ""): Ran {
    const file = join(this.tools, ".program");
    writeFileSync(file, this.onHost(text));
    const [command, ...args] = shellCommand(this.shell);
    return this.spawn(command, [...args, file, ...words], input);
  }

  /** The agent lies where a step has installed it. */
  install(): void {
    this.file("/usr/local/lib/vfio-fleet/host", readFileSync(this.script, "utf8"), { mode: 0o755 });
  }

  /** Writes a file of the host, with a trailing newline unless it is to be taken as it is. */
  file(
    path: string,
    content: string,
    options: { readonly mode?: number; readonly exact?: boolean } = {},
  ): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, options.exact ? content : `${content}\n`);
    chmodSync(at, options.mode ?? 0o644);
  }

  rename(path: string, to: string): void {
    renameSync(join(this.root, path), join(this.root, to));
  }

  link(path: string, target: string): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(this.root, target), at);
  }

  /** The link leads somewhere else now. */
  relink(path: string, target: string): void {
    rmSync(join(this.root, path));
    this.link(path, target);
  }

  folder(path: string): void {
    mkdirSync(join(this.root, path), { recursive: true });
  }

  /** A program in place of the machine's own: lines of shell; `$ROOT` is the made-up root. */
  tool(name: string, lines: string): void {
    writeFileSync(
      join(this.tools, name),
      `#!/bin/sh\nROOT='${this.root}'\necho "${name} $*" >>'${this.log}'\n${lines}\n`,
      { mode: 0o755 },
    );
  }

  /** From now on a program that is there already fails when its arguments hold this word. */
  refuse(name: string, word: string, message: string): void {
    const at = join(this.tools, name);
    const [shebang = "", ...lines] = readFileSync(at, "utf8").split("\n");
    const refusal = `case " $* " in *" ${word} "*) echo "${message}" >&2; exit 1 ;; esac`;
    writeFileSync(at, [shebang, refusal, ...lines].join("\n"), { mode: 0o755 });
  }

  /** For sshd's ForceCommand: what a client asks for, with a script on its input that meets this host instead of the machine. */
  forceCommand(): string {
    const file = join(this.tools, ".forced");
    const edits = [
      `s#^ *PATH=.*#PATH='${this.tools}':$PATH#`,
      `s#\\(^\\|[^A-Za-z0-9_*}$]\\)/\\(sys\\|proc\\|etc\\|boot\\|run\\|lib\\|var\\|usr\\|efi\\)/#\\1${this.root}/\\2/#g`,
    ];
    const shell = shellCommand(this.shell).join(" ");
    writeFileSync(
      file,
      // the made-up id says that root logged in, whoever runs the test; what the agent reads has to stay as long as it was
      `#!/bin/sh\nPATH='${this.tools}':$PATH\ncase $SSH_ORIGINAL_COMMAND in *${AGENT}\\ *) exec ${shell} -c "$SSH_ORIGINAL_COMMAND" ;; esac\nsed ${edits.map((edit) => `-e "${edit}"`).join(" ")} | ${shell} -c "$SSH_ORIGINAL_COMMAND"\n`,
      { mode: 0o755 },
    );
    return file;
  }

  /** Calls of the tools since the last question, host paths as the host sees them. */
  calls(...names: readonly string[]): string[] {
    const found = readFileSync(this.log, "utf8").replaceAll(this.root, "").trimEnd().split("\n");
    writeFileSync(this.log, "");
    return names.length === 0 ? found : found.filter((call) => names.includes(call.split(" ")[0] ?? ""));
  }

  read(path: string): string | undefined {
    const at = join(this.root, path);
    return existsSync(at) ? readFileSync(at, "utf8").replaceAll(this.root, "") : undefined;
  }

  /** A file's bytes as they are. */
  bytes(path: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.root, path)));
  }

  /** A symbolic link as /proc/PID/fd has them: the target is text and need not exist. */
  descriptor(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(target, join(this.root, path));
  }

  /** What a step on this key noted; a file's key is its path. */
  receipt(key: string): Record<string, string> | undefined {
    const name = (key.startsWith("/") ? this.root + key : key).replaceAll("/", "%").replaceAll(" ", "_");
    const text = this.read(`/var/lib/vfio-fleet/receipts/${name}`);
    return text === undefined
      ? undefined
      : Object.fromEntries(
          text
            .split("\n")
            .flatMap((line) => (line === "" ? [] : [[line.split("=")[0], line.replace(/^[^=]*=/, "")]])),
        );
  }

  list(path: string): string[] {
    const at = join(this.root, path);
    return existsSync(at) ? readdirSync(at).sort() : [];
  }

  private command(words: readonly string[]): readonly [string, ...string[]] {
    const paths = words.map((word) => word.replace(/^(key=)?(?=\/)/, `$1${this.root}`));
    return [...shellCommand(this.shell), this.script, ...paths];
  }

  /** Calls a verb of the agent as a step does; `from` is the address that the connection comes from. */
  run(words: readonly string[], input = "", from?: string): Ran {
    const [command, ...args] = this.command(stepWords(words, input));
    const env = {
      ...process.env,
      ...(from !== undefined && { SSH_CONNECTION: `${from} 40022 192.0.2.10 22` }),
    };
    return this.spawn(command, args, input, env);
  }

  /** Calls a verb whose input has yet to come. */
  start(words: readonly string[]): ChildProcessWithoutNullStreams {
    const [command, ...args] = this.command(words);
    return spawn(command, args);
  }

  /** Calls functions of the agent's text, which a verb would reach by a longer way. */
  call(lines: string, input = ""): Ran {
    const text = readFileSync(this.script, "utf8").split("# ---- dispatch")[0] ?? "";
    const body = `${text}\nmkdir -p $STATE/receipts $STATE/kept $BOOT\n${lines.replaceAll(HOST_PATHS, `${this.root}/`)}\n`;
    const [command, ...args] = shellCommand(this.shell);
    return this.spawn(command, [...args, "-c", body], input);
  }

  private spawn(command: string, args: readonly string[], input: string, env = process.env): Ran {
    const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: "utf8", env });
    const shown = (text: string): string => text.replaceAll(this.root, "");
    return { status, output: shown(stdout), errors: shown(stderr) };
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
    rmSync(this.tools, { recursive: true });
  }
}

/** grub-editenv over a file of NAME=VALUE lines, as the real one answers. */
export const GRUB_EDITENV = `file=$1; action=$2; shift 2
case $action in
  list) cat "$file" 2>/dev/null ;;
  set) name=\${1%%=*}; { grep -v "^$name=" "$file" 2>/dev/null; echo "$1"; } >"$file.new"; mv "$file.new" "$file" ;;
  unset) grep -v "^$1=" "$file" >"$file.new"; mv "$file.new" "$file" ;;
esac
exit 0`;
