# shellcheck shell=bash
# Pieces are built in a temporary folder and renamed into place, so that an interrupted setup leaves nothing
# incomplete.

# new_aside: makes an empty folder to build in. The caller holds the lock, so other such folders are leftovers.
new_aside() {
  mkdir -p "$CACHE/toolchain"
  rm -rf "$CACHE"/toolchain/.aside-*
  mktemp -d "$CACHE/toolchain/.aside-XXXXXX"
}

put_in_place() {
  chmod 755 "$1"
  rm -rf "$2"
  mv -T "$1" "$2"
}
