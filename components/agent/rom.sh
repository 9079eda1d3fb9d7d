# ---- video BIOS ---------------------------------------------------------------------------------------------------
# Reads a card's option ROM through sysfs (Linux: Documentation/PCI/sysfs-pci.rst). `vfio-fleet rom dump` sends this part
# alone, the agent's verb dump is built on it. Nothing is ever written to a card's flash.

# rom_holders ADDRESS: who has the device: running domains by name, else the processes that have its IOMMU group open
rom_holders() {
  local name group domains device
  domains=
  for name in $(holding_domains "$1"); do domains="$domains${domains:+, }the running domain $name"; done
  if [ -n "$domains" ]; then
    say "$domains"
    return 0
  fi
  group=$(readlink "/sys/bus/pci/devices/$1/iommu_group" || :)
  [ -n "$group" ] || return 0
  # Linux 6.6 has a file for each device as well
  device=$(ls "/sys/bus/pci/devices/$1/vfio-dev" 2>/dev/null || :)
  # one process for all links, whose names are numbers
  # shellcheck disable=SC2010
  ls -l /proc/[0-9]*/fd 2>/dev/null | grep -qE " /dev/vfio/(${group##*/}|devices/${device:-none})\$" || return 0
  say "a process (/dev/vfio/${group##*/} is open)"
}

# rom_command DEVICE NUMBER: the low byte of the PCI command register
# the byte is the format itself, as an octal escape
# shellcheck disable=SC2059
rom_command() { printf "\\$(printf %03o "$2")" | dd of="$1/config" bs=1 seek=4 conv=notrunc 2>/dev/null; }

# rom_put_back: everything that rom_awake changed, the switch first
rom_put_back() {
  echo 0 >"$ROM_DEVICE/rom" || :
  [ -z "$ROM_COMMAND" ] || rom_command "$ROM_DEVICE" "$ROM_COMMAND" || :
  [ -z "$ROM_CONTROL" ] || echo "$ROM_CONTROL" >"$ROM_DEVICE/power/control" || :
}

# rom_awake DEVICE: the ROM in base64, from a card that is woken for it. A shell of its own, so that its traps put
# everything back whatever happens.
rom_awake() (
  local state found encoded
  ROM_DEVICE=$1 ROM_CONTROL='' ROM_COMMAND=''
  trap rom_put_back EXIT
  trap 'exit 1' HUP INT PIPE TERM
  state=D0
  if [ -e "$ROM_DEVICE/power/control" ]; then
    read -r found <"$ROM_DEVICE/power/control"
    if [ "$found" != on ]; then
      ROM_CONTROL=$found
      echo on >"$ROM_DEVICE/power/control"
    fi
  fi
  [ ! -e "$ROM_DEVICE/power_state" ] || read -r state <"$ROM_DEVICE/power_state"
  case $state in D3*)
    die "${ROM_DEVICE##*/} sleeps ($state) and power/control does not wake it, as before Linux 5.19: load vfio-pci with disable_idle_d3=1 and reboot"
    ;;
  esac
  # without memory decoding a card answers FFh everywhere, its ROM included (PCI Local Bus Specification 6.2.2)
  found=$(od -An -tu1 -j4 -N1 "$ROM_DEVICE/config" | tr -d ' ')
  if [ $((found & 2)) = 0 ]; then
    ROM_COMMAND=$found
    rom_command "$ROM_DEVICE" $((found | 2))
  fi
  echo 1 >"$ROM_DEVICE/rom"
  encoded=$(base64 "$ROM_DEVICE/rom") || encoded=''
  [ -n "$encoded" ] || die "${ROM_DEVICE##*/}: its ROM cannot be read: the card shows none, or it has no address on this host. Read it in another computer, or take the maker's file, and name that in the stack (rom: {file: PATH})"
  printf '%s\n' "$encoded"
)

# rom_read ADDRESS [VENDOR:DEVICE]: prints the ROM in base64, or says why it must not or cannot be read
rom_read() {
  local device vendor product boot_vga driver holders
  device=/sys/bus/pci/devices/$1
  [ -d "$device" ] || die "there is no PCI device at $1"
  read -r vendor <"$device/vendor"
  read -r product <"$device/device"
  [ "${2:-any}" = any ] || [ "$2" = "${vendor#0x}:${product#0x}" ] ||
    die "$1 is ${vendor#0x}:${product#0x}, expected $2: the slot holds another card"
  [ -e "$device/rom" ] || die "$1 has no ROM to read (no file rom in sysfs): onboard and virtual functions have none"
  boot_vga=0
  [ ! -e "$device/boot_vga" ] || read -r boot_vga <"$device/boot_vga"
  [ "$boot_vga" != 1 ] || die "$1 is the boot display: what would be read is the firmware's copy in memory, which has changed since it ran. Let the host start on another display, or read the ROM in another computer"
  driver=$(readlink "$device/driver" || echo none)
  case ${driver##*/} in
    vfio-pci | none) ;;
    *) die "$1 is in use by the host (driver ${driver##*/}), and reading could hang it: hand it to vfio-pci first (pulumi up)" ;;
  esac
  holders=$(rom_holders "$1")
  [ -z "$holders" ] || die "$1 is in use by $holders: shut it down first"
  rom_awake "$device"
}
