/**
 * Becomes root where the login can: as root itself, by sudo without a password, by sudo with the password that
 * stands in the first line of the input (empty when there is none); otherwise stays the plain user. The rest of the
 * input is a script for sh, which is told how it runs: PRIVILEGE, LOGIN, SSH_PEER. No single quotes inside: it travels
 * in single quotes, which every login shell reads alike.
 */
const ELEVATE = `IFS= read -r secret; peer=$SSH_CONNECTION; login=$(id -un); mode=none; set -- sh
if [ "$(id -u)" = 0 ]; then mode=root
elif sudo -n true 2>/dev/null; then mode=sudo; set -- sudo -n sh
elif [ -n "$secret" ]; then mode=sudo-password; set -- sudo -k -S -p "" sh; fi
{ [ $mode != sudo-password ] || printf "%s\\n" "$secret"
printf "PRIVILEGE=%s\\nLOGIN=%s\\nSSH_PEER=\\"%s\\"\\n" $mode "$login" "$peer"; cat; } | "$@"`;

/** The command that runs a script, which comes after the password on its standard input, as root where it can. */
export const ELEVATED_SHELL = `sh -c '${ELEVATE}'`;
