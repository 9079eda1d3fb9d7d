# ---- boot loader: systemd-boot by proxmox-boot-tool ----------------------------------------------------------------

# the kernel that somebody has pinned, if any
pinned() { head -n 1 /etc/kernel/proxmox-boot-pin 2>/dev/null || :; }

entry_versions() { awk 'FNR == 1 { seen = 0 } $1 == "version" && !seen++ && FILENAME !~ /0-vfio-fleet-/ { print $2 }' "$ESP"/loader/entries/*.conf; }
bootloader_version() {
  local version
  version=$(pinned)
  [ -n "$version" ] || version=$(each_esp entry_versions | sort -V | tail -n 1)
  say "$version"
}
bootloader_arm() {
  each_esp entries_arm "$@"
  oneshot "$TRIAL_ENTRY"
}
bootloader_disarm() {
  no_oneshot
  each_esp entries_disarm
}
bootloader_lacks() { each_esp entries_lacks "$1"; }
bootloader_recovery() { each_esp entries_recovery; }
bootloader_forget() { each_esp entries_forget; }

trial_is_there() { [ -e "$ESP/loader/entries/$TRIAL_ENTRY" ]; }
bootloader_commit() {
  # while the tool copies in place, a power cut would lead to the trial entry, which has proved itself
  if each_esp trial_is_there; then oneshot "$TRIAL_ENTRY"; fi
  refresh
}
