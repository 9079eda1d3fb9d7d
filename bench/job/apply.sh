# The job over plain ssh: one connection, one script; MODE is apply or check. In front of this text stand put and block,
# one call a file: bench/peers.ts writes them.
set -eu
umask 022
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
changed=
find /sys/kernel/iommu_groups/ -type l >/dev/null
# wanted PATH MODE: the wanted content on standard input
wanted() {
  cat >/tmp/wanted
  if cmp -s /tmp/wanted "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then return 0; fi
  if [ "$MODE" = check ]; then
    diff -u "$1" /tmp/wanted || :
    return 0
  fi
  mkdir -p "${1%/*}"
  cp /tmp/wanted "$1.new"
  chmod "$2" "$1.new"
  mv "$1.new" "$1"
  changed=$3
}
files
{
  sed '/^# BEGIN vfio-fleet$/,/^# END vfio-fleet$/d' /etc/libvirt/qemu.conf
  block
} >/tmp/qemu.conf
wanted /etc/libvirt/qemu.conf 644 "$changed" </tmp/qemu.conf
[ "$MODE" = apply ] || exit 0
[ -z "$changed" ] || {
  mkinitramfs -o "/boot/initrd.img-$(uname -r)"
  update-grub
  fake-reboot
}
grep -q 'intel_iommu=on iommu=pt' /proc/cmdline
for function in /sys/bus/pci/devices/0000:01:00.*; do
  case $(readlink "$function/driver") in */vfio-pci) ;; *) exit 1 ;; esac
done
