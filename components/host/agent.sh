#!/bin/sh
# vfio-fleet host agent: the verbs that the steps of a stack call on this host.
# Installed and removed by the stack's own "host agent" resource; the drivers of this host's boot loader, initramfs
# generator and distribution follow below. Every verb can be called again at any point: it looks first, changes
# atomically (aside, fsync, rename) and leaves a receipt under /var/lib/vfio-fleet/receipts once its effect is there.
set -eu
# local is no POSIX word, but dash, bash and busybox sh know it
umask 022
LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
STATE=/var/lib/vfio-fleet
BOOT=$STATE/boot
NL='
'

say() { printf '%s\n' "$*"; }
die() { printf 'vfio-fleet: %s\n' "$*" >&2; exit 1; }

# One verb at a time: package managers, update-grub and the boot files do not share.
lock() {
  mkdir -p $STATE/receipts $STATE/kept $BOOT
  exec 9>>/run/vfio-fleet.lock
  flock -w 900 9 || die "another run has been working on this host for 15 minutes: $(cat /run/vfio-fleet.lock)"
}

# key NAME: as a file name
key() { printf '%s' "$1" | tr '/ ' '%_'; }

# receipt KEY NAME=VALUE...: replaces the receipt as a whole
receipt() {
  local where
  where=$STATE/receipts/$(key "$1"); shift
  printf '%s\n' "$@" >"$STATE/.receipt.new"
  sync "$STATE/.receipt.new"
  mv -f "$STATE/.receipt.new" "$where"
}
unreceipt() { rm -f "$STATE/receipts/$(key "$1")"; }

# place PATH MODE: standard input becomes the file, at once or not at all
place() {
  local new
  new=${1%/*}/.${1##*/}.vfio-fleet-new
  mkdir -p "${1%/*}"
  cat >"$new"
  if [ -f "$1" ] && cmp -s "$new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then
    rm -f "$new"; say "$1: already so"; return 0
  fi
  chmod "$2" "$new"; sync "$new"; mv -f "$new" "$1"; sync "${1%/*}"
  say "$1: written"
}

# keep PATH: what stood there before the first write, with owner, mode and times
keep() {
  local kept folder
  kept=$STATE/kept/$(key "$1")
  [ -e "$kept/whole" ] && return 0
  rm -rf "$kept"; mkdir -p "$kept"
  [ ! -e "$1" ] || cp -p -- "$1" "$kept/content"
  # folders that only exist because of us go again with the last file in them
  folder=${1%/*}
  while [ ! -d "$folder" ]; do printf '%s\n' "$folder" >>"$kept/folders"; folder=${folder%/*}; done
  sync -f "$kept"; : >"$kept/whole"
}

verb_file() { # PATH MODE; the content on standard input
  keep "$1"
  place "$1" "$2"
  receipt "$1" "token=$TOKEN" "sha256=$(sha256sum <"$1" | cut -d' ' -f1)"
}

verb_unfile() { # PATH
  kept=$STATE/kept/$(key "$1")
  if [ -e "$kept/whole" ]; then
    if [ -e "$kept/content" ]; then
      new=${1%/*}/.${1##*/}.vfio-fleet-new
      cp -p -- "$kept/content" "$new"; sync "$new"; mv -f "$new" "$1"; say "$1: put back"
    else
      rm -f "$1"; say "$1: removed"
    fi
    [ ! -e "$kept/folders" ] || while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done <"$kept/folders"
    rm -rf "$kept"
  fi
  unreceipt "$1"
}

# The block between the markers is ours, all else in the file stays as it is, byte for byte.
without_block() { sed "/^# BEGIN vfio-fleet\$/,/^# END vfio-fleet\$/d" "$1"; }

verb_block() { # PATH; the block on standard input
  [ -f "$1" ] || die "$1 is not there: the package that brings it is not installed"
  mode=$(stat -c %a "$1")
  block=$(cat)
  {
    without_block "$1"
    [ -z "$block" ] || printf '# BEGIN vfio-fleet\n%s\n# END vfio-fleet\n' "$block"
  } >"$STATE/.block.new"
  place "$1" "$mode" <"$STATE/.block.new"
  rm -f "$STATE/.block.new"
  receipt "$1" "token=$TOKEN" "sha256=$(sha256sum <"$1" | cut -d' ' -f1)"
}

verb_unblock() { # PATH
  if [ -f "$1" ]; then
    without_block "$1" >"$STATE/.block.new"
    place "$1" "$(stat -c %a "$1")" <"$STATE/.block.new"
    rm -f "$STATE/.block.new"
  fi
  unreceipt "$1"
}

# ---- boot: image and boot entry as a trial, reboot, proof, commit ----------------------------------------------

boot_id() { cat /proc/sys/kernel/random/boot_id; }
noted() { sed -n "s/^$1=//p" "$BOOT/armed" 2>/dev/null || :; }

