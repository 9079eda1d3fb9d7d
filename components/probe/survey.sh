# vfio-fleet survey: what explains a host, beyond what a plan for it looks at. It stands in front of probe.sh when it
# is asked for, obeys the same rules (POSIX sh with local, no process in a loop over devices, nothing changed), and uses its
# functions. What only root may see stays away for a plain user: the reader of the answer then says "unknown".
# SURVEY names the function that probe.sh calls: survey for all, watch for what changes while one looks.
survey_machine() {
  local variable
  section survey
  value /proc/uptime uptime
  value /sys/class/dmi/id/sys_vendor systemVendor
  value /sys/class/dmi/id/product_name systemName
  value /sys/class/dmi/id/board_vendor boardVendor
  value /sys/class/dmi/id/board_name boardName
  value /sys/class/dmi/id/bios_version firmwareVersion
  value /sys/class/dmi/id/bios_date firmwareDate
  value /sys/class/dmi/id/chassis_type chassis
  value /sys/devices/system/clocksource/clocksource0/current_clocksource clocksource
  value /sys/devices/system/clocksource/clocksource0/available_clocksource clocksources
  value /sys/kernel/security/lockdown lockdown
  value /sys/module/apparmor/parameters/enabled apparmor
  value /sys/fs/selinux/enforce selinux
  # four bytes of attributes, then 0 or 1 (UEFI, "Globally Defined Variables")
  variable=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  [ -r "$variable" ] && printf 'secureBoot=%s\n' "$(od -An -tu1 -j4 -N1 "$variable")"
  section survey-modules
  cat /proc/modules
}

survey_memory() {
  section survey-memory
  cat /proc/meminfo
  head -n 1 /dev/null /sys/kernel/mm/hugepages/*/nr_hugepages /sys/kernel/mm/hugepages/*/free_hugepages
}

survey_screen() {
  section survey-framebuffers
  cat /proc/fb
  section survey-iomem
  # addresses read as zero for a plain user
  grep -i -E 'BOOTFB|efifb|vesafb|simplefb|simple-framebuffer' /proc/iomem
  section survey-resize
  head -n 1 /dev/null /sys/bus/pci/devices/*/resource[0-5]_resize
}

survey_log() {
  local log
  if log=$(dmesg); then
    # what the boot said first, and what went wrong last
    section survey-kernel-boot
    printf '%s\n' "$log" |
      grep -E 'Linux version|DMAR|AMD-Vi|[Ii]nterrupt remapping|Secure boot|secureboot|VMX|SVM|disabled by' | head -n 80
    section survey-kernel-trouble
    printf '%s\n' "$log" | grep -i -E "vfio|iommu.*fault|DMAR:.*(fault|DRHD|PTE)|IO_PAGE_FAULT|AMD-Vi: (Event|Completion)|BAR [0-9].*(can't|failed|no space|reserve)|can't reserve|no space for|failed to assign|AER:|PCIe Bus Error|apparmor=.*DENIED|Invalid PCI ROM|ROM contents|D3cold|D3hot|not ready .*ms|change power state|Unknown (header|NMI)|soft lockup|clocksource|NVRM|fallen off the bus|(ignored|unhandled) (rd|wr)msr|out of memory|page allocation failure" |
      tail -n 200
  fi
}

# A list of paths is split on purpose, by IFS.
# shellcheck disable=SC2086
survey_domains() {
  local path roms
  set -- /var/log/libvirt/qemu/*.log
  if [ -r "$1" ]; then
    section survey-domain-logs
    tail -c 24000 /dev/null "$@" | grep -E '^==> |: (starting up|shutting down)|(qemu-system-[a-z0-9_]+|kvm): |internal error|not viable|[Pp]ermission denied|Cannot allocate' |
      cut -c 1-600
  fi

  set -- /etc/libvirt/qemu/*.xml
  if [ -r "$1" ]; then
    # the files that domains name. libvirt writes one element a line, in single quotes; an escaped name is left out
    section survey-paths
    sed -n -e "s/.*<rom [^>]*file='\([^'&]*\)'.*/\1/p" -e "s/.*<source [^>]*file='\([^'&]*\)'.*/\1/p" \
      -e "s/.*<source [^>]*dev='\(\/[^'&]*\)'.*/\1/p" -e "s/.*<loader[^>]*>\([^<&]*\)<.*/\1/p" \
      -e "s/.*<nvram[^>]*template='\([^'&]*\)'.*/\1/p" "$@" |
      while IFS= read -r path; do
        if [ -e "$path" ]; then printf 'there %s\n' "$path"; else printf 'missing %s\n' "$path"; fi
      done
    # video BIOS files of domains, small as they are: sizes, then all contents end to end
    roms=$(sed -n "s/.*<rom [^>]*file='\([^'&]*\)'.*/\1/p" "$@" | sort -u | head -n 8 |
      while IFS= read -r path; do [ -f "$path" ] && [ -r "$path" ] && printf '%s\n' "$path"; done)
    if [ -n "$roms" ]; then
      IFS=$NL
      section survey-roms
      stat -L -c '%s %n' $roms
      section survey-rom-contents
      for path in $roms; do head -c 1048576 "$path"; done | base64
      IFS=" $NL"
    fi
  fi
}

