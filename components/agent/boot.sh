# ---- boot: image and boot entry as a trial, reboot, proof, commit ----------------------------------------------

# the value that marks a trial on its command line: the token's moment without characters that a boot loader would read
mark() { printf '%s' "${1%%,*}" | tr -cd 'A-Za-z0-9.-'; }

# Behind that mark, unless the stack or the host says what a panic is to do: a kernel that panics, or an initramfs that does
# not find its root (initramfs-tools by panic, dracut by the others), reboots by itself into the old configuration.
COME_BACK="panic=30 rd.shell=0 rd.emergency=reboot"

# the running kernel's arguments without what the boot loader and a trial put there
ordinary_cmdline() { sed "s/\\(vfio_fleet\\.trial=[^ ]*\\) $COME_BACK/\\1/" /proc/cmdline | tr -s ' ' '\n' | grep -vE '^(BOOT_IMAGE|initrd|vfio_fleet|vfio_fleet\.trial|systemd\.machine_id)=' | tr '\n' ' ' | sed 's/ *$//'; }

# judged IMAGE: a word for this image as looked at for the effects that are wanted now
judged() { cat "$1" "$BOOT/wanted" 2>/dev/null | sha256sum | cut -d' ' -f1; }

boot_id() {
  local id
  read -r id </proc/sys/kernel/random/boot_id
  printf '%s' "$id"
}
noted() { sed -n "s/^$1=//p" "$BOOT/armed" 2>/dev/null || :; }

# undo_stale WANTED: module options and udev rules that this description does without. The engine takes them back after
# everything else, so after a reboot that they still had a part in; its own call then finds nothing left to do.
undo_stale() {
  local receipt file
  for receipt in "$STATE"/receipts/*%modprobe.d%* "$STATE"/receipts/*%rules.d%*; do
    [ -e "$receipt" ] || continue
    file=$(printf '%s' "${receipt##*/}" | tr '%' '/')
    grep -qxF "file $file" "$1" || verb_unfile "$file"
  done
}

# verb_boot: the wanted effects, and the files of the description, on standard input
verb_boot() {
  local wanted version trial lacking
  wanted=$BOOT/wanted
  cat >"$wanted"
  undo_stale "$wanted"
  unmet "$wanted" >"$BOOT/unmet"
  gone "$wanted" >>"$BOOT/unmet"
  if [ -s "$BOOT/unmet" ]; then
    # the kernel that ordinary boots take is the one to be proved, even when another one runs
    version=$(bootloader_version)
    [ -n "$version" ] || version=$(uname -r)
    say "to be shown after a reboot:"
    sed 's/^/  /' "$BOOT/unmet"
    trial=$(initramfs_trial "$version")
    if ! image_lacks "$version" "$trial" "$wanted" >/dev/null 2>&1; then
      # before a generator is at work for minutes
      true >"$trial.part" || die "${trial%/*} cannot be written to; no boot file was touched"
      say "building the trial initramfs for $version"
      initramfs_build "$version" "$trial"
    fi
    lacking=$(image_lacks "$version" "$trial" "$wanted") || die "the initramfs that was built lacks:$NL$lacking"
    say "$trial: opened, all there"
    bootloader_arm "$version" "$trial" "$TOKEN" "$(arguments "$BOOT/applied")" "$(arguments "$wanted")"
    printf 'token=%s\nboot=%s\nversion=%s\nopened=%s\n' "$TOKEN" "$(boot_id)" "$version" "$(judged "$trial")" >"$BOOT/armed.new"
    sync "$BOOT/armed.new"
    mv -f "$BOOT/armed.new" "$BOOT/armed"
    say "the next boot, and only that one, is a trial of the new configuration"
  else
    rm -f "$BOOT/armed"
    bootloader_disarm
    say "the running system shows every wanted effect: no reboot"
  fi
  receipt
}

