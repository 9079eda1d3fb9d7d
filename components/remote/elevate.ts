import { quote } from "./quote.ts";

/** The command that `elevated` is the input of: every login shell can start it. */
export const SHELL = "sh";

/**
 * A script for sh that runs another one as root where the login can: as root itself, by sudo without a password, by
 * sudo with the password if there is one; otherwise as the plain user. That script is told how it runs: PRIVILEGE,
 * LOGIN, SSH_PEER. It stands in a variable, so it has arrived as a whole before any of it runs, and as root the
 * shell that read it runs it: one process.
 */
export const elevated = (script: string, sudoPassword: string | undefined): string => `SCRIPT=${quote(script)}
SECRET=${quote(sudoPassword ?? "")}
SSH_PEER=\${SSH_CONNECTION:-} LOGIN=\${LOGNAME:-\${USER:-}} PRIVILEGE=none
# the kernel says it without a process
uid=; while read -r key uid _ && [ "$key" != Uid: ]; do :; done 2>/dev/null </proc/self/status
[ -n "$uid" ] || uid=$(id -u)
if [ "$uid" = 0 ]; then PRIVILEGE=root
elif sudo -n true 2>/dev/null; then PRIVILEGE=sudo; set -- sudo -n sh
elif [ -n "$SECRET" ]; then PRIVILEGE=sudo-password; set -- sudo -k -S -p "" sh; fi
# arguments stand for a shell that has to be started; sudo reads the password first, the shell what comes after it
if [ $# = 0 ]; then eval "$SCRIPT"; else
{ [ $PRIVILEGE != sudo-password ] || printf '%s\\n' "$SECRET"
printf 'PRIVILEGE=%s LOGIN=%s SSH_PEER="%s"\\n%s\\n' $PRIVILEGE "$LOGIN" "$SSH_PEER" "$SCRIPT"; } | "$@"; fi
`;
