/** The partitions that proxmox-boot-tool keeps in step; there only where it is in charge of booting. */
export const PROXMOX_ESPS = "/etc/kernel/proxmox-boot-uuids";
