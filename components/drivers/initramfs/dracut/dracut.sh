# ---- initramfs generator: dracut (Debian 13, Ubuntu from 25.10) ----------------------------------------------------

initramfs_build() { # VERSION PATH
  # Debian's dracut has its hooks put every image that it builds into the boot entry: not this one, before it was proved
  NO_POST_UPDATE_HOOKS=1 dracut --quiet --force "$2.part" "$1" || {
    rm -f "$2.part"
    die "dracut failed for $1; no boot file was touched"
  }
  sync "$2.part"
  mv -f "$2.part" "$2"
}

# initramfs_open IMAGE FOLDER: prints where its root is. The folder of hooks has moved between versions of dracut:
# /lib/dracut/hooks up to 105, /var/lib/dracut/hooks since.
initramfs_open() {
  (cd "$2" && lsinitrd --unpack "$1") >&2 || return 1
  if [ ! -e "$2/var/lib/dracut/hooks" ] && [ -d "$2/lib/dracut/hooks" ]; then
    mkdir -p "$2/var/lib/dracut"
    cp -r "$2/lib/dracut/hooks" "$2/var/lib/dracut/hooks"
  fi
  say "$2"
}

# hooks for pre-udev run before udev does, in whatever order
initramfs_order() { :; }