survey_proxmox() {
  local pid
  if [ -r /etc/pve/qemu-server ]; then
    section survey-proxmox
    grep -H -E '^(name|hostpci[0-9]+|bios|machine|onboot|args|\[.*)[]:]' /etc/pve/qemu-server/*.conf | cut -c 1-400
    for pid in /run/qemu-server/*.pid; do [ -e "$pid" ] && printf 'running %s\n' "$pid"; done
  fi
}

survey_holders() {
  local busy file folder module name process users uses
  section survey-holders
  # Who has the card's device files open. Domains tell of themselves; other processes are looked at only where there may
  # be some: QEMU beside libvirt, and anything while the NVIDIA driver counts more users than the modules above it.
  if [ "$PRIVILEGE" != none ] && [ "$PRIVILEGE" != sudo-agent-old ] && find / -maxdepth 0 -lname / -printf ''; then
    busy=
    while read -r module _ uses users _; do
      [ "$module" = nvidia ] || continue
      while [ "$users" != "${users#*,}" ]; do
        users=${users#*,}
        uses=$((uses - 1))
      done
      [ "$uses" -gt 0 ] && busy=1
    done </proc/modules
    set --
    for process in /proc/[0-9]*; do
      if [ -z "$busy" ]; then
        name=
        IFS= read -r name <"$process/comm"
        case $name in qemu* | kvm | cloud-hyp* | crosvm) ;; *) continue ;; esac
      fi
      set -- "$@" "$process/fd"
    done
    echo walked
    [ $# = 0 ] || find "$@" -maxdepth 1 \( -lname '/dev/nvidia[0-9]*' -o -lname '/dev/vfio/[0-9]*' -o -lname '/dev/vfio/devices/*' \) \
      -printf '%h %l\n' | sort -u | head -n 200 | while read -r folder file; do
      name=
      IFS= read -r name <"${folder%/fd}/comm"
      printf '%s %s %s\n' "$file" "${folder%/fd}" "$name"
    done
  fi
  section survey-nvidia
  head -n 20 /dev/null /proc/driver/nvidia/gpus/*/information | grep -E '^==> |Device Minor|Model'
}

survey_temperatures() {
  section survey-temperatures
  # the first sensor of the drivers that have one (Linux: Documentation/hwmon/sysfs-interface.rst), in thousandths
  head -n 1 /dev/null /sys/bus/pci/devices/*/hwmon/hwmon*/temp1_input
}

survey() {
  survey_machine
  survey_memory
  survey_screen
  survey_log
  survey_domains
  survey_proxmox
  survey_holders
  survey_temperatures
}

watch() {
  section survey
  survey_memory
  survey_log
  survey_proxmox
  survey_holders
  survey_temperatures
  # NVIDIA's driver has no such sensor, but a program that asks it
  [ -e /proc/driver/nvidia/version ] && nvidia-smi --query-gpu=pci.bus_id,temperature.gpu --format=csv,noheader,nounits
}
