# ---- boot loader: GRUB 2 with drop-ins (Debian, Ubuntu) ---------------------------------------------------------
# A trial is an entry of its own in custom.cfg, which grub.cfg sources (/etc/grub.d/41_custom), chosen once through
# grub-reboot: GRUB itself clears next_entry before it boots, so any later boot takes the untouched default entry.

GRUB_CFG=/boot/grub/grub.cfg
GRUB_CUSTOM=/boot/grub/custom.cfg

# the value that marks a trial on its command line: the token without characters that GRUB's scripts would read
bootloader_mark() { printf '%s' "$1" | tr -cd 'A-Za-z0-9.-'; }

# bootloader_arm VERSION IMAGE TOKEN OLD-ARGUMENTS NEW-ARGUMENTS
bootloader_arm() {
  local entry
  grep -q 'custom\.cfg' $GRUB_CFG || die "$GRUB_CFG does not read custom.cfg: is /etc/grub.d/41_custom executable? Then run update-grub"
  entry=$(awk -v kernel="vmlinuz-$1" -v image="initrd.img-$1" -v trial="${2##*/}" -v mark="$(bootloader_mark "$3")" \
    -v old="$(echo $4)" -v new="$(echo $5)" '
    function wanted(word,   i) { for (i in drop) if (drop[i] == word) return 0; return 1 }
    function base(path) { sub(/.*\//, "", path); return path }
    BEGIN { split(old, drop, " "); n = split(new, add, " ") }
    /^[ \t]*menuentry / { inside = 1; hit = 0; recovery = /recovery/; text = "" ; next }
    inside && /^[ \t]*}[ \t]*$/ {
      if (hit && !recovery) { print text "}"; exit }
      inside = 0
    }
    inside && $1 == "linux" {
      if (base($2) == kernel) hit = 1
      out = "\tlinux " $2; have = " "
      for (i = 3; i <= NF; i++) if (wanted($i)) { out = out " " $i; have = have $i " " }
      for (i = 1; i <= n; i++) if (index(have, " " add[i] " ") == 0) out = out " " add[i]
      # a trial that panics starts the old configuration by itself (kernel-parameters.txt, panic=)
      if (have !~ / panic=/) out = out " panic=30"
      text = text out " vfio_fleet.trial=" mark "\n"; next
    }
    inside && $1 == "initrd" {
      out = "\tinitrd"
      for (i = 2; i <= NF; i++) { if (base($i) == image) sub(/[^\/]*$/, trial, $i); out = out " " $i }
      text = text out "\n"; next
    }
    inside { text = text $0 "\n" }' $GRUB_CFG)
  case $entry in *"$NL}"*) ;; *) die "no menu entry for the running kernel $1 in $GRUB_CFG: run update-grub, then this again" ;; esac
  case $entry in *"${2##*/}"*) ;; *) die "the menu entry for $1 in $GRUB_CFG has no initrd.img-$1" ;; esac
  [ ! -e $GRUB_CUSTOM ] || without_block $GRUB_CUSTOM >"$BOOT/custom"
  {
    [ ! -e "$BOOT/custom" ] || cat "$BOOT/custom"
    printf '# BEGIN vfio-fleet\nmenuentry "vfio-fleet trial boot" --class gnu-linux --id vfio-fleet-trial {\n%s\n# END vfio-fleet\n' "$entry"
  } >"$BOOT/custom.new"
  place $GRUB_CUSTOM 600 <"$BOOT/custom.new"
  rm -f "$BOOT/custom" "$BOOT/custom.new"
  grub-reboot vfio-fleet-trial
  grub-editenv /boot/grub/grubenv list | grep -qx 'next_entry=vfio-fleet-trial' || die "GRUB's environment block does not keep the trial entry"
  sync -f /boot
}

bootloader_disarm() {
  if [ -e $GRUB_CUSTOM ] && grep -q '^# BEGIN vfio-fleet$' $GRUB_CUSTOM; then
    without_block $GRUB_CUSTOM >"$BOOT/custom"
    if [ -s "$BOOT/custom" ]; then place $GRUB_CUSTOM 600 <"$BOOT/custom"; else rm -f $GRUB_CUSTOM; fi
    rm -f "$BOOT/custom"
  fi
  # GRUB leaves an empty next_entry behind when it has booted the trial
  if grub-editenv /boot/grub/grubenv list 2>/dev/null | grep -qxE 'next_entry=(vfio-fleet-trial)?'; then
    grub-editenv /boot/grub/grubenv unset next_entry
  fi
}

# bootloader_lacks FILE: wanted arguments that an ordinary menu entry is without; fails when there are some
bootloader_lacks() {
  awk -v new="$(echo $(arguments "$1"))" '
    BEGIN { n = split(new, add, " ") }
    /^[ \t]*menuentry / { recovery = /recovery|vfio-fleet/ }
    $1 == "linux" && !recovery { for (i = 1; i <= n; i++) if (index($0 " ", " " add[i] " ") == 0) { print $2 ": " add[i]; bad = 1 } }
    END { exit bad }' $GRUB_CFG
}

# update-grub writes aside and renames by itself
bootloader_commit() {
  say "update-grub"
  update-grub 2>&1 || die "update-grub failed; the boot menu is as it was"
  sync -f /boot
}
