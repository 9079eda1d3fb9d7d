import { PROBE } from "../facts/programs.ts";
import { probeCall } from "./probe-program.ts";
import { commandLine, quote } from "../ssh/quote.ts";

/** What is wanted of a host as root, in both forms that a login may have it in. */
export interface Wanted {
  /** for sh, where the login is root or its sudo allows a shell */
  readonly script: string;
  /** the same by a program of ours, where the login's sudo allows nothing else (vfio-fleet sudoers) */
  readonly program: readonly string[];
  /** of that program */
  readonly input: string;
}

/**
 * A script for sh that has something done as root where the login can: as root itself, by a sudo that allows our programs
 * alone, by sudo without a password, by sudo with the password if there is one; otherwise as the plain user. The script is
 * told how it runs: PRIVILEGE, LOGIN, SSH_PEER. It stands in a variable, so it has arrived as a whole before any of it
 * runs, and as root the shell that read it runs it: one process.
 */
export const elevated = (
  { script, program, input }: Wanted,
  sudoPassword: string | undefined,
): string => `SCRIPT=${quote(script)}
INPUT=${quote(input)}
SECRET=${quote(sudoPassword ?? "")}
SSH_PEER=\${SSH_CONNECTION:-} LOGIN=\${LOGNAME:-\${USER:-}} PRIVILEGE=none allowed=
# the kernel says it without a process
uid=; while read -r key uid _ && [ "$key" != Uid: ]; do :; done 2>/dev/null </proc/self/status
[ -n "$uid" ] || uid=$(id -u)
if [ "$uid" = 0 ]; then PRIVILEGE=root
else
if [ -x ${PROBE} ]; then sudo -n ${commandLine(probeCall("check"))} >/dev/null 2>&1; allowed=$?; fi
if [ "$allowed" = 0 ]; then PRIVILEGE=sudo-agent; set -- sudo -n ${commandLine(program)}
elif sudo -n true 2>/dev/null; then PRIVILEGE=sudo; set -- sudo -n sh
elif [ -n "$SECRET" ]; then PRIVILEGE=sudo-password; set -- sudo -k -S -p "" sh
elif [ "$allowed" = 4 ]; then PRIVILEGE=sudo-agent-old; fi; fi
# arguments stand for a program that has to be started; sudo reads the password first, the program what comes after it
if [ $# = 0 ]; then eval "$SCRIPT"
elif [ $PRIVILEGE = sudo-agent ]; then printf %s "$INPUT" | "$@"
else
{ [ $PRIVILEGE != sudo-password ] || printf '%s\\n' "$SECRET"
printf 'PRIVILEGE=%s LOGIN=%s SSH_PEER="%s"\\n%s\\n' $PRIVILEGE "$LOGIN" "$SSH_PEER" "$SCRIPT"; } | "$@"; fi
`;
