import { acsOverrideIgnored } from "./rules/iommu/acs-override-ignored.ts";
import { amdIommuOn } from "./rules/iommu/amd-iommu-on.ts";
import { apparmorDenied } from "./rules/host/apparmor-denied.ts";
import { apparmorRom } from "./rules/card/apparmor-rom.ts";
import { argumentsNotApplied } from "./rules/binding/arguments-not-applied.ts";
import { barCannotReserve } from "./rules/card/bar-cannot-reserve.ts";
import { barNoSpace } from "./rules/card/bar-no-space.ts";
import { bindListMismatch } from "./rules/binding/bind-list-mismatch.ts";
import { blackVnc } from "./rules/guest/black-vnc.ts";
import { boundNothing } from "./rules/binding/bound-nothing.ts";
import { builtinVfio } from "./rules/binding/builtin-vfio.ts";
import { cardTwiceAtBoot } from "./rules/binding/card-twice-at-boot.ts";
import { clockSource } from "./rules/guest/clock-source.ts";
import { code12 } from "./rules/guest/code-12.ts";
import { code43HiddenIntel } from "./rules/guest/code-43-hidden-intel.ts";
import { code43Laptop } from "./rules/guest/code-43-laptop.ts";
import { code43ShadowedRom } from "./rules/guest/code-43-shadowed-rom.ts";
import { code43VisibleHypervisor } from "./rules/guest/code-43-visible-hypervisor.ts";
import { deadVirqfd } from "./rules/binding/dead-virqfd.ts";
import { deviceAcl } from "./rules/host/device-acl.ts";
import { deviceMissing } from "./rules/binding/device-missing.ts";
import { efifbOffIgnored } from "./rules/card/efifb-off-ignored.ts";
import { evmcsOnAmd } from "./rules/guest/evmcs-on-amd.ts";
import { fileMissing } from "./rules/host/file-missing.ts";
import { functionLeftBehind } from "./rules/binding/function-left-behind.ts";
import { groupNotViable } from "./rules/iommu/group-not-viable.ts";
import { groupsChanged } from "./rules/iommu/groups-changed.ts";
import { guestBiosVga } from "./rules/guest/guest-bios-vga.ts";
import { guestRootPort } from "./rules/guest/guest-root-port.ts";
import { guestSlots } from "./rules/guest/guest-slots.ts";
import { hostDriverWon } from "./rules/binding/host-driver-won.ts";
import { hostWithoutScreen } from "./rules/card/host-without-screen.ts";
import { hugePages } from "./rules/host/huge-pages.ts";
import { idsTakeTwin } from "./rules/binding/ids-take-twin.ts";
import { ignoredMsrs } from "./rules/guest/ignored-msrs.ts";
import { initramfsListUnread } from "./rules/binding/initramfs-list-unread.ts";
import { intelGpuLeftOut } from "./rules/iommu/intel-gpu-left-out.ts";
import { interruptRemapping } from "./rules/iommu/interrupt-remapping.ts";
import { invalidCardRom } from "./rules/card/invalid-card-rom.ts";
import { iommuFaults } from "./rules/iommu/iommu-faults.ts";
import { iommuOff } from "./rules/iommu/iommu-off.ts";
import { libvirtSilent } from "./rules/host/libvirt-silent.ts";
import { memoryBudget } from "./rules/host/memory-budget.ts";
import { memoryLock } from "./rules/host/memory-lock.ts";
import { noEfiRom } from "./rules/card/no-efi-rom.ts";
import { pcieErrors } from "./rules/card/pcie-errors.ts";
import { proxmoxGuestFirmware } from "./rules/guest/proxmox-guest-firmware.ts";
import { resetBug } from "./rules/card/reset-bug.ts";
import { rmrr } from "./rules/iommu/rmrr.ts";
import { romOfAnotherCard } from "./rules/card/rom-of-another-card.ts";
import { romPatchedSecureBoot } from "./rules/guest/rom-patched-secure-boot.ts";
import { secureBootGuest } from "./rules/guest/secure-boot-guest.ts";
import { secureBootHost } from "./rules/host/secure-boot-host.ts";
import { sleepingCard } from "./rules/card/sleeping-card.ts";
import { sysfbNotOff } from "./rules/card/sysfb-not-off.ts";
import { unbindWhileHeld } from "./rules/binding/unbind-while-held.ts";
import { virtualizationOff } from "./rules/iommu/virtualization-off.ts";
import { windows11Needs } from "./rules/guest/windows-11-needs.ts";
import type { Rule } from "./rule.ts";

/** Every rule. A new rule needs its file, a line here, and its two patients in test/fixtures/doctor.ts. */
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
