# ---- initramfs images: what they hold -------------------------------------------------------------------------------

# image_modules KERNEL-VERSION FILE: modules that this kernel's image has to hold. Those compiled in need no place there, and
# vfio_virqfd is no module of its own any more since Linux 6.2.
image_modules() {
  local module where
  sed -n 's/^module //p' "$2" | while read -r module; do
    where=$(modinfo -k "$1" -F filename "$module" 2>/dev/null || :)
    case $where:$module in "(builtin)":* | :vfio_virqfd) ;; *) say "$module" ;; esac
  done
}

# image_lacks KERNEL-VERSION IMAGE WANTED: opens the image; prints what is missing and fails, or is silent
image_lacks() {
  local opened root bad kind first rest
  [ -e "$2" ] || {
    say "$2 is not there"
    return 1
  }
  opened=$(mktemp -d /var/tmp/vfio-fleet.XXXXXX)
  if ! root=$(initramfs_open "$2" "$opened" 2>"$opened.log"); then
    say "$2 cannot be opened: $(tail -n 1 "$opened.log")"
    rm -rf "$opened" "$opened.log"
    return 1
  fi
  find "$root" -name '*.ko*' >"$opened.modules"
  bad=0
  for first in $(image_modules "$1" "$3"); do
    grep -qE "/$(printf '%s' "$first" | sed 's/[_-]/[_-]/g')\.ko(\.[a-z0-9]+)?\$" "$opened.modules" || {
      say "module $first"
      bad=1
    }
  done
  while read -r kind first rest; do
    case $kind in
      image-file)
        [ "$(sha256_of "$root$first" 2>/dev/null)" = "$rest" ] || {
          say "$first as it is on the host now"
          bad=1
        }
        ;;
    esac
  done <"$3"
  # options of an earlier description, which the host has no more
  for first in "$root/etc/modprobe.d"/*; do
    grep -qs '^# Written by vfio-fleet;' "$first" || continue
    grep -q "^image-file ${first#"$root"} " "$3" || {
      say "${first#"$root"} gone, as it is on the host now"
      bad=1
    }
  done
  initramfs_order "$root" || bad=1
  rm -rf "$opened" "$opened.log" "$opened.modules"
  return $bad
}
