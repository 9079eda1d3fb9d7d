# ---- initramfs generator: initramfs-tools (Debian, Ubuntu up to 25.04) -------------------------------------------

initramfs_image() { say "/boot/initrd.img-$1"; }
initramfs_trial() { say "/boot/vfio-fleet-trial.img-$1"; }

initramfs_kernels() {
  local image version
  for image in /boot/initrd.img-*; do
    version=${image#/boot/initrd.img-}
    [ ! -d "/lib/modules/$version" ] || say "$version"
  done
}

# one word that changes when any image does
initramfs_stamp() { stat -c '%n:%s:%Y' /boot/initrd.img-* | sort | tr '\n' ','; }

initramfs_build() { # VERSION PATH
  mkinitramfs -o "$2.part" "$1" || { rm -f "$2.part"; die "mkinitramfs failed for $1; no boot file was touched"; }
  sync "$2.part"; mv -f "$2.part" "$2"
}

# initramfs_lacks KERNEL-VERSION IMAGE WANTED: opens the image; prints what is missing and fails, or is silent
initramfs_lacks() {
  local opened root bad kind first rest
  local version
  version=$1; shift
  [ -e "$1" ] || { say "$1 is not there"; return 1; }
  opened=$(mktemp -d /var/tmp/vfio-fleet.XXXXXX)
  if ! unmkinitramfs "$1" "$opened" 2>"$opened.log"; then
    say "$1 cannot be opened: $(tail -n 1 "$opened.log")"; rm -rf "$opened" "$opened.log"; return 1
  fi
  root=$opened; [ ! -d "$opened/main" ] || root=$opened/main
  find "$root" -name '*.ko*' >"$opened.modules"
  bad=0
  for first in $(image_modules "$version" "$2"); do
    grep -qE "/$(printf '%s' "$first" | sed 's/[_-]/[_-]/g')\.ko(\.[a-z0-9]+)?\$" "$opened.modules" || { say "module $first"; bad=1; }
  done
  while read -r kind first rest; do
    case $kind in
      image-file)
        [ "$(sha256sum <"$root$first" 2>/dev/null | cut -d' ' -f1)" = "$rest" ] || { say "$first as it is on the host now"; bad=1; } ;;
      image-without) [ ! -e "$root$first" ] || { say "$first should not be in it"; bad=1; } ;;
    esac
  done <"$2"
  # the binding has to be made before udev lets any other driver load
  if [ -e "$root/scripts/init-top/ORDER" ] && grep -q vfio-fleet "$root/scripts/init-top/ORDER"; then
    grep -oE 'init-top/(udev|[^ ]*vfio-fleet)' "$root/scripts/init-top/ORDER" | head -n 1 | grep -q vfio-fleet ||
      { say "the binding script before udev"; bad=1; }
  fi
  rm -rf "$opened" "$opened.log" "$opened.modules"
  return $bad
}
