import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bed } from "../test/support/bed/bed.ts";
import type { BedFleet } from "../test/support/bed/stacks.ts";
import { FLOOR, type Phase } from "./figures.ts";
import type { JobFiles } from "./job.ts";
import type { Command } from "./measure.ts";

/** A tool for the job, with its command for each phase. */
export interface Peer {
  readonly name: string;
  command(phase: Phase, fleet: BedFleet): Command;
}

const JOB = join(import.meta.dirname, "job");

/** Writes ssh_config, known hosts and the inventories of both tools. */
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

/** Writes the complete script of the floor. */
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

const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");

/** Installs Ansible and pyinfra once, in their own Python environment; `PYTHON` names the Python. */
export const installPeers = (cache: string): string => {
  const folder = join(cache, "bench-python");
  const from = process.env["PYTHON"] ?? "python3";
  const stamp = join(folder, "installed");
  const wanted = `${from}\n${readFileSync(REQUIREMENTS, "utf8")}`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return folder;
  execFileSync(from, ["-m", "venv", "--clear", folder], { stdio: "inherit" });
  execFileSync(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], {
    stdio: "inherit",
  });
  writeFileSync(stamp, wanted);
  return folder;
};

const VERSIONS = `import platform
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in ("ansible-core", "mitogen", "pyinfra")) + f", Python {platform.python_version()}")`;

/** The installed versions as text: an older Python gets an older Ansible. */
export const peerVersions = (python: string): string =>
  execFileSync(join(python, "bin/python"), ["-c", VERSIONS], { encoding: "utf8" }).trim();

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

/** This project, which finds the hosts in its stack files. */
export const own: Peer = {
  name: "vfio-fleet",
  command: (phase, fleet) => ({
    argv: ["node", "fleet/main.ts", phase === "dry" ? "status" : "up", ...fleet.names],
    env: { ...fleet.environment },
    cwd: join(import.meta.dirname, ".."),
  }),
};

/** All other tools. */
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
      name: FLOOR,
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
