import { acsOverrideIgnored } from "./rules/acs-override-ignored.ts";
import { amdIommuOn } from "./rules/amd-iommu-on.ts";
import { apparmorDenied } from "./rules/apparmor-denied.ts";
import { apparmorRom } from "./rules/apparmor-rom.ts";
import { argumentsNotApplied } from "./rules/arguments-not-applied.ts";
import { barCannotReserve } from "./rules/bar-cannot-reserve.ts";
import { barNoSpace } from "./rules/bar-no-space.ts";
import { bindListMismatch } from "./rules/bind-list-mismatch.ts";
import { blackVnc } from "./rules/black-vnc.ts";
import { boundNothing } from "./rules/bound-nothing.ts";
import { builtinVfio } from "./rules/builtin-vfio.ts";
import { cardTwiceAtBoot } from "./rules/card-twice-at-boot.ts";
import { clockSource } from "./rules/clock-source.ts";
import { code12 } from "./rules/code-12.ts";
import { code43HiddenIntel } from "./rules/code-43-hidden-intel.ts";
import { code43Laptop } from "./rules/code-43-laptop.ts";
import { code43ShadowedRom } from "./rules/code-43-shadowed-rom.ts";
import { code43VisibleHypervisor } from "./rules/code-43-visible-hypervisor.ts";
import { deadVirqfd } from "./rules/dead-virqfd.ts";
import { deviceAcl } from "./rules/device-acl.ts";
import { deviceMissing } from "./rules/device-missing.ts";
import { efifbOffIgnored } from "./rules/efifb-off-ignored.ts";
import { evmcsOnAmd } from "./rules/evmcs-on-amd.ts";
import { fileMissing } from "./rules/file-missing.ts";
import { functionLeftBehind } from "./rules/function-left-behind.ts";
import { groupNotViable } from "./rules/group-not-viable.ts";
import { groupsChanged } from "./rules/groups-changed.ts";
import { guestBiosVga } from "./rules/guest-bios-vga.ts";
import { guestRootPort } from "./rules/guest-root-port.ts";
import { guestSlots } from "./rules/guest-slots.ts";
import { hostDriverWon } from "./rules/host-driver-won.ts";
import { hostWithoutScreen } from "./rules/host-without-screen.ts";
import { hugePages } from "./rules/huge-pages.ts";
import { idsTakeTwin } from "./rules/ids-take-twin.ts";
import { ignoredMsrs } from "./rules/ignored-msrs.ts";
import { initramfsListUnread } from "./rules/initramfs-list-unread.ts";
import { intelGpuLeftOut } from "./rules/intel-gpu-left-out.ts";
import { interruptRemapping } from "./rules/interrupt-remapping.ts";
import { invalidCardRom } from "./rules/invalid-card-rom.ts";
import { iommuFaults } from "./rules/iommu-faults.ts";
import { iommuOff } from "./rules/iommu-off.ts";
import { libvirtSilent } from "./rules/libvirt-silent.ts";
import { memoryBudget } from "./rules/memory-budget.ts";
import { memoryLock } from "./rules/memory-lock.ts";
import { noEfiRom } from "./rules/no-efi-rom.ts";
import { pcieErrors } from "./rules/pcie-errors.ts";
import { proxmoxGuestFirmware } from "./rules/proxmox-guest-firmware.ts";
import { resetBug } from "./rules/reset-bug.ts";
import { rmrr } from "./rules/rmrr.ts";
import { romOfAnotherCard } from "./rules/rom-of-another-card.ts";
import { romPatchedSecureBoot } from "./rules/rom-patched-secure-boot.ts";
import { secureBootGuest } from "./rules/secure-boot-guest.ts";
import { secureBootHost } from "./rules/secure-boot-host.ts";
import { sleepingCard } from "./rules/sleeping-card.ts";
import { sysfbNotOff } from "./rules/sysfb-not-off.ts";
import { unbindWhileHeld } from "./rules/unbind-while-held.ts";
import { virtualizationOff } from "./rules/virtualization-off.ts";
import { windows11Needs } from "./rules/windows-11-needs.ts";
import type { Rule } from "./rule.ts";

/** Every rule. A new one is its file, a line here, and its two patients in test/fixtures/doctor.ts. */
export const rules: readonly Rule[] = [
  acsOverrideIgnored,
  amdIommuOn,
  apparmorDenied,
  apparmorRom,
  argumentsNotApplied,
  barCannotReserve,
  barNoSpace,
  bindListMismatch,
  blackVnc,
  boundNothing,
  builtinVfio,
  cardTwiceAtBoot,
  clockSource,
  code12,
  code43HiddenIntel,
  code43Laptop,
  code43ShadowedRom,
  code43VisibleHypervisor,
  deadVirqfd,
  deviceAcl,
  deviceMissing,
  efifbOffIgnored,
  evmcsOnAmd,
  fileMissing,
  functionLeftBehind,
  groupNotViable,
  groupsChanged,
  guestBiosVga,
  guestRootPort,
  guestSlots,
  hostDriverWon,
  hostWithoutScreen,
  hugePages,
  idsTakeTwin,
  ignoredMsrs,
  initramfsListUnread,
  intelGpuLeftOut,
  interruptRemapping,
  invalidCardRom,
  iommuFaults,
  iommuOff,
  libvirtSilent,
  memoryBudget,
  memoryLock,
  noEfiRom,
  pcieErrors,
  proxmoxGuestFirmware,
  resetBug,
  rmrr,
  romOfAnotherCard,
  romPatchedSecureBoot,
  secureBootGuest,
  secureBootHost,
  sleepingCard,
  sysfbNotOff,
  unbindWhileHeld,
  virtualizationOff,
  windows11Needs,
];
