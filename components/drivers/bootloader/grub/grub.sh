# ---- boot loader: GRUB 2 with its menu in /boot/grub --------------------------------------------------------------

bootloader_version() {
  local place
  # versions are words
  # shellcheck disable=SC2046
  place=$(grub_entry "$(uname -r)" $(initramfs_kernels))
  say "${place##* }"
}
bootloader_arm() { grub_arm "$@"; }
bootloader_disarm() { grub_disarm; }
bootloader_lacks() { grub_lacks "$1"; }

# grub-mkconfig fills a file aside; it is compared and renamed here, or by Debian's update-grub itself
bootloader_commit() {
  if command -v update-grub >/dev/null; then
    say "update-grub"
    update-grub 2>&1 || die "update-grub failed; the boot menu is as it was"
  else
    say "grub-mkconfig"
    grub-mkconfig -o "$GRUB/grub.cfg.vfio-fleet-new" 2>&1 || {
      rm -f "$GRUB/grub.cfg.vfio-fleet-new"
      die "grub-mkconfig failed; the boot menu is as it was"
    }
    sync "$GRUB/grub.cfg.vfio-fleet-new"
    mv -f "$GRUB/grub.cfg.vfio-fleet-new" "$GRUB/grub.cfg"
  fi
  sync -f /boot
}
