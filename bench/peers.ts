import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bed, BedHost } from "../test/support/bed/bed.ts";

/** What is measured of each tool. */
export type Phase = "apply" | "again" | "dry";

/** A way to do the job: the commands of each phase; undefined for what it cannot do. */
export interface Peer {
  readonly name: string;
  command(phase: Phase): {
    readonly argv: readonly string[];
    readonly env?: Record<string, string>;
    readonly cwd?: string;
  };
}

const JOB = join(import.meta.dirname, "job");

const MODES: Readonly<Record<string, string>> = { "755": "755", "644": "644" };

interface JobFiles {
  /** that the files lie in and a fresh host does not have */
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly mode: string }[];
  readonly block: string;
}

/** Takes the job's files from a host that vfio-fleet has set up. */
export const takeJob = (host: BedHost, folder: string): JobFiles => {
  mkdirSync(join(folder, "files"), { recursive: true });
  const paths = host
    .run("cd /var/lib/vfio-fleet/receipts && ls -d %* | tr % /")
    .split("\n")
    .filter((path) => path !== "/etc/libvirt/qemu.conf");
  const files = paths.map((path) => {
    writeFileSync(join(folder, "files", path.replaceAll("/", "%")), readFileSync(join(host.root, path)));
    return { path, mode: MODES[host.run(`stat -c %a ${path}`)] ?? "644" };
  });
  const block = host.run(
    "sed -n '/^# BEGIN vfio-fleet/,/^# END vfio-fleet/p' /etc/libvirt/qemu.conf | sed '1d;$d'",
  );
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  const job = { folders, files, block };
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  return job;
};

/** ssh_config, known hosts and the inventories of both tools. */
export const writeInventories = (bed: Bed, folder: string): void => {
  const hosts = bed.hosts;
  writeFileSync(
    join(folder, "known_hosts"),
    hosts.map(({ port, connection }) => `[127.0.0.1]:${port} ${connection.hostKey}\n`).join(""),
  );
  writeFileSync(
    join(folder, "ssh_config"),
    hosts
      .map(
        ({ name, port, connection }) =>
          `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${connection.user}\n  IdentityFile ${connection.privateKeyFile}\n`,
      )
      .join("") +
      `Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n  StrictHostKeyChecking yes\n  BatchMode yes\n`,
  );
  const options = `-o UserKnownHostsFile=${folder}/known_hosts`;
  writeFileSync(
    join(folder, "hosts.ini"),
    hosts
      .map(
        ({ name, port, connection }) =>
          `${name} ansible_host=127.0.0.1 ansible_port=${port} ansible_user=${connection.user} ansible_ssh_private_key_file=${connection.privateKeyFile} ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='${options}'\n`,
      )
      .join(""),
  );
  const entries = hosts.map(
    ({ name, port, connection }) =>
      `    ("${name}", {"ssh_hostname": "127.0.0.1", "ssh_port": ${port}, "ssh_user": "${connection.user}", "ssh_key": "${connection.privateKeyFile}", "ssh_known_hosts_file": "${folder}/known_hosts"}),\n`,
  );
  writeFileSync(join(folder, "hosts.py"), `hosts = [\n${entries.join("")}]\n`);
};

const hereDocument = (call: string, text: string): string =>
  `${call} <<'WANTED_END'\n${text}${text.endsWith("\n") ? "" : "\n"}WANTED_END\n`;

/** The floor's script, whole. */
const writeFloor = (job: JobFiles, folder: string): void => {
  const calls = job.files.map(({ path, mode }) =>
    hereDocument(
      `wanted ${path} ${mode} yes`,
      readFileSync(join(folder, "files", path.replaceAll("/", "%")), "utf8"),
    ),
  );
  const block = `block() {\n${hereDocument("cat", `# BEGIN vfio-fleet\n${job.block}\n# END vfio-fleet\n`)}}\n`;
  const text = `files() {\n${calls.join("")}}\n${block}${readFileSync(join(JOB, "apply.sh"), "utf8")}`;
  for (const mode of ["apply", "check"]) writeFileSync(join(folder, `${mode}.sh`), `MODE=${mode}\n${text}`);
};

/** Ansible and pyinfra in a Python environment of their own, installed once. */
export const installPeers = (cache: string): string => {
  const folder = join(cache, "bench-python");
  const python = join(folder, "bin/python");
  const wanted = readFileSync(join(import.meta.dirname, "requirements.txt"), "utf8");
  const stamp = join(folder, "requirements.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return folder;
  execFileSync(process.env["PYTHON"] ?? "python3", ["-m", "venv", "--clear", folder], { stdio: "inherit" });
  execFileSync(
    python,
    ["-m", "pip", "install", "--quiet", "-r", join(import.meta.dirname, "requirements.txt")],
    {
      stdio: "inherit",
    },
  );
  writeFileSync(stamp, wanted);
  return folder;
};

const ansible = (
  name: string,
  config: string,
  python: string,
  folder: string,
  more: Record<string, string> = {},
): Peer => ({
  name,
  command: (phase) => ({
    argv: [
      join(python, "bin/ansible-playbook"),
      "-i",
      join(folder, "hosts.ini"),
      "-e",
      `@${join(folder, "vars.json")}`,
      join(JOB, "site.yml"),
      ...(phase === "dry" ? ["--check", "--diff"] : []),
    ],
    env: {
      ANSIBLE_CONFIG: join(JOB, config),
      ANSIBLE_HOME: join(folder, "ansible"),
      PATH: `${python}/bin:${process.env["PATH"]}`,
      ...more,
    },
  }),
});

/** Everybody but vfio-fleet. */
export const peers = (job: JobFiles, folder: string, python: string): readonly Peer[] => {
  writeFloor(job, folder);
  writeFileSync(join(folder, "vars.json"), JSON.stringify({ job, files_folder: join(folder, "files") }));
  const mitogen = execFileSync(
    join(python, "bin/python"),
    ["-c", "import ansible_mitogen, os; print(os.path.dirname(ansible_mitogen.__file__))"],
    { encoding: "utf8" },
  ).trim();
  return [
    {
      name: "ssh (floor)",
      command: (phase) => ({
        argv: [
          "sh",
          "-c",
          `sed -n 's/^Host \\(h.*\\)/\\1/p' ssh_config | xargs -P 64 -I{} sh -c 'exec ssh -T -F ssh_config {} sh -s <${phase === "dry" ? "check" : "apply"}.sh >/dev/null'`,
        ],
        cwd: folder,
      }),
    },
    {
      name: "pyinfra",
      command: (phase) => ({
        argv: [
          join(python, "bin/pyinfra"),
          "-y",
          join(folder, "hosts.py"),
          join(JOB, "deploy.py"),
          ...(phase === "dry" ? ["--dry", "--diff"] : []),
        ],
        env: { JOB: folder },
        cwd: folder,
      }),
    },
    ansible("Ansible + Mitogen", "tuned.cfg", python, folder, {
      ANSIBLE_STRATEGY_PLUGINS: join(mitogen, "plugins/strategy"),
      ANSIBLE_STRATEGY: "mitogen_linear",
    }),
    ansible("Ansible, tuned", "tuned.cfg", python, folder),
    ansible("Ansible", "default.cfg", python, folder),
  ];
};
