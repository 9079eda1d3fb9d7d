# ---- cards from one domain to another -------------------------------------------------------------------------------

# holders_of ADDRESS...: running domains that have one of them, each once
holders_of() {
  local address
  for address in "$@"; do holding_domains "$address"; done | sort -u
}

# unattended: a hang-up ends nothing, as a domain that was shut down for another is not left so
unattended() {
  trap '' HUP PIPE
  UNATTENDED=yes
}

# hand DOMAIN SECONDS keep|power-off free|take ADDRESS...: the domain runs with these devices. With take, a domain that
# has one of them is shut down for it, and runs again when the other does not start. On standard input the definition
# that DOMAIN is to have for it, or nothing where its own will do.
verb_hand() {
  local name seconds after mode address holders holder reason
  name=$1 seconds=$2 after=$3 mode=$4
  shift 4
  unattended
  # definitions may hold passwords
  umask 077
  trap 'rm -f "$STATE/hand.xml" "$STATE/hand.old"' EXIT
  cat >"$STATE/hand.xml"
  virsh domstate "$name" >/dev/null 2>&1 || die "this host has no domain $name: pulumi up makes it"
  if active "$name"; then
    for address in "$@"; do
      holding_domains "$address" | grep -qxF -e "$name" || die "$name runs without $address: shut it down, then run this again"
    done
    say "$name: runs with it already"
    return 0
  fi
  holders=$(holders_of "$@")
  # names, one a line, become one line
  # shellcheck disable=SC2086,SC2116
  [ -z "$holders" ] || [ "$mode" = take ] || die "$* in use by $(echo $holders): switch it, or release it first"
  # from here on those that were stopped
  set --
  for holder in $holders; do
    say "$holder: shutting down"
    # in a shell of its own: one that stays on ends this, and those before it run again
    if ! (shut_down "$holder" "$seconds" "$after"); then
      run_again "$@"
      die "$name was not started: nothing has changed hands"
    fi
    set -- "$@" "$holder"
  done
  if reason=$(take_over "$name"); then
    say "$name: running"
  else
    run_again "$@"
    die "$name did not start: $reason$(for holder in "$@"; do printf '%s' "; $holder is $(virsh domstate "$holder" 2>/dev/null || echo gone) again"; done)"
  fi
}

# take_over NAME: starts, with the new definition where there is one; prints why it does not, and has the old one back then
take_over() {
  if [ -s "$STATE/hand.xml" ]; then
    virsh dumpxml --inactive --security-info "$1" >"$STATE/hand.old" || return 1
    virsh define --validate "$STATE/hand.xml" 2>&1 || return 1
  fi
  if virsh start "$1" 2>&1 && active "$1"; then return 0; fi
  [ ! -s "$STATE/hand.xml" ] || virsh define "$STATE/hand.old" >&2 || :
  return 1
}

run_again() { # NAME...
  local name
  for name in "$@"; do virsh start "$name" >&2 || say "$name did not start again" >&2; done
}

# unhand SECONDS keep|power-off ADDRESS...: no domain has any of them
verb_unhand() {
  local seconds after holder holders
  seconds=$1 after=$2
  shift 2
  unattended
  holders=$(holders_of "$@")
  [ -n "$holders" ] || say "free already"
  for holder in $holders; do
    shut_down "$holder" "$seconds" "$after"
    say "$holder: shut off"
  done
}
