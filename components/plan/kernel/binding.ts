import type { EarlyBinding } from "../driver.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import type { ManagedFile } from "../step.ts";

export const MADE_BY =
  "# Written by vfio-fleet; edits are shown by the next preview and put back by the next up.\n";

/** The list the boot script reads: one function a line with what has to be found at its address. */
export const BIND_LIST = "/etc/vfio-fleet/bind";

/** `address vendor:device subsystem` for each function to be bound by its address; empty when bound by id. */
export const bindList = (functions: readonly PciDevice[]): ManagedFile => ({
  path: BIND_LIST,
  mode: "644",
  content: `${MADE_BY}# address vendor:device subsystem\n${functions
    .map((device) => `${device.address} ${device.id} ${device.subsystem}\n`)
    .join("")}`,
});

/** The functions in the list that is on the host, whatever is at their addresses now. */
export const boundAddresses = (facts: Facts): ReadonlySet<string> =>
  new Set(
    (facts.files[BIND_LIST]?.content ?? "")
      .split("\n")
      .flatMap((line) => (line.startsWith("#") ? [] : (line.split(" ")[0] ?? []))),
  );

/** Softdeps of the running boot, where cards are bound by id. */
export const WAITING = "/run/modprobe.d/vfio-fleet.conf";

/** Softdeps for this boot alone: /run stays mounted when the initramfs hands over (modprobe.d(5) reads it as /etc's). */
const waiting = (rivals: readonly string[]): string => `mkdir -p /run/modprobe.d
for rival in ${rivals.join(" ")}; do echo "softdep $rival pre: vfio-pci"; done >${WAITING}
`;

/**
 * The script that binds, run by the initramfs before udev starts, so before any GPU driver can load
 * (Linux: Documentation/ABI/testing/sysfs-bus-pci, driver_override). A function with another identity than the
 * listed one is left alone: after a renumbering nothing is bound rather than the wrong device. `vfio_fleet=off` on
 * the command line skips it all: the way back for a host that needs its card. A driver that is compiled into the kernel
 * has its function before any script runs, so the function is taken from it; nothing is mounted and no program runs yet
 * that could use it. Without vfio-pci nothing is taken.
 */
export const bindScript = ({
  modules,
  rivals,
}: Pick<EarlyBinding, "modules" | "rivals">): string => `tell() { echo "<5>vfio-fleet: $*" >/dev/kmsg; }
off() { for word in $(cat /proc/cmdline); do [ "$word" != vfio_fleet=off ] || return 0; done; return 1; }
if off; then tell "off, as the kernel command line says"; exit 0; fi
ours=
while read -r address id subsystem; do
  case $address in "" | "#"*) continue ;; esac
  device=/sys/bus/pci/devices/$address
  if [ ! -e "$device/vendor" ]; then tell "$address: no such device, expected $id"; continue; fi
  read -r vendor <"$device/vendor"; read -r product <"$device/device"
  read -r subvendor <"$device/subsystem_vendor"; read -r subproduct <"$device/subsystem_device"
  found=\${vendor#0x}:\${product#0x}; foundsub=\${subvendor#0x}:\${subproduct#0x}
  if [ "$found $foundsub" != "$id $subsystem" ]; then
    tell "$address: is $found ($foundsub), expected $id ($subsystem): left alone"; continue
  fi
  echo vfio-pci >"$device/driver_override"
  ours="$ours $address"
done <${BIND_LIST}
${rivals.length > 0 ? waiting(rivals) : ""}for module in ${modules.join(" ")}; do modprobe -q "$module" || tell "module $module does not load"; done
driver_of() { driver=$(readlink "/sys/bus/pci/devices/$1/driver"); driver=\${driver##*/}; }
for address in $ours; do
  driver_of "$address"
  if [ "$driver" != vfio-pci ]; then
    before=$driver
    if [ -n "$before" ] && [ -d /sys/bus/pci/drivers/vfio-pci ]; then
      tell "$address: taken from $before, which had it before this script"
      echo "$address" >"/sys/bus/pci/devices/$address/driver/unbind"
    fi
    echo "$address" >/sys/bus/pci/drivers_probe
    driver_of "$address"
  fi
  tell "$address: driver \${driver:-none}"
done
`;
