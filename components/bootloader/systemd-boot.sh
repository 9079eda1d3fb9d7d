# ---- boot loader: systemd-boot with entries made by kernel-install -------------------------------------------------

on_boot_partition() { # FUNCTION ARGUMENT...
  ESP=$(bootctl --print-boot-path) || die "bootctl does not find the boot partition"
  "$@"
}

# the kernel of the entry that bootctl calls the default
bootloader_version() {
  bootctl --no-pager list 2>/dev/null | awk '
    $1 == "title:" { default_ = /\(default\)/ }
    default_ && $1 == "version:" { print $2; exit }'
}
bootloader_arm() { on_boot_partition entries_arm "$@"; oneshot $TRIAL_ENTRY; }
bootloader_disarm() { no_oneshot; on_boot_partition entries_disarm; }
bootloader_lacks() { on_boot_partition entries_lacks "$1"; }
bootloader_recovery() { on_boot_partition entries_recovery; }
bootloader_forget() { on_boot_partition entries_forget; }

# put FILE PATH: that file there, by a rename. The trial image, which was proved and is of no more use, is renamed itself
# where it is the same: boot partitions are small.
put() {
  ! cmp -s "$1" "$2" || return 0
  mkdir -p "${2%/*}"
  if cmp -s "$1" "$ESP/vfio-fleet/trial.img"; then mv -f "$ESP/vfio-fleet/trial.img" "$2"; return 0; fi
  cp "$1" "$2.vfio-fleet-new" && sync "$2.vfio-fleet-new" || { rm -f "$2.vfio-fleet-new"; die "$2 cannot be written: is there room on $ESP?"; }
  mv -f "$2.vfio-fleet-new" "$2"
}

# kernel_install VERSION INITRD...: what kernel-install makes of these. It writes in place, so that a power cut would leave
# half a kernel, initrd or entry: here it fills a folder, whose files are renamed onto the boot partition, the entry last.
kernel_install() {
  local version made entry folder file
  version=$1; shift
  made=$BOOT/made
  rm -rf "$made"; mkdir -p "$made/loader/entries"
  # what tells it the layout
  [ ! -e "$ESP/loader/entries.srel" ] || cp "$ESP/loader/entries.srel" "$made/loader/"
  if entry=$(entry_of "$version"); then folder=$(folder_of "$entry"); mkdir -p "$made$folder"; fi
  say "kernel-install add $version"
  BOOT_ROOT=$made kernel-install add "$version" "$(kernel_image "$version")" "$@" 2>&1 || die "kernel-install failed for $version"
  [ -n "$(ls "$made/loader/entries")" ] || die "kernel-install made no boot entry for $version"
  find "$made" -type f ! -path "$made/loader/*" >"$BOOT/files"
  while read -r file; do put "$file" "$ESP${file#"$made"}"; done <"$BOOT/files"
  sync -f "$ESP"
  for file in "$made"/loader/entries/*; do put "$file" "$ESP${file#"$made"}"; done
  sync -f "$ESP"
  rm -rf "$made" "$BOOT/files"
}

folder_of() { awk '$1 == "linux" { sub(/\/[^\/]*$/, "", $2); print $2; exit }' "$1"; } # ENTRY

# names of the initrds in an entry, in their order; microcode is added by kernel-install itself
initrds_of() { awk '$1 == "initrd" { sub(/.*\//, "", $2); if ($2 !~ /^microcode|ucode/) print $2 }' "$1"; } # ENTRY

bootloader_commit() {
  local version entry
  ESP=$(bootctl --print-boot-path)
  for version in $(initramfs_kernels); do
    [ -e "$(kernel_image "$version")" ] || continue
    # for bootloader_restore
    if [ ! -e "$BOOT/initrds-$version" ] && entry=$(entry_of "$version"); then initrds_of "$entry" | place "$BOOT/initrds-$version" 600; fi
    kernel_install "$version" "$(initramfs_image "$version")"
  done
}

# bootloader_restore: entries as they were. The initrd may have had another name there, such as that under which the
# generator's plugin of kernel-install makes it, or two of them.
bootloader_restore() {
  local version image entry folder before name
  ESP=$(bootctl --print-boot-path)
  for version in $(initramfs_kernels); do
    entry=$(entry_of "$version") || continue
    image=$(initramfs_image "$version")
    before=$(cat "$BOOT/initrds-$version" 2>/dev/null || :)
    [ -n "$before" ] || before=$(initrds_of "$entry")
    folder=$ESP$(folder_of "$entry")
    rm -rf "$BOOT/initrds"; mkdir "$BOOT/initrds"
    set --
    for name in $before; do
      case $name in
        "${image##*/}") set -- "$@" "$image" ;;
        initrd) cp "$image" "$BOOT/initrds/initrd"; set -- "$@" "$BOOT/initrds/initrd" ;;
        # somebody's own: as it is
        *) set -- "$@" "$folder/$name" ;;
      esac
    done
    kernel_install "$version" "$@"
    rm -rf "$BOOT/initrds"
    case "$NL$before$NL" in *"$NL${image##*/}$NL"*) ;; *) rm -f "$folder/${image##*/}" ;; esac
  done
  bootloader_forget
  sync -f "$ESP"
}
