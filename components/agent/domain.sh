# ---- domains ------------------------------------------------------------------------------------------------------

# definitions of domains made by hand that a stack has taken over; they come back when the stack lets go
ADOPTED=/var/backups/vfio-fleet

# active NAME: it has a QEMU process
active() {
  case $(virsh domstate "$1" 2>/dev/null || :) in "" | "shut off" | crashed) return 1 ;; esac
}

# media DOMAIN PATH SHA256: the image is the one that is meant; what was found is noted, for the next preview
verb_media() {
  local found
  [ -f "$2" ] || die "$2 is not there"
  found=$(sha256_of "$2")
  receipt "sha256=$found" "stamp=$(stat -L -c %s:%Y:%i "$2")"
  [ "$found" = "$3" ] || die "$2: its sha256 is $found, expected $3: download it again, or correct the digest in the stack"
  say "$2: sha256 as expected"
}

# grow DOMAIN POOL VOLUME PATH BYTES [found]: at least so large for the guest; a running one sees it grow. What was found
# is nothing that the stack made
verb_grow() {
  local found
  found=$(virsh vol-dumpxml "$3" --pool "$2" | sed -n "s|.*<capacity unit='bytes'>\([0-9]*\)</capacity>.*|\1|p")
  [ -n "$found" ] || die "libvirt does not tell how large volume $3 of pool $2 is"
  if [ "$found" -gt "$5" ]; then
    die "volume $3 of pool $2 has $found bytes, the stack says $5: a volume is never made smaller, its end would be lost"
  elif [ "$found" = "$5" ]; then
    say "$3: already $5 bytes"
  elif active "$1" && virsh domblklist "$1" | grep -qF " $4"; then
    virsh blockresize "$1" "$4" "$5B" >&2
    say "$3: grown from $found to $5 bytes under the running domain"
  else
    virsh vol-resize "$3" "$5" --pool "$2" >&2
    say "$3: grown from $found to $5 bytes"
  fi
  receipt "bytes=$5" ${6:+"found=yes"}
}

# keep_definition NAME: a definition that nobody of this project wrote is kept as it was
keep_definition() {
  (
    umask 077
    virsh dumpxml --inactive --security-info "$1" >"$STATE/found.xml" 2>/dev/null
  ) || {
    rm -f "$STATE/found.xml"
    return 0
  }
  if ! grep -q 'urn:vfio-fleet:domain:' "$STATE/found.xml"; then
    mkdir -p $ADOPTED
    chmod 700 $ADOPTED
    sync "$STATE/found.xml"
    mv -f "$STATE/found.xml" "$ADOPTED/$1.xml"
    say "$1: made by hand, its definition is kept as $ADOPTED/$1.xml" >&2
  fi
  rm -f "$STATE/found.xml"
}

# medium TARGET: what the CD drive has in a list as `virsh domblklist --details` prints it; nothing: no such drive
medium() {
  local device target source
  while read -r _ device target source; do [ "$device $target" != "cdrom $1" ] || printf '%s\n' "$source"; done
}

# plug_media NAME: CD drives of the running domain get what the definition has in them now
plug_media() {
  local device target source wanted
  virsh domblklist --details --inactive "$1" >"$STATE/drives"
  virsh domblklist --details "$1" | while read -r _ device target source; do
    [ "$device" = cdrom ] || continue
    wanted=$(medium "$target" <"$STATE/drives")
    [ "$source" != "${wanted:--}" ] || continue
    case $wanted in
      "" | -) virsh change-media "$1" "$target" --eject --live --force >&2 ;;
      *) virsh change-media "$1" "$target" "$wanted" --update --live --force >&2 ;;
    esac || say "$1: $target keeps its medium until the next start" >&2
  done
  rm -f "$STATE/drives"
}

# plug_networks NAME: interfaces of the running domain come, go and change as the definition has them now
plug_networks() {
  local type mac wanted has change
  wanted=$(virsh domiflist --inactive "$1" | awk '{ print $5 }')
  has=$(virsh domiflist "$1" | awk '{ print $5 }')
  for mac in $wanted; do
    virsh dumpxml --inactive "$1" | awk -v mac="$mac" '
      /^    <interface / { block = "" }
      { block = block $0 "\n" }
      /^    <\/interface>/ { if (index(block, mac)) printf "%s", block }' >"$STATE/interface.xml"
    change=attach-device
    case $NL$has$NL in *"$NL$mac$NL"*) change=update-device ;; esac
    virsh "$change" "$1" "$STATE/interface.xml" --live >&2 || say "$1: interface $mac changes at the next start" >&2
  done
  rm -f "$STATE/interface.xml"
  virsh domiflist "$1" | while read -r _ type _ _ mac; do
    case $NL$wanted$NL in *"$NL$mac$NL"*) continue ;; esac
    virsh detach-interface "$1" "$type" --mac "$mac" --live >&2 || say "$1: interface $mac goes at the next start" >&2
  done
}

# plug_statistics NAME: how often the guest reports its use of memory
plug_statistics() {
  local period
  period=$(virsh dumpxml --inactive "$1" | sed -n "s|.*<stats period='\([0-9]*\)'/>.*|\1|p")
  [ -z "$period" ] || virsh dommemstat "$1" --period "$period" --live >/dev/null || say "$1: memory statistics change at the next start" >&2
}

