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
bootloader_arm() {
  on_boot_partition entries_arm "$@"
  oneshot "$TRIAL_ENTRY"
}
bootloader_disarm() {
  no_oneshot
  on_boot_partition entries_disarm
}
bootloader_lacks() { on_boot_partition entries_lacks "$1"; }
bootloader_recovery() { on_boot_partition entries_recovery; }
bootloader_forget() { on_boot_partition entries_forget; }

# kernel_install VERSION INITRD...: what kernel-install makes of these. It writes in place, so that a power cut would leave
# half a kernel, initrd or entry: here it fills a folder on the boot partition, whose files are then renamed, the entry last.
kernel_install() {
  local version made entry file
  version=$1
  shift
  made=$ESP/vfio-fleet/made
  rm -rf "$made"
  mkdir -p "$made/loader/entries" || die "$ESP cannot be written to"
  # what tells it the layout
  [ ! -e "$ESP/loader/entries.srel" ] || cp "$ESP/loader/entries.srel" "$made/loader/"
  ! entry=$(entry_of "$version") || mkdir -p "$made$(folder_of "$entry")"
  say "kernel-install add $version"
  BOOT_ROOT=$made kernel-install add "$version" "$(kernel_image "$version")" "$@" 2>&1 || {
    rm -rf "$made"
    die "kernel-install failed for $version; the boot entry is as it was"
  }
  [ -n "$(ls "$made/loader/entries")" ] || die "kernel-install made no boot entry for $version"
  # paths in an entry begin at the partition's root
  sed -i "s#^\([a-z-]*[[:space:]][[:space:]]*\)${made#"$ESP"}/#\1/#" "$made"/loader/entries/*.conf
  sync -f "$ESP"
  find "$made" -type f ! -path "$made/loader/*" >"$BOOT/files"
  find "$made/loader/entries" -type f >>"$BOOT/files"
  while read -r file; do
    mkdir -p "$(dirname "$ESP${file#"$made"}")"
    cmp -s "$file" "$ESP${file#"$made"}" || mv -f "$file" "$ESP${file#"$made"}"
  done <"$BOOT/files"
  rm -rf "$made" "$BOOT/files"
  rmdir "$ESP/vfio-fleet" 2>/dev/null || :
  sync -f "$ESP"
}

folder_of() { awk '$1 == "linux" { sub(/\/[^\/]*$/, "", $2); print $2; exit }' "$1"; } # ENTRY

# names of the initrds in an entry, in their order; microcode is added by kernel-install itself
initrds_of() { awk '$1 == "initrd" { sub(/.*\//, "", $2); if ($2 !~ /^microcode|ucode/) print $2 }' "$1"; } # ENTRY

bootloader_commit() {
  local version entry
  ESP=$(bootctl --print-boot-path)
  # makes room; until the entry is renamed the old configuration is whole
  entries_disarm
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
    rm -rf "$BOOT/initrds"
    mkdir "$BOOT/initrds"
    set --
    for name in $before; do
      case $name in
        "${image##*/}") set -- "$@" "$image" ;;
        initrd)
          cp "$image" "$BOOT/initrds/initrd"
          set -- "$@" "$BOOT/initrds/initrd"
          ;;
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
