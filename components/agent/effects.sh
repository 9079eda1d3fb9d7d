# ---- effects: what has to show on the running system ---------------------------------------------------------------
# One a line, as components/plan/kernel/effects.ts writes them. A preview judges the same lines there, by the probe's facts:
# test/unit/agent/effects.test.ts holds both against one table.

# unmet FILE: a line for every wanted effect that the running system does not show
unmet() {
  local kind first rest device vendor product driver member class name expected value line
  line=" $(cat /proc/cmdline) "
  while read -r kind first rest; do
    device=/sys/bus/pci/devices/$first
    case $kind in
      argument)
        case $line in *" $first "*) ;; *) say "kernel command line: lacks $first" ;; esac ;;
      function)
        if [ ! -d "$device" ]; then say "$first: no such device"; continue; fi
        read -r vendor <"$device/vendor"; read -r product <"$device/device"
        [ "${vendor#0x}:${product#0x}" = "$rest" ] || say "$first: is ${vendor#0x}:${product#0x}, expected $rest"
        driver=$(readlink "$device/driver" || echo none)
        [ "${driver##*/}" = vfio-pci ] || say "$first: driver is ${driver##*/}, expected vfio-pci" ;;
      alone)
        if [ ! -d "$device/iommu_group/devices" ]; then say "$first: in no IOMMU group, the IOMMU is off"; continue; fi
        for member in "$device"/iommu_group/devices/*; do
          case " $first $rest " in *" ${member##*/} "*) continue ;; esac
          read -r class <"$member/class"
          case $class in 0x06*) continue ;; esac
          driver=$(readlink "$member/driver" || echo none)
          say "$first: shares its IOMMU group with ${member##*/} (driver ${driver##*/})"
        done ;;
      hugepages)
        read -r value <"/sys/kernel/mm/hugepages/hugepages-${first}kB/nr_hugepages" || value=0
        [ "$value" -ge "$rest" ] || say "huge pages of $first KiB: $value of $rest" ;;
      parameter)
        name=${rest%% *}; expected=${rest#* }; value=
        if [ -d "/sys/module/$first" ]; then
          read -r value <"/sys/module/$first/parameters/$name" || [ -n "$value" ] || value="not there"
        else
          # not loaded, so the effect to look at is what it would be loaded with
          value=$(modprobe -c | sed -n "s/^options $first .*\\b$name=\\([^ ]*\\).*/\\1/p" | tail -n 1)
        fi
        case ",$expected," in *",$value,"*) ;; *) say "module $first: $name is ${value:-not set}, expected ${expected%%,*}" ;; esac ;;
    esac
  done <"$1" 2>/dev/null
}

# gone FILE: effects of the configuration before that are wanted no more, so that only a reboot takes them back
gone() {
  [ -e "$BOOT/applied" ] || return 0
  grep -E '^(argument|function|parameter) ' "$BOOT/applied" | grep -vxF -f "$1" || :
}

arguments() { sed -n 's/^argument //p' "$1" 2>/dev/null || :; }
