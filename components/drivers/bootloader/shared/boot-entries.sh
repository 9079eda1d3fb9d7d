# ---- boot entries (Boot Loader Specification, type 1) on the partition mounted at $ESP ----------------------------
# Ours are 0-vfio-fleet-trial.conf and 0-vfio-fleet-recovery.conf. systemd-boot sorts by sort-key, entries without one
# last and by falling names (systemd: boot.c, boot_entry_compare): theirs come after all others either way, so that
# neither is what boots when nothing else is chosen.

ONESHOT=/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
TRIAL_ENTRY=0-vfio-fleet-trial.conf
RECOVERY_ENTRY=0-vfio-fleet-recovery.conf

# entry_of KERNEL-VERSION: the ordinary entry that boots it
entry_of() {
  local entry
  for entry in "$ESP"/loader/entries/*.conf; do
    case ${entry##*/} in 0-vfio-fleet-*) continue ;; esac
    if [ -e "$entry" ] && [ "$(awk '$1 == "version" { print $2; exit }' "$entry")" = "$1" ]; then
      say "$entry"
      return 0
    fi
  done
  return 1
}

# entry_with ENTRY TITLE INITRD DROP ADD: the entry under another title, with the initrd (microcode stays; empty: all stay) and
# the options changed
entry_with() {
  DROP=$4 ADD=$5 awk -v title="$2" -v initrd="$3" '
    function base(path) { sub(/.*\//, "", path); return path }
    BEGIN { n = split(ENVIRON["DROP"], list, " "); for (i = 1; i <= n; i++) unwanted[list[i]] = 1 }
    /^[ \t]*#/ || NF == 0 { next }
    $1 == "title" { print "title      " title; next }
    $1 == "sort-key" { print "sort-key   zz-vfio-fleet"; next }
    $1 == "options" { for (i = 2; i <= NF; i++) if (!($i in unwanted)) options = options " " $i; next }
    $1 == "initrd" && initrd != "" && base($2) !~ /^microcode|ucode/ { if (!done++) print "initrd     " initrd; next }
    { print }
    END {
      n = split(ENVIRON["ADD"], list, " ")
      for (i = 1; i <= n; i++) if (index(options " ", " " list[i] " ") == 0) options = options " " list[i]
      print "options   " options
    }' "$1"
}

# entries_arm VERSION IMAGE TOKEN OLD-ARGUMENTS NEW-ARGUMENTS
entries_arm() {
  local entry need free
  entry=$(entry_of "$1") || die "no boot entry for kernel $1 under $ESP/loader/entries"
  mkdir -p "$ESP/vfio-fleet" || die "$ESP cannot be written to"
  rm -f "$ESP/vfio-fleet/new"
  need=$(($(stat -c %s "$2") / 1024 + 1024))
  free=$(df -Pk "$ESP" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$need" ] || [ -e "$ESP/vfio-fleet/trial.img" ] || die "$ESP has $((free / 1024)) MiB free, the trial image needs $((need / 1024)) MiB: remove kernels that are not needed"
  cp "$2" "$ESP/vfio-fleet/new" || die "the trial image does not fit on $ESP: remove kernels that are not needed"
  sync "$ESP/vfio-fleet/new"
  mv -f "$ESP/vfio-fleet/new" "$ESP/vfio-fleet/trial.img"
  entry_with "$entry" "vfio-fleet trial boot" /vfio-fleet/trial.img "$4" "$5 vfio_fleet.trial=$(mark "$3")" >"$BOOT/entry"
  grep -q '^options .* panic=' "$BOOT/entry" || sed -i "/^options /s/\$/ $COME_BACK/" "$BOOT/entry"
  grep -q '^initrd .*/vfio-fleet/trial\.img$' "$BOOT/entry" || die "$entry names no initrd"
  place "$ESP/loader/entries/$TRIAL_ENTRY" 644 <"$BOOT/entry"
  rm -f "$BOOT/entry"
  sync -f "$ESP"
}

entries_disarm() {
  rm -f "$ESP/loader/entries/$TRIAL_ENTRY"
  rm -rf "$ESP/vfio-fleet"
}

# entries_recovery: an entry for the newest kernel, as it was before us
entries_recovery() {
  local version entry newest
  newest=
  for version in $(initramfs_kernels | sort -V); do ! entry=$(entry_of "$version") || newest=$entry; done
  [ -n "$newest" ] || {
    rm -f "$ESP/loader/entries/$RECOVERY_ENTRY"
    return 0
  }
  entry_with "$newest" "Linux without GPU passthrough (vfio-fleet)" "" "$(arguments "$BOOT/wanted")" "vfio_fleet=off module_blacklist=vfio_pci" >"$BOOT/entry"
  place "$ESP/loader/entries/$RECOVERY_ENTRY" 644 <"$BOOT/entry"
  rm -f "$BOOT/entry"
}
entries_forget() { rm -f "$ESP/loader/entries/$RECOVERY_ENTRY"; }

# entries_lacks FILE: what ordinary entries are without: wanted arguments, the initrd as it was built
entries_lacks() {
  local version entry argument path bad found options
  bad=0
  for version in $(initramfs_kernels); do
    entry=$(entry_of "$version") || continue
    options=" $(awk '$1 == "options" { $1 = ""; print }' "$entry" | tr '\n' ' ') "
    for argument in $(arguments "$1"); do
      case $options in *" $argument "*) ;; *)
        say "$entry: $argument"
        bad=1
        ;;
      esac
    done
    found=
    # a path in an entry is one word
    # shellcheck disable=SC2013
    for path in $(awk '$1 == "initrd" { print $2 }' "$entry"); do
      ! cmp -s "$ESP$path" "$(initramfs_image "$version")" || found=yes
    done
    [ -n "$found" ] || {
      say "$entry: the initrd $(initramfs_image "$version") as it is now"
      bad=1
    }
  done
  return $bad
}

# the next boot takes this entry; the boot loader forgets it before it starts the kernel
oneshot() {
  bootctl set-oneshot "$1" || die "the firmware does not take the variable LoaderEntryOneShot"
  tr -d '\000' <"$ONESHOT" | grep -q "$1" || die "the firmware does not keep the variable LoaderEntryOneShot"
}
no_oneshot() {
  if [ -e "$ONESHOT" ] && tr -d '\000' <"$ONESHOT" | grep -q vfio-fleet; then bootctl set-oneshot ""; fi
}
