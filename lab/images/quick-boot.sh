#!/bin/sh
# Speeds up the boot of the system in "$1": in emulation every started process costs 0.1 to 0.5 s. Services are not
# removed; they still start when something needs them.
set -eu
root=$1
units=$root/etc/systemd/system

# A symlink to /dev/null in a .wants folder removes that one dependency and leaves the unit unchanged.
unwant() {
  target=$1
  shift
  mkdir -p "$units/$target.wants"
  for unit; do ln -sf /dev/null "$units/$target.wants/$unit"; done
}
unwant sysinit.target dev-mqueue.mount proc-sys-fs-binfmt_misc.automount \
  sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  systemd-ask-password-console.path systemd-binfmt.service systemd-firstboot.service systemd-journal-flush.service \
  systemd-network-generator.service systemd-pcrphase-sysinit.service systemd-pcrphase.service \
  systemd-pstore.service systemd-random-seed.service systemd-repart.service systemd-sysctl.service systemd-sysusers.service \
  systemd-update-utmp.service cryptsetup.target integritysetup.target veritysetup.target
unwant multi-user.target dbus.service getty.target systemd-ask-password-wall.path systemd-logind.service \
  systemd-update-utmp-runlevel.service libvirtd.service libvirt-guests.service machines.target e2scrub_reap.service remote-fs.target
unwant graphical.target systemd-update-utmp-runlevel.service
unwant timers.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  logrotate.timer systemd-tmpfiles-clean.timer man-db.timer
unwant sockets.target systemd-initctl.socket systemd-journald-audit.socket
unwant network-online.target systemd-networkd-wait-online.service
chroot "$root" systemctl -q set-default multi-user.target

dropin() {
  mkdir -p "$units/$1.d"
  cat >"$units/$1.d/lab.conf"
}
# Triggers only the devices that matter, not every terminal, memory block and processor.
dropin systemd-udev-trigger.service <<'END'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=pci --subsystem-match=virtio --subsystem-match=block --subsystem-match=net --subsystem-match=sound --subsystem-match=drm --subsystem-match=misc
END
# The line on the serial port tells the lab that sshd accepts connections, so it need not try.
dropin ssh.service <<'END'
[Service]
ExecStartPre=
ExecStartPost=-/bin/sh -c 'echo "lab: sshd is up" >/dev/ttyS0'
END
# A guest under two emulations uses whole processors even while it waits, so it gets only idle time.
dropin machine.slice <<'END'
[Slice]
CPUWeight=idle
END
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nAudit=no\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# Without these lines a login starts a user manager, a session and the message-of-the-day scripts.
sed -i '/pam_systemd/d' "$root/etc/pam.d/common-session"
sed -i -e '/pam_motd/d' -e '/pam_mail/d' "$root/etc/pam.d/sshd"

# Drivers of board devices that the lab does not use.
cat >"$root/etc/modprobe.d/lab-board.conf" <<'END'
blacklist ahci
blacklist cfg80211
blacklist i2c_i801
blacklist iTCO_wdt
blacklist lpc_ich
blacklist pcspkr
blacklist psmouse
blacklist qemu_fw_cfg
END
