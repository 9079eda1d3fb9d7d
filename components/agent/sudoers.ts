import { AGENT, AGENT_FOLDER, PROBE } from "../facts/programs.ts";
import { agentScript } from "./agent-script.ts";
import { probeProgram } from "../probe/probe-program.ts";

/** Where the file belongs: sudo reads every file of that folder whose name holds no dot (sudoers(5), @includedir). */
const SUDOERS = "/etc/sudoers.d/vfio-fleet";

/** Login names that sudoers(5) takes as they are. In capitals they would be the names of aliases, ALL among them. */
const LOGIN = /^[a-z_][a-z0-9_.-]{0,31}$/;

/** Whether a login can stand in a sudoers file. */
export const isSudoersLogin = (login: string): boolean => LOGIN.test(login);

/** The sudoers file for logins that may use sudo for the project's two programs and for nothing else. */
export const sudoersFile = (
  logins: readonly string[],
): string => `# ${SUDOERS}, as 'vfio-fleet sudoers' prints it
# What these logins may do as root. The programs write what boots the host and read what only root reads, so whoever holds
# such a login can make itself root; this file says by which way alone, and sudo's log by which step.
Cmnd_Alias VFIO_FLEET = ${AGENT}, ${PROBE}
# a key with 'restrict' has no terminal; the host's lock tells runs apart by the address that they come from
Defaults!VFIO_FLEET !requiretty, env_keep += "SSH_CONNECTION"
${logins.map((login) => `${login} ALL = (root) NOPASSWD: NOSETENV: VFIO_FLEET\n`).join("")}`;

const document = (name: string, text: string): string => `<<'${name}'\n${text}${name}\n`;

/**
 * What an administrator runs once, as root, to give such logins a host: the programs, which the logins must not be able
 * to write, and the sudoers file. An agent that a stack has put there stays.
 */
export const setupScript = (logins: readonly string[]): string => `#!/bin/sh
# Run as root on a host, by an administrator: sudo sh
set -eu
umask 022
main() {
[ "$(id -u)" = 0 ] || { echo "this has to run as root" >&2; exit 1; }
for login in ${logins.join(" ")}; do
  id -u "$login" >/dev/null || { echo "$login: no such login; make it first (useradd -m $login)" >&2; exit 1; }
done
mkdir -p ${AGENT_FOLDER}
chown root:root ${AGENT_FOLDER}
chmod 755 ${AGENT_FOLDER}
grep -qs '^verb_install' ${AGENT} || place ${AGENT} 755 ${document("END_OF_AGENT", agentScript())}
place ${PROBE} 755 ${document("END_OF_PROBE", probeProgram())}
# looked over before it counts: a mistake in it would lock everybody out of sudo
place ${AGENT_FOLDER}/.sudoers 440 ${document("END_OF_SUDOERS", sudoersFile(logins))}
if ! visudo -cqf ${AGENT_FOLDER}/.sudoers; then rm -f ${AGENT_FOLDER}/.sudoers; exit 1; fi
mv -f ${AGENT_FOLDER}/.sudoers ${SUDOERS}
sync ${SUDOERS}
echo "done: ${logins.join(", ")} may use sudo for vfio-fleet's own programs"
}
place() { cat >"$1.new"; chown root:root "$1.new"; chmod "$2" "$1.new"; sync "$1.new"; mv -f "$1.new" "$1"; }
main
`;