# domain NAME autostart|manual; the definition on standard input. Redefines in place: UUID, NVRAM and a running instance
# stay; what a running one can take at once it gets. Prints the stored definition and, behind a mark, the running one.
verb_domain() {
  (
    umask 077
    cat >"$STATE/domain.xml"
  )
  keep_definition "$1"
  virsh define --validate "$STATE/domain.xml" >&2
  rm -f "$STATE/domain.xml"
  if [ "$2" = autostart ]; then virsh autostart "$1" >&2; else virsh autostart --disable "$1" >&2; fi
  if active "$1"; then
    plug_media "$1"
    plug_networks "$1"
    plug_statistics "$1"
  fi
  receipt
  virsh dumpxml --inactive "$1"
  if active "$1"; then
    say "<!-- running -->"
    virsh dumpxml "$1"
  fi
}

# starts NAME: and stays
starts() {
  virsh start "$1" >&2
  active "$1" || die "$1 did not stay running: $(virsh domstate --reason "$1")"
}

# digest: what this project wrote a definition with
digest() { sed -n 's/.*<vfio-fleet:domain .*digest=.\([0-9a-f]*\).*/\1/p'; }

# stale NAME: the running instance was started with another definition than the one that is stored
stale() { [ "$(virsh dumpxml "$1" | digest)" != "$(virsh dumpxml --inactive "$1" | digest)" ]; }

# run NAME [restart SECONDS keep|power-off]: the domain runs; with restart, one that a change waits for is shut down
# gracefully and started again, once a token: a step that is only repeated does not restart anything.
verb_run() {
  if ! active "$1"; then
    starts "$1"
  elif [ "${2:-}" = restart ] && ! grep -qxF "token=$TOKEN" "$RECEIPT" 2>/dev/null && stale "$1"; then
    say "$1: shutting down, to start with its new definition"
    shut_down "$1" "$3" "$4"
    starts "$1"
  else say "$1: already running"; fi
  receipt
  say "$1: $(virsh domstate "$1"), screen $(virsh domdisplay "$1" 2>/dev/null || echo none)"
}

# shut_down NAME SECONDS keep|power-off: asks the guest to shut down and waits for it
shut_down() {
  local waited
  active "$1" || return 0
  virsh shutdown "$1" >&2 || :
  waited=0
  while active "$1"; do
    if [ $waited -ge "$2" ]; then
      [ "$3" = power-off ] || die "$1 still runs $2 s after it was asked to shut down: shut it down from inside, then run this again"
      say "$1: did not shut down in $2 s, powered off as asked for"
      virsh destroy "$1" >&2
    else
      sleep 1
      waited=$((waited + 1))
    fi
  done
}

verb_shutdown() { # NAME SECONDS keep|power-off
  shut_down "$@"
  receipt "state=shut-off"
  say "$1: shut off"
}

# undefine NAME keep|data: the definition goes; NVRAM and the TPM's state stay, or go with it
undefine() {
  local uuid state
  if [ "$2" = data ]; then
    if command virsh help undefine | grep -q -e --keep-tpm; then
      virsh undefine --nvram --tpm "$1" >&2
    else virsh undefine --nvram "$1" >&2; fi
    say "$1: undefined, its NVRAM and TPM state deleted"
    return 0
  fi
  if command virsh help undefine | grep -q -e --keep-tpm; then
    virsh undefine --keep-nvram --keep-tpm "$1" >&2
  else
    # before libvirt 8.9 the TPM's state goes with the definition: a copy takes its place
    uuid=$(virsh domuuid "$1" | tr -d '[:space:]')
    state=/var/lib/libvirt/swtpm/$uuid
    if [ -d "$state" ]; then
      rm -rf "$state.vfio-fleet"
      cp -a "$state" "$state.vfio-fleet"
      sync -f "$state.vfio-fleet"
    fi
    virsh undefine --keep-nvram "$1" >&2
    if [ -d "$state.vfio-fleet" ]; then
      if [ -d "$state" ]; then rm -rf "$state.vfio-fleet"; else mv "$state.vfio-fleet" "$state"; fi
    fi
  fi
  say "$1: undefined; NVRAM, TPM state and disks kept"
}

# undomain NAME SECONDS keep|power-off [data]: the stack lets go of the domain: it is shut down, and its definition
# removed, or put back as it was made by hand. NVRAM, TPM state and disks stay unless their deletion is asked for.
verb_undomain() {
  shut_down "$1" "$2" "$3"
  unreceipt "run $1"
  say "$1: shut off"
  if ! virsh domstate "$1" >/dev/null 2>&1; then
    say "$1: not defined"
  elif [ "${4:-keep}" = data ]; then
    undefine "$1" data
  elif [ -e "$ADOPTED/$1.xml" ]; then
    virsh define "$ADOPTED/$1.xml" >&2
    rm -f "$ADOPTED/$1.xml"
    rmdir $ADOPTED 2>/dev/null || :
    say "$1: defined as it was before"
  else undefine "$1" keep; fi
  unreceipt "domain $1"
}
