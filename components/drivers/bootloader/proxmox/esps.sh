# ---- Proxmox: the partitions that proxmox-boot-tool keeps in step; they are not mounted ----------------------------

# each_esp FUNCTION ARGUMENT...: with every partition that is there mounted at $ESP
each_esp() {
  local uuid bad seen
  ESP=/run/vfio-fleet/esp
  bad=0
  seen=
  mkdir -p $ESP
  trap 'umount /run/vfio-fleet/esp 2>/dev/null || :' EXIT
  while read -r uuid; do
    [ -n "$uuid" ] || continue
    if [ ! -e "/dev/disk/by-uuid/$uuid" ]; then
      say "boot partition $uuid is not there: left out" >&2
      continue
    fi
    mount -t vfat "/dev/disk/by-uuid/$uuid" $ESP || die "boot partition $uuid does not mount"
    seen=yes
    "$@" || bad=1
    sync -f $ESP
    umount $ESP || die "boot partition $uuid does not unmount"
  done </etc/kernel/proxmox-boot-uuids
  trap - EXIT
  [ -n "$seen" ] || die "none of the boot partitions in /etc/kernel/proxmox-boot-uuids is there"
  return $bad
}

refresh() {
  say "proxmox-boot-tool refresh"
  proxmox-boot-tool refresh 2>&1 || die "proxmox-boot-tool refresh failed"
}
