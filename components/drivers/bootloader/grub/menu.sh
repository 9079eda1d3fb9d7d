# ---- GRUB 2: trial and proof in the menu under $GRUB ---------------------------------------------------------------
# A trial is an entry of its own in custom.cfg, which grub.cfg sources (/etc/grub.d/41_custom), chosen once through
# next_entry of the environment block: GRUB itself clears it before it boots, so any later boot takes the default entry.

# grub_trial_entry VERSION IMAGE TOKEN OLD-ARGUMENTS NEW-ARGUMENTS: that entry with the new arguments and the trial image.
# An entry that saves itself as the default (GRUB_SAVEDEFAULT) must not do so in a trial.
grub_trial_entry() {
  local place entry
  place=$(grub_entry "$1")
  [ -n "$place" ] || die "no menu entry for kernel $1 in $GRUB/grub.cfg: run update-grub, then this again"
  entry=$(OLD=$4 NEW=$5 awk -v place="$place" -v image="$(basename "$(initramfs_image "$1")")" -v trial="${2##*/}" -v mark="$(mark "$3")" \
    -v back="$COME_BACK" '
    function wanted(word,   i) { for (i in drop) if (drop[i] == word) return 0; return 1 }
    function base(path) { sub(/.*\//, "", path); return path }
    BEGIN { split(place, at, " "); split(ENVIRON["OLD"], drop, " "); n = split(ENVIRON["NEW"], add, " ") }
    NR <= at[1] + 0 || NR >= at[2] + 0 || $1 == "savedefault" { next }
    $1 == "linux" || $1 == "linuxefi" {
      out = "\t" $1 " " $2; have = " "
      for (i = 3; i <= NF; i++) if (wanted($i)) { out = out " " $i; have = have $i " " }
      for (i = 1; i <= n; i++) if (index(have, " " add[i] " ") == 0) out = out " " add[i]
      print out " vfio_fleet.trial=" mark (out ~ / panic=/ ? "" : " " back); next
    }
    $1 == "initrd" || $1 == "initrdefi" {
      out = "\t" $1
      for (i = 2; i <= NF; i++) { if (base($i) == image) sub(/[^\/]*$/, trial, $i); out = out " " $i }
      print out; next
    }
    { print }' "$GRUB/grub.cfg")
  case $entry in *"${2##*/}"*) ;; *) die "the menu entry for $1 in $GRUB/grub.cfg has no $(basename "$(initramfs_image "$1")")" ;; esac
  say "$entry"
}

# Whether GRUB itself can write the environment block, and so clear next_entry: not through LVM, RAID or encryption, nor
# where blocks move or carry checksums (GRUB manual, "Environment block").
grub_writes_env() {
  [ -z "$(grub-probe --target=abstraction "$GRUB" 2>/dev/null)" ] || return 1
  case $(grub-probe --target=fs "$GRUB" 2>/dev/null) in btrfs | zfs | squash4 | f2fs) return 1 ;; esac
}

# Where it cannot, an environment block of ours on the EFI system partition, which is plain FAT, says that the trial is
# due. GRUB takes the trial only once it has cleared that, so a trial can never repeat itself.
ESP_ENV=/boot/efi/vfio-fleet.env
esp_choice() {
  local uuid
  uuid=$(findmnt -no UUID -t vfat /boot/efi) || die "GRUB cannot write to $GRUB, and no EFI system partition is mounted at /boot/efi: give /boot an ext4 or xfs partition of its own"
  grub-editenv "$ESP_ENV" create
  grub-editenv "$ESP_ENV" set vfio_fleet_next=trial
  sync -f /boot/efi
  cat <<END
insmod part_gpt
insmod fat
insmod loadenv
search --no-floppy --fs-uuid --set=vfio_fleet_esp $uuid
if [ -s (\$vfio_fleet_esp)/vfio-fleet.env ]; then
  load_env --file (\$vfio_fleet_esp)/vfio-fleet.env vfio_fleet_next
  if [ "\$vfio_fleet_next" = trial ]; then
    set vfio_fleet_next=
    if save_env --file (\$vfio_fleet_esp)/vfio-fleet.env vfio_fleet_next; then
      set default=vfio-fleet-trial
    fi
  fi
fi
END
}

# grub_arm VERSION IMAGE TOKEN OLD-ARGUMENTS NEW-ARGUMENTS
grub_arm() {
  local entry choice
  grep -q 'custom\.cfg' "$GRUB/grub.cfg" || die "$GRUB/grub.cfg does not read custom.cfg: is /etc/grub.d/41_custom executable? Then run update-grub"
  entry=$(grub_trial_entry "$@")
  choice=
  if ! grub_writes_env; then choice=$NL$(esp_choice); fi
  rm -f "$BOOT/custom"
  [ ! -e "$GRUB/custom.cfg" ] || without_block "$GRUB/custom.cfg" >"$BOOT/custom"
  {
    [ ! -e "$BOOT/custom" ] || cat "$BOOT/custom"
    printf '# BEGIN vfio-fleet\nmenuentry "vfio-fleet trial boot" --class gnu-linux --id vfio-fleet-trial {\n%s\n}%s\n# END vfio-fleet\n' "$entry" "$choice"
  } >"$BOOT/custom.new"
  place "$GRUB/custom.cfg" 600 <"$BOOT/custom.new"
  rm -f "$BOOT/custom" "$BOOT/custom.new"
  if [ -z "$choice" ]; then
    grub-editenv "$GRUB/grubenv" set next_entry=vfio-fleet-trial
    grub-editenv "$GRUB/grubenv" list | grep -qx 'next_entry=vfio-fleet-trial' || die "GRUB's environment block $GRUB/grubenv does not keep the trial entry"
  fi
  sync -f "$GRUB"
}

grub_disarm() {
  rm -f "$ESP_ENV"
  if [ -e "$GRUB/custom.cfg" ] && grep -q '^# BEGIN vfio-fleet$' "$GRUB/custom.cfg"; then
    without_block "$GRUB/custom.cfg" >"$BOOT/custom"
    if [ -s "$BOOT/custom" ]; then place "$GRUB/custom.cfg" 600 <"$BOOT/custom"; else rm -f "$GRUB/custom.cfg"; fi
    rm -f "$BOOT/custom"
  fi
  # GRUB leaves an empty next_entry behind when it has booted the trial
  if grub-editenv "$GRUB/grubenv" list 2>/dev/null | grep -qxE 'next_entry=(vfio-fleet-trial)?'; then
    grub-editenv "$GRUB/grubenv" unset next_entry
  fi
}

# grub_lacks FILE: wanted arguments that an ordinary menu entry is without; fails when there are some
grub_lacks() {
  WANTED=$(arguments "$1") awk '
    BEGIN { n = split(ENVIRON["WANTED"], add, " ") }
    /^[ \t]*menuentry / { recovery = /recovery|vfio-fleet/ }
    ($1 == "linux" || $1 == "linuxefi") && !recovery { for (i = 1; i <= n; i++) if (index($0 " ", " " add[i] " ") == 0) { print $2 ": " add[i]; bad = 1 } }
    END { exit bad }' "$GRUB/grub.cfg"
}
