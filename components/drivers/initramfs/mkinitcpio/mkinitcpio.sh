# ---- initramfs generator: mkinitcpio (Arch Linux) -------------------------------------------------------------------
# Kernels and images carry the name of the kernel's package, which the modules' folder tells.

package_of() { cat "/usr/lib/modules/$1/pkgbase"; }
kernel_image() { say "/boot/vmlinuz-$(package_of "$1")"; }
initramfs_image() { say "/boot/initramfs-$(package_of "$1").img"; }
initramfs_trial() { say "/boot/vfio-fleet-trial-$(package_of "$1").img"; }

initramfs_kernels() {
  local base version
  for base in /usr/lib/modules/*/pkgbase; do
    [ -e "$base" ] || continue
    version=${base%/pkgbase}
    version=${version##*/}
    [ ! -e "$(initramfs_image "$version")" ] || say "$version"
  done
}

# one word that changes when any image does
initramfs_stamp() { stat -c '%n:%s:%Y' /boot/initramfs-* | sort | tr '\n' ','; }

initramfs_build() { # VERSION PATH
  mkinitcpio -k "$1" -g "$2.part" || {
    rm -f "$2.part"
    die "mkinitcpio failed for $1; no boot file was touched"
  }
  sync "$2.part"
  mv -f "$2.part" "$2"
}

# initramfs_open IMAGE FOLDER: prints where its root is
initramfs_open() {
  (cd "$2" && lsinitcpio -x "$1") >&2 || return 1
  say "$2"
}

# early hooks run in the order of HOOKS; udev's starts udev. With systemd as init, udev's service runs ours first.
initramfs_order() {
  if [ -e "$1/usr/lib/systemd/system/systemd-udevd.service" ]; then
    grep -qs /hooks/vfio-fleet "$1/etc/systemd/system/systemd-udevd.service.d/vfio-fleet.conf" || {
      say "the binding before udev's service"
      return 1
    }
    return 0
  fi
  case $(sed -n 's/^EARLYHOOKS=//p' "$1/config" 2>/dev/null) in
    *udev*vfio-fleet*)
      say "the binding hook before udev"
      return 1
      ;;
  esac
}
