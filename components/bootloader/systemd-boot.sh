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

# bootloader_restore: entries as they were. Where kernel-install had the initrd made by the generator's own plugin, it lies
# beside the kernel under this name, and ours goes again.
bootloader_restore() {
  local version entry folder
  ESP=$(bootctl --print-boot-path)
  for version in $(initramfs_kernels); do
    entry=$(entry_of "$version") || continue
    folder=$ESP$(awk '$1 == "linux" { sub(/\/[^\/]*$/, "", $2); print $2; exit }' "$entry")
    if [ -e "$folder/initrd" ]; then
      say "kernel-install add $version"
      kernel-install add "$version" "$(kernel_image "$version")" 2>&1 || die "kernel-install failed for $version"
      rm -f "$folder/$(basename "$(initramfs_image "$version")")"
    else
      install_kernel "$version"
    fi
  done
  sync -f "$ESP"
}

install_kernel() { # VERSION
  say "kernel-install add $1"
  kernel-install add "$1" "$(kernel_image "$1")" "$(initramfs_image "$1")" 2>&1 || die "kernel-install failed for $1"
}

bootloader_commit() {
  local version
  # the tool copies in place: while it does, a power cut would lead to the trial entry, which has proved itself
  ESP=$(bootctl --print-boot-path)
  if [ -e "$ESP/loader/entries/$TRIAL_ENTRY" ]; then oneshot $TRIAL_ENTRY; fi
  for version in $(initramfs_kernels); do
    [ ! -e "$(kernel_image "$version")" ] || install_kernel "$version"
  done
  sync -f "$ESP"
}
