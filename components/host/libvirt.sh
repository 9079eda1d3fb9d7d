# ---- libvirt ------------------------------------------------------------------------------------------------------

virsh() { command virsh -q -c qemu:///system "$@"; }

# libvirtd CONFIG-DIGEST LOGIN NETWORK...: runs with this configuration, answers, networks are up; LOGIN, unless it is -,
# may talk to it. Running domains
# are not touched by a restart: their QEMU processes are their own (libvirt: daemons, "restarting").
verb_libvirtd() {
  digest=$1 login=$2; shift 2
  if [ "$login" != - ] && ! id -nG "$login" | grep -qw libvirt; then
    say "$login joins the group libvirt"
    printf '%s\n' "$login" >>"$STATE/joined"
    usermod -aG libvirt "$login"
  fi
  systemctl enable --quiet libvirtd.service
  loaded=$(sed -n 's/^config=//p' "$STATE/receipts/libvirtd" 2>/dev/null || :)
  if [ "$loaded" != "$digest" ]; then say "restarting libvirtd"; systemctl restart libvirtd.service; else systemctl start libvirtd.service; fi
  tries=0
  until virsh version >/dev/null 2>&1; do
    tries=$((tries + 1)); [ $tries -lt 60 ] || die "libvirtd does not answer: $(virsh version 2>&1 | tail -n 1)"
    sleep 1
  done
  for network in "$@"; do
    virsh net-info "$network" >/dev/null 2>&1 || die "libvirt has no network '$network': see 'virsh net-list --all'"
    virsh net-list --name | grep -qx "$network" || virsh net-start "$network"
    if ! virsh net-info "$network" | grep -qE '^Autostart: +yes'; then
      # noted before it is changed, so that leave can take it back
      printf '%s\n' "$network" >>"$STATE/autostarted"
      virsh net-autostart "$network"
    fi
  done
  virsh version
  receipt libvirtd "token=$TOKEN" "config=$digest" "login=$login"
}

# domain NAME; the definition on standard input. Redefines in place: same UUID, NVRAM and running instance kept.
verb_domain() {
  cat >"$STATE/domain.xml"
  virsh define --validate "$STATE/domain.xml" >&2
  rm -f "$STATE/domain.xml"
  receipt "domain $1" "token=$TOKEN"
  virsh dumpxml --inactive "$1"
}

# run NAME: the domain runs
verb_run() {
  case $(virsh domstate "$1") in
    running) say "$1: already running" ;;
    *) virsh start "$1" >&2; [ "$(virsh domstate "$1")" = running ] || die "$1 did not stay running: $(virsh domstate --reason "$1")" ;;
  esac
  receipt "run $1" "token=$TOKEN"
  say "$1: $(virsh domstate "$1"), screen $(virsh domdisplay "$1" 2>/dev/null || echo none)"
}

# shutdown NAME SECONDS keep|power-off: asks the guest to shut down and waits for it
verb_shutdown() {
  virsh domstate "$1" >/dev/null 2>&1 || { unreceipt "run $1"; return 0; }
  if [ "$(virsh domstate "$1")" != "shut off" ]; then
    virsh shutdown "$1" >&2 || :
    waited=0
    while [ "$(virsh domstate "$1")" != "shut off" ]; do
      if [ $waited -ge "$2" ]; then
        [ "$3" = power-off ] || die "$1 still runs $2 s after it was asked to shut down: shut it down from inside, then run this again"
        say "$1: did not shut down in $2 s, powered off as the stack says"; virsh destroy "$1" >&2
      else sleep 1; waited=$((waited + 1)); fi
    done
  fi
  unreceipt "run $1"
  say "$1: shut off"
}

# undomain NAME SECONDS keep|power-off: removes the definition; NVRAM and disks stay
verb_undomain() {
  verb_shutdown "$@"
  if virsh domstate "$1" >/dev/null 2>&1; then virsh undefine --keep-nvram "$1" >&2; say "$1: undefined, NVRAM and disks kept"; fi
  unreceipt "domain $1"
}

# what the steps above changed beyond files
libvirt_leave() {
  local network login
  [ ! -e "$STATE/joined" ] || while IFS= read -r login; do gpasswd -d "$login" libvirt || :; done <"$STATE/joined"
  [ ! -e "$STATE/autostarted" ] || while IFS= read -r network; do virsh net-autostart --disable "$network" || :; done <"$STATE/autostarted"
  if [ -e $STATE/receipts/libvirtd ]; then systemctl try-restart libvirtd.service || :; fi
}
