#!/bin/sh
# The boot files of the Debian 12 in "$1": an initramfs by initramfs-tools, and GRUB. Writes the EFI programs to
# "$LAB_OUT/esp". Environment: LAB_ROOT_UUID, LAB_ROOT_PARTUUID, LAB_KERNEL_ARGUMENTS, LAB_OUT (folder).
set -eu
root=$1

# The initramfs built here has drivers for the lab hosts' hardware only. On the host, MODULES=dep applies.
sed -i -e 's/^MODULES=.*/MODULES=dep/' -e 's/^COMPRESS=.*/COMPRESS=zstd/' -e 's/^# *COMPRESSLEVEL=.*/COMPRESSLEVEL=1/' \
  "$root/etc/initramfs-tools/initramfs.conf"
cp "$root/etc/initramfs-tools/modules" "$root/tmp/modules"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$root/etc/initramfs-tools/modules"
echo MODULES=list >"$root/etc/initramfs-tools/conf.d/lab"
chroot "$root" update-initramfs -u -k all
rm "$root/etc/initramfs-tools/conf.d/lab"
mv "$root/tmp/modules" "$root/etc/initramfs-tools/modules"

# GRUB as grub-install leaves it: all modules in /boot/grub, and a core image that finds them by the file system's
# UUID.
sed -i -e 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=0/' -e 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="'"$LAB_KERNEL_ARGUMENTS"'"/' \
  -e 's/^#GRUB_TERMINAL=.*/GRUB_TERMINAL=console/' "$root/etc/default/grub"
mkdir -p "$root/boot/grub"
cp -r "$root/usr/lib/grub/x86_64-efi" "$root/boot/grub/"
rm -rf "$root"/boot/grub/x86_64-efi/monolithic
mkdir -p "$root/boot/grub/fonts"
cp "$root/usr/share/grub/unicode.pf2" "$root/boot/grub/fonts/"
chroot "$root" grub-editenv /boot/grub/grubenv create
cat >"$root/tmp/early.cfg" <<END
search.fs_uuid $LAB_ROOT_UUID root
set prefix=(\$root)'/boot/grub'
END
chroot "$root" grub-mkimage -O x86_64-efi -p /boot/grub -c /tmp/early.cfg -o /tmp/grubx64.efi part_gpt ext2 search_fs_uuid
mkdir -p "$LAB_OUT/esp/EFI/debian" "$LAB_OUT/esp/EFI/BOOT"
cp "$root/tmp/grubx64.efi" "$LAB_OUT/esp/EFI/debian/grubx64.efi"
mv "$root/tmp/grubx64.efi" "$LAB_OUT/esp/EFI/BOOT/BOOTX64.EFI"
rm "$root/tmp/early.cfg"

# grub-mkconfig asks grub-probe about devices that exist only on the running host. This stand-in gives the host's
# answers.
mv "$root/usr/sbin/grub-probe" "$root/usr/sbin/grub-probe.real"
cat >"$root/usr/sbin/grub-probe" <<END
#!/bin/sh
target=
while [ \$# -gt 0 ]; do
  case \$1 in
  --target=*) target=\${1#--target=} ;;
  -t) target=\$2; shift ;;
  esac
  shift
done
case \$target in
device) echo /dev/vda2 ;;
fs) echo ext2 ;;
fs_uuid) echo $LAB_ROOT_UUID ;;
partuuid) echo $LAB_ROOT_PARTUUID ;;
partmap) echo gpt ;;
drive) echo "(hd0,gpt2)" ;;
abstraction | cryptodisk_uuid | compatibility_hint | hints_string) ;;
*) exit 1 ;;
esac
END
chmod 755 "$root/usr/sbin/grub-probe"
mkdir -p "$root/dev/disk/by-uuid"
touch "$root/dev/disk/by-uuid/$LAB_ROOT_UUID"
chroot "$root" update-grub
# The build machine may boot without UEFI, but lab hosts boot with it.
grep -q "'uefi-firmware'" "$root/boot/grub/grub.cfg" || sed -i "/^### BEGIN .*30_uefi-firmware ###/a\\
menuentry 'UEFI Firmware Settings' \$menuentry_id_option 'uefi-firmware' {\\
\tfwsetup\\
}" "$root/boot/grub/grub.cfg"
rm -r "$root/dev/disk"
mv "$root/usr/sbin/grub-probe.real" "$root/usr/sbin/grub-probe"