# unmet FILE: a line for every wanted effect that the running system does not show
unmet() {
  local kind first rest device vendor product driver member class name expected value line
  line=" $(cat /proc/cmdline) "
  while read -r kind first rest; do
    device=/sys/bus/pci/devices/$first
    case $kind in
      argument)
        case $line in *" $first "*) ;; *) say "kernel command line: lacks $first" ;; esac ;;
      function)
        if [ ! -d "$device" ]; then say "$first: no such device"; continue; fi
        read -r vendor <"$device/vendor"; read -r product <"$device/device"
        [ "${vendor#0x}:${product#0x}" = "$rest" ] || say "$first: is ${vendor#0x}:${product#0x}, expected $rest"
        driver=$(readlink "$device/driver" || echo none)
        [ "${driver##*/}" = vfio-pci ] || say "$first: driver is ${driver##*/}, expected vfio-pci" ;;
      alone)
        if [ ! -d "$device/iommu_group/devices" ]; then say "$first: in no IOMMU group, the IOMMU is off"; continue; fi
        for member in "$device"/iommu_group/devices/*; do
          case " $first $rest " in *" ${member##*/} "*) continue ;; esac
          read -r class <"$member/class"
          case $class in 0x06*) continue ;; esac
          driver=$(readlink "$member/driver" || echo none)
          say "$first: shares its IOMMU group with ${member##*/} (driver ${driver##*/})"
        done ;;
      parameter)
        name=${rest%% *}; expected=${rest#* }; value=
        if [ -d "/sys/module/$first" ]; then
          read -r value <"/sys/module/$first/parameters/$name" || [ -n "$value" ] || value="not there"
        else
          # not loaded, so the effect to look at is what it would be loaded with
          value=$(modprobe -c | sed -n "s/^options $first .*\\b$name=\\([^ ]*\\).*/\\1/p" | tail -n 1)
        fi
        case ",$expected," in *",$value,"*) ;; *) say "module $first: $name is ${value:-not set}, expected ${expected%%,*}" ;; esac ;;
    esac
  done <"$1" 2>/dev/null
}

# gone FILE: effects of the configuration before that are wanted no more, so that only a reboot takes them back
gone() {
  [ -e "$BOOT/applied" ] || return 0
  grep -E '^(argument|function|parameter) ' "$BOOT/applied" | grep -vxF -f "$1" || :
}

arguments() { sed -n 's/^argument //p' "$1" 2>/dev/null || :; }

verb_boot() { # the wanted effects on standard input
  wanted=$BOOT/wanted
  cat >"$wanted"
  unmet "$wanted" >"$BOOT/unmet"; gone "$wanted" >>"$BOOT/unmet"
  version=$(uname -r)
  if [ -s "$BOOT/unmet" ]; then
    say "to be shown after a reboot:"; sed 's/^/  /' "$BOOT/unmet"
    trial=$(initramfs_trial "$version")
    if ! initramfs_lacks "$trial" "$wanted" >/dev/null 2>&1; then
      say "building the trial initramfs for $version"
      initramfs_build "$version" "$trial"
    fi
    lacking=$(initramfs_lacks "$trial" "$wanted") || die "the initramfs that was built lacks:$NL$lacking"
    say "$trial: opened, all there"
    bootloader_arm "$version" "$trial" "$TOKEN" "$(arguments "$BOOT/applied")" "$(arguments "$wanted")"
    printf 'token=%s\nboot=%s\nversion=%s\n' "$TOKEN" "$(boot_id)" "$version" >"$BOOT/armed.new"
    sync "$BOOT/armed.new"; mv -f "$BOOT/armed.new" "$BOOT/armed"
    say "the next boot, and only that one, is a trial of the new configuration"
  else
    rm -f "$BOOT/armed"; bootloader_disarm
    say "the running system shows every wanted effect: no reboot"
  fi
  receipt boot "token=$TOKEN"
}

# Stops new connections before it returns, so that whoever connects next meets the host after the reboot; should the
# reboot not happen, the SSH server is started again.
detached_reboot() {
  local units unit
  units=
  for unit in ssh.socket sshd.socket ssh.service sshd.service; do
    systemctl -q is-active "$unit" && units="$units $unit"
  done
  systemd-run --quiet --collect --unit="vfio-fleet-reboot-$$" sh -c \
    'n=0; while kill -0 '$$' 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; sleep 1
     systemctl reboot; sleep 180; systemctl start '"$units"
  [ -z "$units" ] || systemctl stop $units
}

verb_reboot() { # auto|never
  receipt reboot "token=$TOKEN"
  [ "$(noted boot)" = "$(boot_id)" ] || { say "no reboot needed"; return 0; }
  if [ "$1" = never ]; then say "waiting for a reboot by hand (policy: never)"; return 0; fi
  running=$(command -v virsh >/dev/null && virsh list --name 2>/dev/null | grep . || :)
  [ -z "$running" ] || die "running domains would lose their power: $(echo $running); shut them down first"
  say "rebooting now"
  detached_reboot
}