# detached_reboot: stops new connections before it returns, so that the next one meets the host after the reboot. If the
# reboot does not happen, the SSH server is started again.
detached_reboot() {
  local unit
  set --
  for unit in ssh.socket sshd.socket ssh.service sshd.service; do
    systemctl -q is-active "$unit" && set -- "$@" "$unit"
  done
  # the variables are those of the other shell
  # shellcheck disable=SC2016
  systemd-run --quiet --collect --unit="vfio-fleet-reboot-$$" sh -c \
    'n=0; while kill -0 $0 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; sleep 1
     systemctl reboot; sleep 180; systemctl start "$@"' "$$" "$@"
  [ $# = 0 ] || systemctl stop "$@"
}

# names of libvirt's guests that run. A daemon that does not answer, or hangs, says nothing about them: they outlive it, so
# then it is their processes that tell
libvirt_guests() {
  local file pid name
  if name=$(timeout 60 virsh -q -c qemu:///system list --name 2>/dev/null </dev/null); then
    say "$name"
    return 0
  fi
  for file in /run/libvirt/qemu/*.pid; do
    name=${file##*/} name=${name%.pid} pid=
    { read -r pid <"$file"; } 2>/dev/null || :
    ! grep -qsF "guest=$name," "/proc/${pid:-0}/cmdline" || say "$name"
  done
}

# guests that run, one a line: "libvirt NAME", on Proxmox "qm ID" and "pct ID"
guests() {
  libvirt_guests | sed -n 's/^\(..*\)$/libvirt \1/p'
  if command -v qm >/dev/null; then qm list 2>/dev/null | awk '$3 == "running" { print "qm " $1 }'; fi
  if command -v pct >/dev/null; then pct list 2>/dev/null | awk '$2 == "running" { print "pct " $1 }'; fi
}

# without_guests SECONDS: nothing runs that a reboot would cut off; with seconds, guests are asked to shut down first
without_guests() {
  local kind name waited
  guests >"$BOOT/running"
  [ -s "$BOOT/running" ] || return 0
  [ "$1" -gt 0 ] || die "running guests would lose their power: $(sed 's/^[a-z]* //' "$BOOT/running" | tr '\n' ' ')- shut them down first, or set kernel.drain: true"
  cat "$BOOT/running" >>"$BOOT/drained"
  while read -r kind name; do
    say "asking $name to shut down"
    case $kind in
      libvirt) virsh shutdown "$name" >&2 || : ;;
      *) "$kind" shutdown "$name" --timeout "$1" >/dev/null 2>&1 </dev/null & ;;
    esac
  done <"$BOOT/running"
  waited=0
  while
    guests >"$BOOT/running"
    [ -s "$BOOT/running" ]
  do
    [ $waited -lt "$1" ] || die "still running $1 s after they were asked to shut down: $(sed 's/^[a-z]* //' "$BOOT/running" | tr '\n' ' ')- shut them down from inside, then run this again"
    sleep 1
    waited=$((waited + 1))
  done
}

# those that a reboot shut down run again
restart_guests() {
  local kind name
  [ -e "$BOOT/drained" ] || return 0
  sort -u "$BOOT/drained" >"$BOOT/running"
  while read -r kind name; do
    case $kind in
      libvirt) [ "$(virsh domstate "$name" 2>/dev/null)" = running ] || virsh start "$name" >&2 || say "$name did not start again" ;;
      *) "$kind" start "$name" >&2 </dev/null || say "$name did not start again" ;;
    esac
  done <"$BOOT/running"
  rm -f "$BOOT/drained"
}

verb_reboot() { # auto|ask|never SECONDS: how long guests have to shut down, 0 when none may run
  if [ "$(noted boot)" != "$(boot_id)" ]; then
    say "no reboot needed"
  elif [ "$1" = never ]; then
    say "waiting for a reboot by hand (policy: never)"
  else
    case $1:$TOKEN in
      ask:*+reboot) ;;
      ask:*) die "a reboot is due and the stack says to ask first (kernel.reboot: ask): run this again with VFIO_FLEET_REBOOT=yes, or reboot the host yourself and run it again. The next boot is a trial of the new configuration" ;;
    esac
    without_guests "$2"
    say "rebooting now"
    detached_reboot
  fi
  receipt
}

# group_of ADDRESS: what its IOMMU group holds but bridges, as core/group-drift.ts compares it
group_of() {
  local member class members
  members=
  for member in /sys/bus/pci/devices/"$1"/iommu_group/devices/*; do
    read -r class <"$member/class"
    case $class in 0x06*) ;; *) members="$members${members:++}${member##*/}" ;; esac
  done
  printf '%s' "$members"
}

# verb_prove auto|never: the wanted effects on standard input
verb_prove() {
  local wanted version trial tries groups kind first rest
  wanted=$BOOT/wanted
  cat >"$wanted"
  version=$(uname -r)
  if [ -e "$BOOT/armed" ]; then
    if [ "$(noted boot)" = "$(boot_id)" ]; then
      [ "$1" = never ] || die "the host has not rebooted: its boot_id is still $(boot_id)"
      say "pending: reboot the host, then run this again"
      receipt "pending=reboot"
      return 0
    fi
    trial=$(noted token)
    case $(cat /proc/cmdline) in
      *"vfio_fleet.trial=$(mark "$trial")"*) ;;
      *)
        rm -f "$BOOT/armed"
        bootloader_disarm
        restart_guests
        die "the trial boot did not come up: the host is back on its old configuration, which is untouched (look at its console for why; then run this again)"
        ;;
    esac
  fi
  # modules and udev may still be at work right after boot
  tries=0
  while
    unmet "$wanted" >"$BOOT/unmet"
    [ -s "$BOOT/unmet" ] && [ $tries -lt 30 ]
  do
    sleep 1
    tries=$((tries + 1))
  done
  if [ -s "$BOOT/unmet" ]; then
    if [ -e "$BOOT/armed" ]; then
      rm -f "$BOOT/armed"
      bootloader_disarm
      [ "$1" = never ] || {
        say "going back to the old configuration"
        detached_reboot
      }
      die "the trial boot did not show what was wanted, the old configuration stays the default:$NL$(cat "$BOOT/unmet")"
    fi
    die "the running system does not show what is wanted:$NL$(cat "$BOOT/unmet")"
  fi
  # before the first boot file changes: whoever undoes this has to find that something was applied
  cp "$wanted" "$BOOT/applied.new"
  sync "$BOOT/applied.new"
  mv -f "$BOOT/applied.new" "$BOOT/applied"
  commit "$version"
  rm -f "$BOOT/armed"
  say "boot_id $(boot_id)"
  say "kernel command line: $(cat /proc/cmdline)"
  groups=
  while read -r kind first rest; do
    [ "$kind" = function ] || continue
    say "$first: vfio-pci, IOMMU group $(basename "$(readlink "/sys/bus/pci/devices/$first/iommu_group")")"
    groups="$groups${groups:+ }$first=$(group_of "$first")"
  done <"$wanted"
  restart_guests
  receipt "images=$(initramfs_stamp)" "kernel=$(uname -r)" "groups=$groups"
}

