
# ---- dispatch ---------------------------------------------------------------------------------------------------

# whole_input: standard input is from now on what has come of it, all of it. A connection that is cut ends it too early,
# and one that falls silent never does; nothing is changed and the host not locked before it is all there.
whole_input() {
  local come
  case $BYTES in '' | *[!0-9]*) die "'$verb' has to be told how many bytes it is to read: bytes=N" ;; esac
  COME=$(mktemp /run/vfio-fleet.XXXXXX)
  trap 'rm -f "$COME"' EXIT
  timeout 600 head -c "$BYTES" >"$COME" || case $? in
    # busybox reports the signal that it sent
    124 | 143) die "'$verb': its input did not come within 10 minutes. Nothing was changed" ;;
    *) die "'$verb': its input could not be kept in /run. Is there room for $BYTES bytes (df /run)? Nothing was changed" ;;
  esac
  come=$(stat -c %s "$COME")
  [ "$come" = "$BYTES" ] || die "'$verb': its input did not arrive whole, $come of $BYTES bytes: the connection was cut. Nothing was changed"
  exec <"$COME"
  rm -f "$COME"
  trap - EXIT
}

# step READS WORD...: the step of this verb, as root and alone on this host; READS is how its input is read, or ':'
step() {
  local reads
  reads=$1; shift
  [ "$(id -u)" = 0 ] || die "has to run as root"
  "$reads"
  lock "$verb" "$@"
  "verb_$verb" "$@"
}

# host VERB WORD... [token=TOKEN] [bytes=N]: the token is what the receipt will hold, N how long the standard input is
verb=${1:-}
[ $# -eq 0 ] || shift
TOKEN='' BYTES=''
left=$#
while [ "$left" -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  case $word in token=*) TOKEN=${word#token=} ;; bytes=*) BYTES=${word#bytes=} ;; *) set -- "$@" "$word" ;; esac
done
ASKED=$*
case $verb in
  file | block | words | boot | prove | domain | hand | rom | install) step whole_input "$@" ;;
  unfile | unblock | unwords | reboot | packages | libvirtd | media | grow | undomain | run | shutdown | unhand | dump | unrom | leave | admit)
    step : "$@" ;;
  unlock)
    [ "$(id -u)" = 0 ] || die "has to run as root"
    verb_unlock "$@" ;;
  recovery) verb_recovery ;;
  *) die "unknown verb '$verb'" ;;
esac
# whole
