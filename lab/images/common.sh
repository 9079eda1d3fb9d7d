#!/bin/sh
# Turns the bare Debian in "$1" into a lab host: network, users, SSH keys. Environment: LAB_ROOT_UUID, LAB_ESP_UUID
# (XXXX-XXXX), LAB_PUBLIC_KEY (one line), LAB_HOST_KEY and LAB_HOST_PUBLIC_KEY (the texts), LAB_SUDO_PASSWORD.
set -eu
root=$1

# A static address in QEMU's user network saves a DHCP round trip at boot.
cat >"$root/etc/systemd/network/10-lab.network" <<END
[Match]
MACAddress=52:54:00:1a:b0:00
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
END
cat >"$root/etc/systemd/network/90-other.network" <<END
[Match]
Name=en*
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[Link]
RequiredForOnline=no
END
echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
echo lab >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost lab\n' >"$root/etc/hosts"
: >"$root/etc/machine-id"

cat >"$root/etc/fstab" <<END
UUID=$LAB_ROOT_UUID / ext4 errors=remount-ro 0 0
UUID=$LAB_ESP_UUID /boot/efi vfat umask=0077,nofail 0 0
END
mkdir -p "$root/boot/efi"

# Logins: root; op with sudo; opw with sudo and a password; nosudo without sudo.
chroot "$root" useradd -m -s /bin/bash -G sudo,libvirt op
chroot "$root" useradd -m -s /bin/bash -G sudo opw
chroot "$root" useradd -m -s /bin/bash nosudo
printf 'opw:%s\n' "$LAB_SUDO_PASSWORD" | chroot "$root" chpasswd
echo 'op ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/op"
chmod 440 "$root/etc/sudoers.d/op"
for home in root home/op home/opw home/nosudo; do
  mkdir -p "$root/$home/.ssh"
  chmod 700 "$root/$home/.ssh"
  printf '%s\n' "$LAB_PUBLIC_KEY" >"$root/$home/.ssh/authorized_keys"
  chmod 600 "$root/$home/.ssh/authorized_keys"
done
for user in op opw nosudo; do chroot "$root" chown -R "$user:$user" "/home/$user/.ssh"; done

rm -f "$root"/etc/ssh/ssh_host_*
(umask 077 && printf '%s\n' "$LAB_HOST_KEY" >"$root/etc/ssh/ssh_host_ed25519_key")
printf '%s\n' "$LAB_HOST_PUBLIC_KEY" >"$root/etc/ssh/ssh_host_ed25519_key.pub"
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<END
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintLastLog no
END
chroot "$root" systemctl -q enable systemd-networkd ssh

# Leftovers of mmdebstrap.
rm -rf "$root"/etc/apt/apt.conf.d/00mmdebstrap "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
