# ---- libvirt ------------------------------------------------------------------------------------------------------

virsh() { command virsh -q -c qemu:///system "$@" </dev/null; }

# libvirtd CONFIG-DIGEST LOGIN NETWORK...: runs with this configuration, answers, networks are up; LOGIN, unless it is -,
# may talk to it. Running domains
# are not touched by a restart: their QEMU processes are their own (libvirt: daemons, "restarting").
verb_libvirtd() {
  local digest login loaded tries network
  digest=$1 login=$2
  shift 2
  if [ "$login" != - ] && ! id -nG "$login" | grep -qw libvirt; then
    say "$login joins the group libvirt"
    printf '%s\n' "$login" >>"$STATE/joined"
    usermod -aG libvirt "$login"
  fi
  systemctl enable --quiet libvirtd.service
  loaded=$(sed -n 's/^config=//p' "$RECEIPT" 2>/dev/null || :)
  if [ "$loaded" != "$digest" ]; then
    say "restarting libvirtd"
    systemctl restart libvirtd.service
  else systemctl start libvirtd.service; fi
  tries=0
  until virsh version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || die "libvirtd does not answer: $(virsh version 2>&1 | tail -n 1)"
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
  receipt "config=$digest" "login=$login"
}

# what the steps above changed beyond files
libvirt_leave() {
  local network login
  [ ! -e "$STATE/joined" ] || while IFS= read -r login; do gpasswd -d "$login" libvirt || :; done <"$STATE/joined"
  [ ! -e "$STATE/autostarted" ] || while IFS= read -r network; do virsh net-autostart --disable "$network" || :; done <"$STATE/autostarted"
  if [ -e "$STATE/receipts/libvirtd" ]; then systemctl try-restart libvirtd.service || :; fi
}
