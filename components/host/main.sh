
# ---- dispatch ---------------------------------------------------------------------------------------------------

# host VERB WORD... [token=TOKEN]: the token is what the receipt will hold
verb=${1:-}
[ $# -eq 0 ] || shift
TOKEN=
left=$#
while [ "$left" -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  case $word in token=*) TOKEN=${word#token=} ;; *) set -- "$@" "$word" ;; esac
# whole
done
case $verb in
  file | unfile | block | unblock | words | unwords | boot | reboot | prove | packages | libvirtd | media | grow | domain | undomain | run | shutdown | hand | unhand | rom | dump | unrom | leave | admit | install)
    [ "$(id -u)" = 0 ] || die "has to run as root"
    lock "$verb" "$@"
    "verb_$verb" "$@" ;;
  unlock)
    [ "$(id -u)" = 0 ] || die "has to run as root"
    verb_unlock "$@" ;;
  recovery) verb_recovery ;;
  *) die "unknown verb '$verb'" ;;
esac
# whole
