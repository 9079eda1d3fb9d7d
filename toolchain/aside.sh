# shellcheck shell=bash
# Pieces are made aside and renamed into place, so that an interrupted setup leaves nothing half made.

# new_aside: an empty folder to build in. Whoever holds the lock is alone: other such folders are leftovers.
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