verb_prove() { # auto|never; the wanted effects on standard input
  wanted=$BOOT/wanted
  cat >"$wanted"
  version=$(uname -r)
  if [ -e "$BOOT/armed" ]; then
    if [ "$(noted boot)" = "$(boot_id)" ]; then
      [ "$1" = never ] || die "the host has not rebooted: its boot_id is still $(boot_id)"
      say "pending: reboot the host, then run this again"; receipt prove "token=$TOKEN" "pending=reboot"; return 0
    fi
    trial=$(noted token)
    case $(cat /proc/cmdline) in
      *"vfio_fleet.trial=$(bootloader_mark "$trial")"*) ;;
      *)
        rm -f "$BOOT/armed"; bootloader_disarm
        die "the trial boot did not come up: the host is back on its old configuration, which is untouched (look at its console for why; then run this again)" ;;
    esac
  fi
  # modules and udev may still be at work right after boot
  tries=0
  while unmet "$wanted" >"$BOOT/unmet"; [ -s "$BOOT/unmet" ] && [ $tries -lt 30 ]; do sleep 1; tries=$((tries + 1)); done
  if [ -s "$BOOT/unmet" ]; then
    if [ -e "$BOOT/armed" ]; then
      rm -f "$BOOT/armed"; bootloader_disarm
      [ "$1" = never ] || { say "going back to the old configuration"; detached_reboot; }
      die "the trial boot did not show what was wanted, the old configuration stays the default:$NL$(cat "$BOOT/unmet")"
    fi
    die "the running system does not show what is wanted:$NL$(cat "$BOOT/unmet")"
  fi
  commit "$version"
  rm -f "$BOOT/armed"; cp "$wanted" "$BOOT/applied.new"; sync "$BOOT/applied.new"; mv -f "$BOOT/applied.new" "$BOOT/applied"
  say "boot_id $(boot_id)"
  say "kernel command line: $(cat /proc/cmdline)"
  while read -r kind first rest; do
    [ "$kind" != function ] || say "$first: vfio-pci, IOMMU group $(basename "$(readlink "/sys/bus/pci/devices/$first/iommu_group")")"
  done <"$wanted"
  receipt prove "token=$TOKEN" "images=$(initramfs_stamp)"
}

# The proved configuration becomes the default: the trial image takes its place, other kernels get theirs built, the
# boot menu is written anew.
commit() { # KERNEL-VERSION
  local trial kernel image lacking
  trial=$(initramfs_trial "$1")
  for kernel in $(initramfs_kernels); do
    image=$(initramfs_image "$kernel")
    if initramfs_lacks "$image" "$BOOT/wanted" >/dev/null 2>&1; then
      say "$image: opened, all there"
      continue
    fi
    if [ "$kernel" != "$1" ] || [ ! -e "$trial" ]; then
      say "building the initramfs for $kernel"
      initramfs_build "$kernel" "$image.vfio-fleet-new"
    else
      mv -f "$trial" "$image.vfio-fleet-new"
    fi
    lacking=$(initramfs_lacks "$image.vfio-fleet-new" "$BOOT/wanted") || die "the initramfs for $kernel lacks:$NL$lacking"
    mv -f "$image.vfio-fleet-new" "$image"; sync -f "$image"
    say "$image: in its place"
  done
  rm -f "$trial"
  bootloader_disarm
  if bootloader_lacks "$BOOT/wanted" >/dev/null; then say "boot menu: already so"; else bootloader_commit; fi
  lacking=$(bootloader_lacks "$BOOT/wanted") || die "the boot menu that was written lacks:$NL$lacking"
}

# ---- the agent itself: the first step and the last --------------------------------------------------------------

# leave: called after every other step is undone. Builds what was built from the files that are back now, and goes.
verb_leave() { # auto|never
  rm -f "$BOOT/armed"
  bootloader_disarm
  if [ -e "$BOOT/applied" ]; then
    for kernel in $(initramfs_kernels); do
      image=$(initramfs_image "$kernel")
      say "building the initramfs for $kernel"
      initramfs_build "$kernel" "$image.vfio-fleet-new"
      mv -f "$image.vfio-fleet-new" "$image"
    done
    rm -f "$(initramfs_trial "$(uname -r)")"
    bootloader_commit
    unshown=$(arguments "$BOOT/applied" | while read -r argument; do
      case " $(cat /proc/cmdline) " in *" $argument "*) say "$argument" ;; esac; done)
    grep -q '^function ' "$BOOT/applied" && unshown="$unshown devices"
  fi
  libvirt_leave
  [ -z "$(ls -A $STATE/kept)" ] || die "files are kept that were not put back: $(ls $STATE/kept | tr '%' '/')"
  rm -rf $STATE
  rm -f /usr/local/lib/vfio-fleet/host
  rmdir /usr/local/lib/vfio-fleet 2>/dev/null || :
  if [ -n "${unshown:-}" ] && [ "$1" = auto ]; then say "rebooting into the old configuration"; detached_reboot; fi
}
