#!/bin/sh
# Puts the system in "$1" on a GPT disk, "$LAB_OUT/disk.raw", without loop devices: an EFI system partition with the
# content of "$LAB_OUT/esp", and an ext4 root. Runs as root, or as root of a user namespace. Environment:
# LAB_ROOT_UUID, LAB_ROOT_PARTUUID, LAB_ESP_UUID (XXXX-XXXX), LAB_ESP_MIB, LAB_DISK_MIB, LAB_OUT (folder).
set -eu
root=$1
disk=$LAB_OUT/disk.raw
esp=$LAB_OUT/esp.img

truncate -s "${LAB_ESP_MIB}M" "$esp"
mkfs.vfat -i "$(echo "$LAB_ESP_UUID" | tr -d -)" -n ESP "$esp" >/dev/null
mcopy -s -i "$esp" "$LAB_OUT"/esp/* ::/

truncate -s "${LAB_DISK_MIB}M" "$disk"
sgdisk --clear --new=1:1M:+"${LAB_ESP_MIB}M" --typecode=1:ef00 \
  --new=2:0:0 --typecode=2:8300 --partition-guid=2:"$LAB_ROOT_PARTUUID" "$disk" >/dev/null
dd if="$esp" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
# A bind mount that is not recursive hides what mmdebstrap has mounted in the tree. The variables are those
# of the other shell.
# shellcheck disable=SC2016
LAB_ROOT_OFFSET=$(((LAB_ESP_MIB + 1) * 1024 * 1024)) LAB_ROOT_KIB=$(((LAB_DISK_MIB - LAB_ESP_MIB - 2) * 1024)) \
  unshare --mount sh -eu -c '
    mount --make-rprivate /
    mkdir -p "$LAB_OUT/tree"
    mount --bind "$1" "$LAB_OUT/tree"
    mke2fs -q -t ext4 -U "$LAB_ROOT_UUID" -L root -m 1 \
      -E "offset=$LAB_ROOT_OFFSET,assume_storage_prezeroed=1,lazy_itable_init=0" -d "$LAB_OUT/tree" "$2" "${LAB_ROOT_KIB}k"
  ' sh "$root" "$disk"
cp "$root"/boot/vmlinuz-* "$LAB_OUT/vmlinuz"
rm -rf "$esp" "$LAB_OUT/esp" "$LAB_OUT/tree"