# The proved configuration becomes the default: the trial image takes its place, other kernels get theirs built, the
# boot menu is written anew.
commit() { # KERNEL-VERSION
  local trial kernel image lacking
  trial=$(initramfs_trial "$1")
  for kernel in $(initramfs_kernels); do
    image=$(initramfs_image "$kernel")
    if [ "$kernel" = "$1" ] && [ -e "$trial" ] && [ "$(judged "$trial")" = "$(noted opened)" ]; then
      # opened before the reboot, and this system came from it
      mv -f "$trial" "$image"
      sync -f "$image"
      say "$image: the trial's, in its place"
      continue
    fi
    if image_lacks "$kernel" "$image" "$BOOT/wanted" >/dev/null 2>&1; then
      say "$image: opened, all there"
      continue
    fi
    if [ "$kernel" != "$1" ] || [ ! -e "$trial" ]; then
      say "building the initramfs for $kernel"
      initramfs_build "$kernel" "$image.vfio-fleet-new"
    else
      mv -f "$trial" "$image.vfio-fleet-new"
    fi
    lacking=$(image_lacks "$kernel" "$image.vfio-fleet-new" "$BOOT/wanted") || die "the initramfs for $kernel lacks:$NL$lacking"
    mv -f "$image.vfio-fleet-new" "$image"
    sync -f "$image"
    say "$image: in its place"
  done
  if bootloader_lacks "$BOOT/wanted" >/dev/null; then say "boot menu: already so"; else bootloader_commit; fi
  lacking=$(bootloader_lacks "$BOOT/wanted") || die "the boot menu that was written lacks:$NL$lacking"
  # also where the menu was already so: somebody may have taken the entry out
  bootloader_recovery
  bootloader_disarm
  rm -f "$trial"
}

# verb_recovery: called by hooks of the host when kernels come and go
verb_recovery() { [ ! -e "$BOOT/applied" ] || bootloader_recovery; }

# ---- the agent itself: the first step and the last --------------------------------------------------------------

# shown: what of the applied configuration the running system still has
shown() {
  local argument
  [ -e "$BOOT/applied" ] || return 0
  arguments "$BOOT/applied" | while read -r argument; do
    case " $(cat /proc/cmdline) " in *" $argument "*) say "$argument" ;; esac
  done
  ! grep -q '^function ' "$BOOT/applied" || say devices
}

# verb_install: the agent on standard input in place of this one, for a login whose sudo allows nothing else
verb_install() {
  local new
  new=/usr/local/lib/vfio-fleet/.host.new
  cat >"$new"
  chmod 755 "$new"
  sync "$new"
  mv -f "$new" /usr/local/lib/vfio-fleet/host
  receipt
}

# verb_leave auto|ask|never SECONDS: called after every other step is undone. Builds what was built from the files that are
# back now, and goes.
verb_leave() {
  local kernel image active
  active=$(shown)
  # before anything is gone, so that it can be called again
  if [ "$1" = auto ] && [ -n "$active" ]; then without_guests "$2"; fi
  rm -f "$BOOT/armed"
  bootloader_disarm
  for kernel in $(initramfs_kernels); do
    rm -f "$(initramfs_trial "$kernel")"
    [ -e "$BOOT/applied" ] || continue
    image=$(initramfs_image "$kernel")
    say "building the initramfs for $kernel"
    initramfs_build "$kernel" "$image.vfio-fleet-new"
    mv -f "$image.vfio-fleet-new" "$image"
  done
  [ ! -e "$BOOT/applied" ] || bootloader_restore
  libvirt_leave
  [ -z "$(ls -A "$STATE/kept")" ] || die "files are kept that were not put back: $(cd "$STATE/kept" && printf '%s\n' * | tr '%' '/')"
  rm -rf "$STATE"
  # a login whose sudo allows nothing else has no other way in; an administrator put both there and takes them away
  if [ ! -e /usr/local/lib/vfio-fleet/probe ]; then
    rm -f /usr/local/lib/vfio-fleet/host
    rmdir /usr/local/lib/vfio-fleet 2>/dev/null || :
  fi
  [ -n "$active" ] || return 0
  if [ "$1" = auto ]; then
    say "rebooting into the old configuration"
    detached_reboot
  else say "reboot the host when it suits you: until then the old configuration is only prepared"; fi
}
