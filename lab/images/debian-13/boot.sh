#!/bin/sh
# The boot files of the Debian 13 in "$1": an initramfs by dracut, and systemd-boot with entries by kernel-install.
# Writes the content of the EFI system partition to "$LAB_OUT/esp". Environment: LAB_ROOT_UUID, LAB_KERNEL_ARGUMENTS,
# LAB_OUT (folder).
set -eu
root=$1
version=$(ls "$root/lib/modules")

# Entries are named after the machine id, so it has to exist before the first boot.
echo 1ab0e5f11ab0e5f11ab0e5f11ab0e5f1 >"$root/etc/machine-id"
mkdir -p "$root/etc/kernel"
echo "root=UUID=$LAB_ROOT_UUID ro $LAB_KERNEL_ARGUMENTS" >"$root/etc/kernel/cmdline"

# The initramfs built here has drivers for the lab hosts' hardware. On the host, dracut's host-only mode applies.
chroot "$root" dracut --quiet --force "/boot/initrd.img-$version" "$version"
cat >"$root/etc/dracut.conf.d/lab.conf" <<'END'
hostonly="yes"
compress="zstd -q -1"
END

# systemd-boot as the installer leaves it. kernel-install needs a separate file system for the entries.
mkdir -p "$LAB_OUT/esp"
cp "$root/boot/initrd.img-$version" "$root/tmp/initrd"
# the variables are those of the other shell
# shellcheck disable=SC2016
LAB_VERSION=$version unshare --mount sh -eu -c '
  mount --make-rprivate /
  mount -t tmpfs none "$1/boot/efi"
  mkdir -p "$1/boot/efi/EFI/BOOT" "$1/boot/efi/EFI/systemd" "$1/boot/efi/EFI/Linux" "$1/boot/efi/loader/entries"
  cp "$1/usr/lib/systemd/boot/efi/systemd-bootx64.efi.signed" "$1/boot/efi/EFI/systemd/systemd-bootx64.efi"
  cp "$1/usr/lib/systemd/boot/efi/systemd-bootx64.efi.signed" "$1/boot/efi/EFI/BOOT/BOOTX64.EFI"
  echo type1 >"$1/boot/efi/loader/entries.srel"
  echo "#console-mode keep" >"$1/boot/efi/loader/loader.conf"
  SYSTEMD_RELAX_ESP_CHECKS=1 chroot "$1" kernel-install --esp-path=/boot/efi --make-entry-directory=yes add \
    "$LAB_VERSION" "/boot/vmlinuz-$LAB_VERSION" /tmp/initrd
  cp -r "$1"/boot/efi/* "$LAB_OUT/esp/"
' sh "$root"
rm "$root/tmp/initrd"
