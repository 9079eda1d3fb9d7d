
# ---- dispatch ---------------------------------------------------------------------------------------------------

# whole_input: standard input is from now on what has come of it, all of it. A connection that is cut ends it too early,
# and one that falls silent never does; nothing is changed and the host not locked before it is all there.
whole_input() {
  local come
  case $BYTES in '' | *[!0-9]*) die "'$verb' has to be told how many bytes it is to read: bytes=N" ;; esac
  COME=$(mktemp /run/vfio-fleet.XXXXXX)
  trap 'rm -f "$COME"' EXIT
  timeout 600 head -c "$BYTES" >"$COME" || die "'$verb': its input did not come within 10 minutes. Nothing was changed"
  come=$(stat -c %s "$COME")
  [ "$come" = "$BYTES" ] || die "'$verb': its input did not arrive whole, $come of $BYTES bytes: the connection was cut. Nothing was changed"
  exec <"$COME"
  rm -f "$COME"
  trap - EXIT
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
case $verb in
  file | unfile | block | unblock | words | unwords | boot | reboot | prove | packages | libvirtd | media | grow | domain | undomain | run | shutdown | hand | unhand | rom | dump | unrom | leave | admit | install)
    [ "$(id -u)" = 0 ] || die "has to run as root"
    case $verb in file | block | words | boot | prove | domain | hand | rom | install) whole_input ;; esac
    lock "$verb" "$@"
    "verb_$verb" "$@" ;;
  unlock)
    [ "$(id -u)" = 0 ] || die "has to run as root"
    verb_unlock "$@" ;;
  recovery) verb_recovery ;;
  *) die "unknown verb '$verb'" ;;
esac
# whole
