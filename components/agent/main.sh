# ---- dispatch ---------------------------------------------------------------------------------------------------

# whole_input: standard input is from now on what has come of it, all of it. A connection that is cut ends it too early,
# and one that falls silent never does; nothing is changed and the host not locked before it is all there.
whole_input() {
  local come
  case $BYTES in '' | *[!0-9]*) die "'$VERB' has to be told how many bytes it is to read: bytes=N" ;; esac
  COME=$(mktemp /run/vfio-fleet.XXXXXX)
  trap 'rm -f "$COME"' EXIT
  timeout 600 head -c "$BYTES" >"$COME" || case $? in
    # busybox reports the signal that it sent
    124 | 143) die "'$VERB': its input did not come within 10 minutes. Nothing was changed" ;;
    *) die "'$VERB': its input could not be kept in /run. Is there room for $BYTES bytes (df /run)? Nothing was changed" ;;
  esac
  come=$(stat -c %s "$COME")
  [ "$come" = "$BYTES" ] || die "'$VERB': its input did not arrive whole, $come of $BYTES bytes: the connection was cut. Nothing was changed"
  exec <"$COME"
  rm -f "$COME"
  trap - EXIT
}

# step READS WORD...: the step of this verb, as root and alone on this host; READS is how its input is read, or ':'
step() {
  local reads
  reads=$1
  shift
  [ "$(id -u)" = 0 ] || die "has to run as root"
  "$reads"
  lock "$VERB" "$@"
  "verb_$VERB" "$@"
}

# noting READS WORD...: such a step that leaves a receipt, under its key
noting() {
  [ -n "$KEY" ] || die "'$VERB' has to be told the key of its step: key=KEY"
  RECEIPT=$STATE/receipts/$(key "$KEY")
  step "$@"
}

# main VERB WORD... [key=KEY] [token=TOKEN] [bytes=N]: the key names the receipt, the token is what it will hold, N is how
# long the standard input is
main() {
  local left word
  VERB=${1:-} KEY='' TOKEN='' BYTES='' RECEIPT=''
  [ $# -eq 0 ] || shift
  left=$#
  while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $word in
      key=*) KEY=${word#key=} ;; token=*) TOKEN=${word#token=} ;; bytes=*) BYTES=${word#bytes=} ;;
      *) set -- "$@" "$word" ;;
    esac
  done
  case $VERB in
    file | block | words | boot | prove | domain | rom) noting whole_input "$@" ;;
    packages | reboot | libvirtd | media | grow | run | shutdown | dump) noting : "$@" ;;
    hand) step whole_input "$@" ;;
    # the words of undo steps are fixed in the state, and have no key
    unfile | unblock | unwords | unrom | undomain | unhand | leave) step : "$@" ;;
    # the agent's own step is called by its name, as the agent that is replaced may be one that knows no keys
    install)
      RECEIPT=$STATE/receipts/agent
      step whole_input "$@"
      ;;
    admit)
      RECEIPT=$STATE/receipts/agent
      step : "$@"
      ;;
    unlock)
      [ "$(id -u)" = 0 ] || die "has to run as root"
      verb_unlock "$@"
      ;;
    recovery) verb_recovery ;;
    *) die "unknown verb '$VERB'" ;;
  esac
}
main "$@"
# whole
