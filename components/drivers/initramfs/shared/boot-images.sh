# ---- initramfs images as Debian and Ubuntu name them ---------------------------------------------------------------

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
