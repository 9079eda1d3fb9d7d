# ---- initramfs generator: initramfs-tools (Debian, Ubuntu up to 25.04) -------------------------------------------

initramfs_build() { # VERSION PATH
  mkinitramfs -o "$2.part" "$1" || {
    rm -f "$2.part"
    die "mkinitramfs failed for $1; no boot file was touched"
  }
  sync "$2.part"
  mv -f "$2.part" "$2"
}

# initramfs_open IMAGE FOLDER: prints where its root is
initramfs_open() {
  unmkinitramfs "$1" "$2" >&2 || return 1
  if [ -d "$2/main" ]; then say "$2/main"; else say "$2"; fi
}

# the binding has to be made before udev lets any other driver load
initramfs_order() {
  if [ -e "$1/scripts/init-top/ORDER" ] && grep -q vfio-fleet "$1/scripts/init-top/ORDER"; then
    grep -oE 'init-top/(udev|[^ ]*vfio-fleet)' "$1/scripts/init-top/ORDER" | head -n 1 | grep -q vfio-fleet ||
      {
        say "the binding script before udev"
        return 1
      }
  fi
}
