# ---- who has a card ------------------------------------------------------------------------------------------------

# holding_domains ADDRESS: names of the running domains that have this device, one a line, as libvirt's own status files
# say. No daemon is asked, so that libvirt's hooks can use it as well.
holding_domains() {
  local bus slot status
  bus=${1#*:}
  slot=${bus#*:}
  bus=${bus%%:*}
  for status in /run/libvirt/qemu/*.xml; do
    # a device's place in the guest says type='pci', the host's own address does not
    if [ -e "$status" ] && grep -q "<address domain='0x${1%%:*}' bus='0x$bus' slot='0x${slot%.*}' function='0x${1##*.}'" "$status"; then
      status=${status##*/}
      printf '%s\n' "${status%.xml}"
    fi
  done
}
