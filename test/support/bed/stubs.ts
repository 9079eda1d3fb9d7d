/**
 * Stand-ins for programs that would act on the machine. Each does what is visible from outside. A menu is written
 * from its settings, and an image holds its input files. After a reboot the host shows the effects of its boot
 * configuration.
 */
const GRUB_EDITENV = `[ $# -gt 2 ] || set -- "$1" "\${2:-list}"
file=$1; action=$2; shift 2
case $action in
  create) : >"$file" ;;
  list) cat "$file" ;;
  set) { grep -v "^\${1%%=*}=" "$file"; echo "$1"; } >"$file.new"; mv "$file.new" "$file" ;;
  unset) grep -v "^$1=" "$file" >"$file.new"; mv "$file.new" "$file" ;;
esac
exit 0`;

const UPDATE_GRUB = `. /etc/default/grub
for part in /etc/default/grub.d/*.cfg; do [ ! -e "$part" ] || . "$part"; done
version=$(cat /proc/sys/kernel/osrelease)
cat >/boot/grub/grub.cfg.new <<END
if [ -f  \\\${config_directory}/custom.cfg ]; then
  source \\\${config_directory}/custom.cfg
fi
menuentry 'Debian GNU/Linux' --class debian \\$menuentry_id_option 'gnulinux-simple-bed' {
	linux	/boot/vmlinuz-$version root=UUID=bed ro $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT
	initrd	/boot/initrd.img-$version
}
END
mv /boot/grub/grub.cfg.new /boot/grub/grub.cfg
echo "update-grub $*" >>/var/log/stub.log`;

const REBOOT = `echo reboot >>/var/log/reboots
count=$(wc -l </var/log/reboots)
version=$(cat /proc/sys/kernel/osrelease)
if grep -qx next_entry=vfio-fleet-trial /boot/grub/grubenv; then
  line=$(sed -n 's/^[[:space:]]*linux[[:space:]]*[^ ]* //p' /boot/grub/custom.cfg | head -n 1)
  grub-editenv /boot/grub/grubenv set next_entry=
else
  line=$(sed -n 's/^[[:space:]]*linux[[:space:]]*[^ ]* //p' /boot/grub/grub.cfg | head -n 1)
fi
echo "BOOT_IMAGE=/boot/vmlinuz-$version $line" >/proc/cmdline
printf '%08d-0000-4000-8000-000000000000\\n' "$count" >/proc/sys/kernel/random/boot_id
for device in /sys/bus/pci/devices/*; do
  driver=$(cat "$device/own_driver" 2>/dev/null) || driver=
  if grep -q "^\${device##*/} " /etc/vfio-fleet/bind 2>/dev/null; then driver=vfio-pci; fi
  [ -n "$driver" ] || continue
  rm -f "$device/driver" /sys/bus/pci/drivers/*/"\${device##*/}"
  mkdir -p "/sys/bus/pci/drivers/$driver"
  ln -s "/sys/bus/pci/drivers/$driver" "$device/driver"
  ln -s "$(readlink -f "$device")" "/sys/bus/pci/drivers/$driver/\${device##*/}"
done
if grep -qs ignore_msrs=1 /etc/modprobe.d/kvm.conf; then echo Y; else echo N; fi >/sys/module/kvm/parameters/ignore_msrs`;

const SYSTEMCTL = `case $* in
  *is-active*) exit 1 ;;
  *start*libvirtd*) [ -S /run/libvirt/libvirt-sock ] ||
    perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])) or die $!; listen(S, 1)' /run/libvirt/libvirt-sock ;;
esac`;

/** The arguments after a verb, without virsh's own options. */
const VIRSH = `while [ "\${1#-}" != "\${1:-}" ]; do case $1 in -c) shift 2 ;; *) shift ;; esac; done
case $1 in
  version) echo "Using library: libvirt 9.0.0" ;;
  net-info) echo "Autostart:      yes" ;;
  net-list) echo default ;;
  list) ;;
esac`;

const MODINFO = `for name; do :; done
case $name in
  vfio_virqfd) exit 1 ;;
  kvm) printf 'name:           kvm\\nfilename:       /lib/modules/x/kvm.ko\\nparm:           ignore_msrs:bool\\n' ;;
  *) echo "/lib/modules/x/$name.ko" ;;
esac`;

export const STUBS: Readonly<Record<string, string>> = {
  "update-grub": UPDATE_GRUB,
  "grub-mkconfig": ": # reads /etc/default/grub.d/*.cfg",
  "grub-editenv": GRUB_EDITENV,
  "grub-probe": "case $1 in *fs) echo ext2 ;; esac",
  "grub-reboot": ":",
  "update-initramfs": 'echo "update-initramfs $*" >>/var/log/stub.log',
  // A test holds a host here, or makes it fail.
  mkinitramfs: `while [ -e /root/hold ]; do sleep 0.1; done
[ ! -e /root/fail ] || { echo "No space left on device" >&2; exit 1; }
shift; tar cf "$1" -C / etc/modprobe.d $(cd / && ls -d etc/vfio-fleet etc/initramfs-tools 2>/dev/null)`,
  unmkinitramfs:
    'mkdir -p "$2/main/m"; for m in vfio vfio_iommu_type1 vfio-pci; do : >"$2/main/m/$m.ko"; done; tar xf "$1" -C "$2/main" 2>/dev/null && mv "$2/main/etc/initramfs-tools/scripts" "$2/main" 2>/dev/null || :',
  "fake-reboot": REBOOT,
  // what the agent would run behind its own back runs at once
  "systemd-run": "fake-reboot",
  systemctl: SYSTEMCTL,
  virsh: VIRSH,
  modinfo: MODINFO,
  modprobe: ":",
  dpkg: ":",
  "apt-get": "echo no network >&2; exit 1",
  uname: 'case $1 in -r) cat /proc/sys/kernel/osrelease ;; *) exec /usr/bin/uname "$@" ;; esac',
  sync: ":",
  ip: ":",
};
