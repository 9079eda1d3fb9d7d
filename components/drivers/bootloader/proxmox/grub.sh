# ---- boot loader: GRUB by proxmox-boot-tool, its menu and the kernels on the boot partitions ------------------------

esp_version() {
  local place
  GRUB=$ESP/grub
  # versions are words
  # shellcheck disable=SC2046
  place=$(grub_entry "$(uname -r)" $(initramfs_kernels))
  say "${place##* }"
}
esp_arm() {
  GRUB=$ESP/grub
  cp "$2" "$ESP/${2##*/}" || die "the trial image does not fit on the boot partition: remove kernels that are not needed"
  grub_arm "$@"
}
esp_disarm() {
  GRUB=$ESP/grub
  grub_disarm
  rm -f "$ESP"/vfio-fleet-trial.img-*
}
esp_lacks() {
  local version bad
  GRUB=$ESP/grub
  bad=0
  grub_lacks "$1" || bad=1
  for version in $(initramfs_kernels); do
    if [ -e "$ESP/initrd.img-$version" ] && ! cmp -s "$ESP/initrd.img-$version" "$(initramfs_image "$version")"; then
      say "initrd.img-$version on the boot partition: as it was built"
      bad=1
    fi
  done
  return $bad
}

# sed reads to the end: a reader that stops early would kill the writer with a partition mounted
bootloader_version() { each_esp esp_version | sed -n 1p; }
bootloader_arm() { each_esp esp_arm "$@"; }
bootloader_disarm() { each_esp esp_disarm; }
bootloader_lacks() { each_esp esp_lacks "$1"; }

# while the tool copies in place, a power cut would lead to the trial entry, which has proved itself
esp_again() {
  GRUB=$ESP/grub
  ! grep -qs '^# BEGIN vfio-fleet$' "$GRUB/custom.cfg" || grub-editenv "$GRUB/grubenv" set next_entry=vfio-fleet-trial
}
bootloader_commit() {
  each_esp esp_again
  refresh
}
