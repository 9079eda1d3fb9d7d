# vfio-fleet probe: looks at one Linux host and changes nothing.
#
# POSIX sh with local, coreutils and grep; dash, bash and busybox sh run it. The shell's own read and globs are used inside
# loops, so the number of processes started does not grow with the number of devices.
#
# Set by the caller in front of this text:
#   N          a nonce; a line "@$N NAME" opens a section, so no file content can pretend to be one
#   PRIVILEGE  root | sudo | sudo-password | sudo-agent | sudo-agent-old | none: how this shell came to run as it does
#   LOGIN      the name the connection logged in with
#   SSH_PEER   SSH_CONNECTION of the login shell (sudo drops it)
#   FILES      paths whose content is wanted, one a line (globs are expanded)
#   EXISTS     paths that may be there or not, one a line (globs are expanded)
#   LOOK       paths of disks, media and folders, one a line: what stands there. pool/POOL/VOLUME is a volume
#   PACKAGES   package names, separated by spaces
#   PARAMETERS modules whose parameters are wanted, separated by spaces ("*" for all)
#   MODINFO    modules whose own description is wanted: where they are, what parameters they know. MODULE:RECEIPT:SHA256
#              wants it unless that receipt holds that digest
#   SYMBOLS    kernel functions to look for, separated by spaces: an option that only patched kernels know
#   SURVEY     empty, or the function of survey.sh that is to run as well: survey, watch
set -u
NL='
'
section() { printf '@%s %s\n' "$N" "$1"; }
# list PATH...: those of a glob, each on a line; where it matched nothing the shell hands over the glob itself
list() { { [ -e "$1" ] || [ -L "$1" ]; } && printf '%s\n' "$@"; }
# value FILE NAME: the first line of a small file as NAME=value, nothing where it cannot be read
value() {
  local line
  line=
  if IFS= read -r line <"$1" || [ -n "$line" ]; then printf '%s=%s\n' "$2" "$line"; fi
}
# carry WHAT SYSFS-PATH: what that sits on, and what lies below a device mapper, RAID, bridge or bond, or an NVMe namespace
# that may have several controllers: a virtual device, whose subsystem links to them (Linux: drivers/nvme/host/multipath.c)
carry() {
  local below
  cd -P "$2" || return
  printf '%s %s\n' "$1" "$PWD"
  for below in "$PWD"/slaves/* "$PWD"/../slaves/* "$PWD"/lower_* "$PWD"/../nvme* "$PWD"/../../nvme*; do
    # links, all of them; beside a controller's link the namespaces are folders
    [ -L "$below" ] && carry "$1" "$below"
  done
}

# What the shell itself and a few programs over many files can tell.
# Lists of paths are split on purpose, by IFS.
# shellcheck disable=SC2086
look() {
  local class device display domain filesystem images info kernel line lock module number parameters path point
  local readable release rest rom tool
  section host
  printf 'privilege=%s\nuser=%s\n' "$PRIVILEGE" "$LOGIN"
  [ -S /run/libvirt/libvirt-sock ] && echo libvirt=socket
  value /proc/sys/kernel/hostname hostname
  value /proc/sys/kernel/random/boot_id bootId
  value /proc/sys/kernel/osrelease kernel
  # Linux 6.1 and later say it without a process
  if [ -e /proc/sys/kernel/arch ]; then value /proc/sys/kernel/arch architecture; else printf 'architecture=%s\n' "$(uname -m)"; fi

  section pci-paths
  display=
  for device in /sys/bus/pci/devices/*; do
    rom=-
    [ -e "$device/rom" ] && rom=rom
    # the physical path names every bridge above the device
    cd -P "$device" && printf '%s %s %s\n' "${device##*/}" "$rom" "$PWD"
    class=
    IFS= read -r class <"$device/class"
    case $class in 0x03*) display="$display $device/resource" ;; esac
  done
  cd /
  section pci-drivers
  list /sys/bus/pci/drivers/*/????:??:??.?
  section iommu-units
  list /sys/class/iommu/*
  section iommu-groups
  list /sys/kernel/iommu_groups/*/devices/*
  section modules
  # a module that is built in has parameters perhaps, but no state
  list /sys/module/*/initstate
  # Every small file in one process, which reads them faster than the shell could. Their first lines are all that is
  # looked at: one processor's entry of /proc/cpuinfo, six BARs.
  section values
  IFS=" $NL"
  parameters=
  case $PARAMETERS in
    "*") parameters="/sys/module/*/parameters/*" ;;
    *) for module in $PARAMETERS; do parameters="$parameters /sys/module/$module/parameters/*"; done ;;
  esac
  release=/etc/os-release
  [ -r "$release" ] || release=/usr/lib/os-release
  head -n 64 /dev/null "$release" /proc/cmdline /proc/cpuinfo /proc/meminfo /proc/uptime \
    /var/lib/vfio-fleet/lease /var/lib/vfio-fleet/receipts/* \
    /sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id \
    /sys/devices/system/cpu/cpu[0-9]*/topology/core_id \
    /sys/devices/system/node/node[0-9]*/cpulist /sys/devices/system/node/node[0-9]*/meminfo \
    /sys/bus/pci/devices/*/vendor /sys/bus/pci/devices/*/device \
    /sys/bus/pci/devices/*/subsystem_vendor /sys/bus/pci/devices/*/subsystem_device \
    /sys/bus/pci/devices/*/class /sys/bus/pci/devices/*/revision /sys/bus/pci/devices/*/boot_vga \
    /sys/bus/pci/devices/*/numa_node /sys/bus/pci/devices/*/reset_method /sys/bus/pci/devices/*/power_state \
    /sys/bus/pci/devices/*/sriov_totalvfs /sys/bus/pci/devices/*/sriov_numvfs \
    /sys/bus/pci/devices/*/sriov_offset /sys/bus/pci/devices/*/sriov_stride /sys/bus/pci/devices/*/sriov_vf_device \
    $display $parameters
  section vfio-modules
  list /lib/modules/*/kernel/drivers/vfio/*.ko*
  list /lib/modules/*/kernel/drivers/vfio/*/*.ko*
  section boot
  [ -d /sys/firmware/efi ] && echo efi
  section loader-info
  # UTF-16 behind four bytes of attributes (UEFI: EFI variables in efivarfs; systemd: Boot Loader Interface)
  info=/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
  [ -e "$info" ] && base64 "$info"
  section boot-present
  for path in /boot/grub/grub.cfg /boot/grub2/grub.cfg /etc/default/grub /etc/default/grub.d /etc/grub.d \
    /usr/sbin/update-grub /usr/bin/grub-mkconfig /usr/sbin/grub-mkconfig /usr/sbin/grub-reboot \
    /etc/kernel/cmdline /usr/bin/kernel-install /usr/bin/bootctl /usr/sbin/proxmox-boot-tool \
    /etc/kernel/proxmox-boot-uuids /boot/refind_linux.conf /boot/limine.conf /boot/loader/entries \
    /efi/loader/entries /boot/efi/loader/entries; do
    [ -e "$path" ] && printf '%s\n' "$path"
  done
  section initramfs-tools
  for tool in update-initramfs mkinitramfs dracut mkinitcpio; do command -v $tool; done
  section exists
  for path in $EXISTS; do [ -e "$path" ] && printf '%s\n' "$path"; done
  section libvirt
  for domain in /etc/libvirt/qemu/*.xml; do
    [ -e "$domain" ] && printf 'defined %s\n' "$domain"
  done
  for domain in /etc/libvirt/qemu/autostart/*.xml; do
    [ -e "$domain" ] && printf 'autostart %s\n' "$domain"
  done
  for domain in /run/libvirt/qemu/*.xml; do
    [ -e "$domain" ] && printf 'running %s\n' "$domain"
  done

  # who works on this host (components/agent/lock.sh)
  section lock
  lock=/var/lib/vfio-fleet/lease
  if [ -r "$lock" ]; then
    printf 'asked-from=%s\n' "${SSH_PEER%% *}"
    while IFS= read -r line; do
      case $line in busy=?*) grep -qs vfio-fleet "/proc/${line#busy=}/cmdline" && echo at-work=yes ;; esac
    done <"$lock"
  fi

  # what the root file system, /boot and the connection's network card sit on: physical paths name the PCI devices
  section carriers
  filesystem=
  while read -r _ _ number _ point rest; do
    case $point in /boot) filesystem=${rest##* - } ;; /) [ -n "$filesystem" ] || filesystem=${rest##* - } ;; esac
    case $point in / | /boot | /boot/efi | /usr | /var) carry "$point" "/sys/dev/block/$number" ;; esac
  done </proc/self/mountinfo
  cd /
  section boot-filesystem
  set -- $filesystem
  printf '%s %s\n' "${1:-}" "${2:-}"

  section boot-free
  # free blocks, all blocks, their size; a trial that an earlier run left there gives its room to the next one
  stat -f -c '%f %b %S' /boot
  for path in /boot/vfio-fleet-trial*; do [ -f "$path" ] && stat -c %s "$path"; done

  section files
  # one process for all sizes, one for all contents: the contents lie end to end, the sizes cut them. Boot images are
  # looked at from outside only.
  images=
  for path in /boot/initrd.img-* /boot/initramfs-* /boot/initrd-*; do [ -f "$path" ] && images="$images$NL$path"; done
  readable=
  kernel=
  IFS= read -r kernel </proc/sys/kernel/osrelease
  # built-in vfio modules, what the boot menu starts, and whether grub-mkconfig reads drop-ins: read elsewhere, which
  # takes less than a search here
  for path in $FILES /etc/libvirt/qemu/*.xml /run/libvirt/qemu/*.xml "/lib/modules/$kernel/modules.builtin" \
    /boot/grub/grub.cfg /usr/sbin/grub-mkconfig /usr/bin/grub-mkconfig; do
    [ -f "$path" ] && [ -r "$path" ] && readable="$readable$NL$path"
  done
  IFS=$NL
  [ -z "$readable$images" ] || stat -L -c '%s %a %U %G %Y %n' $readable $images
  section contents
  [ -z "$readable" ] || cat $readable
  IFS=" $NL"
  # as they are: contents may end without a newline
  echo
}

# What takes a program each, some of them slow.
# Lists of words and paths are split on purpose, by IFS.
# shellcheck disable=SC2046,SC2086
ask() {
  local address byte bytes card cards digest folder held kind line module path pool regular symbol volume written
  section modinfo
  set --
  for module in ${MODINFO:-}; do
    held=
    case $module in *:*)
      written=/var/lib/vfio-fleet/receipts/${module#*:}
      digest=${module##*:}
      module=${module%%:*}
      while IFS= read -r line; do [ "$line" != "sha256=$digest" ] || held=1; done <"${written%:*}"
      ;;
    esac
    [ -n "$held" ] || set -- "$@" "$module"
  done
  [ $# = 0 ] || modinfo "$@"
  section symbols
  # functions of the kernel's start are listed although their memory was given back (Linux: kernel/kallsyms.c)
  for symbol in ${SYMBOLS:-}; do grep -qw "$symbol" /proc/kallsyms && printf '%s\n' "$symbol"; done
  section looked
  IFS=$NL
  regular=
  for path in ${LOOK:-}; do
    case $path in pool/*)
      pool=${path#pool/}
      volume=${pool#*/}
      pool=${pool%%/*}
      folder=
      while IFS= read -r line; do
        case $line in *"<path>"*"</path>"*)
          folder=${line#*<path>}
          folder=${folder%%</path>*}
          ;;
        esac
      done <"/etc/libvirt/storage/$pool.xml"
      [ -n "$folder" ] || continue
      path=$folder/$volume
      ;;
    esac
    if [ -d "$path" ]; then
      printf 'directory - %s\n' "$path"
    elif [ -c "$path" ]; then
      printf 'character - %s\n' "$path"
    elif [ -b "$path" ]; then
      printf 'block %s %s\n' "$(blockdev --getsize64 "$path" || echo -)" "$path"
    elif [ -f "$path" ]; then
      regular="$regular$NL$path"
      # a qcow2 image says its size itself, big-endian at byte 24 (QEMU: docs/interop/qcow2.txt)
      IFS=" $NL"
      set -- $(od -An -tu1 -N32 "$path")
      IFS=$NL
      if [ "${1:-}.${2:-}.${3:-}.${4:-}" = 81.70.73.251 ] && [ $# = 32 ]; then
        shift 24
        bytes=0
        for byte in "$@"; do bytes=$((bytes * 256 + byte)); done
        printf 'file %s %s\n' "$bytes" "$path"
        continue
      fi
      # a volume descriptor in sector 16 (ECMA-119 8.1, ECMA-167 2/9.1)
      case $(dd if="$path" bs=1 skip=32769 count=5) in CD001 | BEA01) kind=iso ;; *) kind='file' ;; esac
      printf '%s - %s\n' "$kind" "$path"
    fi
  done
  section stamps
  [ -z "$regular" ] || stat -L -c '%s:%Y:%i %n' $regular
  IFS=" $NL"
  section packages
  [ -z "$PACKAGES" ] || if command -v dpkg-query >/dev/null; then
    dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' $PACKAGES
  else
    pacman -Q $PACKAGES | sed 's/$/ installed/'
  fi
  section connection
  set -- $SSH_PEER
  address=${3:-}
  case $address in "" | 127.* | ::1) ;; *)
    cards=
    for card in /sys/class/net/*/device; do [ -e "$card" ] && cards="$cards ${card%/device}"; done
    set -- $cards
    # the only one there is carries whatever leads here, a tunnel too; of several, ip knows: "2: eth0    inet 192.0.2.10/24 …"
    if [ $# = 1 ]; then set -- - "${1##*/}"; else set -- $(ip -o addr show to "$address"); fi
    [ -z "${2:-}" ] || carry "the network card of the SSH connection ($2)" "/sys/class/net/$2"
    ;;
  esac
}

# Functions only: nothing runs before all of the text has arrived, and nothing can read the text as its input.
probe() {
  LC_ALL=C
  export LC_ALL
  PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:$PATH
  # Side by side: what one half says waits in the pipe until the other has said everything.
  ask | {
    look </dev/null
    cat
  }
  # what only the commands that explain a host ask for; survey.sh stands in front of this text then
  [ -z "${SURVEY:-}" ] || "$SURVEY"
  section end
}
probe </dev/null 2>/dev/null
