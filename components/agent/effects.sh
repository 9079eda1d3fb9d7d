# ---- effects: what has to show on the running system ---------------------------------------------------------------
# One a line, as components/plan/kernel/effects.ts writes them. A preview judges the same lines there, by the probe's facts:
# test/unit/agent/effects.test.ts holds both against one table.

# unmet_function ADDRESS VENDOR:DEVICE: that function is there, and vfio-pci has it
unmet_function() {
  local device vendor product driver
  device=/sys/bus/pci/devices/$1
  if [ ! -d "$device" ]; then
    say "$1: no such device"
    return 0
  fi
  read -r vendor <"$device/vendor"
  read -r product <"$device/device"
  [ "${vendor#0x}:${product#0x}" = "$2" ] || say "$1: is ${vendor#0x}:${product#0x}, expected $2"
  driver=$(readlink "$device/driver" || echo none)
  [ "${driver##*/}" = vfio-pci ] || say "$1: driver is ${driver##*/}, expected vfio-pci"
}

# unmet_alone ADDRESS "ADDRESS...": its IOMMU group holds nothing but these and bridges (class 06)
unmet_alone() {
  local device member class driver
  device=/sys/bus/pci/devices/$1
  if [ ! -d "$device/iommu_group/devices" ]; then
    say "$1: in no IOMMU group, the IOMMU is off"
    return 0
  fi
  for member in "$device"/iommu_group/devices/*; do
    case " $1 $2 " in *" ${member##*/} "*) continue ;; esac
    read -r class <"$member/class"
    case $class in 0x06*) continue ;; esac
    driver=$(readlink "$member/driver" || echo none)
    say "$1: shares its IOMMU group with ${member##*/} (driver ${driver##*/})"
  done
}

# unmet_hugepages KIB COUNT: the kernel could set so many aside
unmet_hugepages() {
  local found
  read -r found <"/sys/kernel/mm/hugepages/hugepages-$1kB/nr_hugepages" || found=0
  [ "$found" -ge "$2" ] || say "huge pages of $1 KiB: $found of $2"
}

# unmet_parameter MODULE NAME VALUE: what the module runs with. A switch has several spellings, the wanted one first.
unmet_parameter() {
  local found wanted
  found='' wanted=$3
  if [ -d "/sys/module/$1" ]; then
    read -r found <"/sys/module/$1/parameters/$2" || :
    found=${found:-not there}
  else
    # not loaded, so the effect to look at is what it would be loaded with. The probe does not ask for that
    found=$(modprobe -c | sed -n "s/^options $1 .*\\b$2=\\([^ ]*\\).*/\\1/p" | tail -n 1)
  fi
  case $3 in
    1,Y | y,1,Y | Y,1 | 0,N | n,0,N | N,0)
      wanted=${3%%,*}
      case ",$3," in *",$found,"*) return 0 ;; esac
      ;;
  esac
  [ "$found" = "$wanted" ] || say "module $1: $2 is ${found:-not set}, expected $wanted"
}

# unmet FILE: a line for every wanted effect that the running system does not show
unmet() {
  local kind first rest line
  # double quotes hold spaces together (Linux: lib/cmdline.c, next_arg); a wanted argument has none
  line=" $(awk -F '"' '{ for (i = 2; i <= NF; i += 2) gsub(/[ \t]/, "_", $i); gsub(/\t/, " "); print }' OFS='"' /proc/cmdline) "
  while read -r kind first rest; do
    case $kind in
      argument) case $line in *" $first "*) ;; *) say "kernel command line: lacks $first" ;; esac ;;
      function) unmet_function "$first" "$rest" ;;
      alone) unmet_alone "$first" "$rest" ;;
      hugepages) unmet_hugepages "$first" "$rest" ;;
      parameter) unmet_parameter "$first" "${rest%% *}" "${rest#* }" ;;
    esac
  done <"$1" 2>/dev/null
}

# gone FILE: effects of the configuration before that are wanted no longer, so that only a reboot takes them back
gone() {
  [ -e "$BOOT/applied" ] || return 0
  awk 'FILENAME == ARGV[1] { wanted[$0]; next }
    /^(argument|function|parameter) / && !($0 in wanted) { print "no longer wanted: " $0 }' "$1" "$BOOT/applied"
}

# arguments FILE: those among its effects
arguments() { sed -n 's/^argument //p' "$1" 2>/dev/null || :; }
