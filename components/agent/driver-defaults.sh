# ---- drivers: what they may leave out --------------------------------------------------------------------------------
# components/plan/driver-shell.ts lists what a driver has to define and what it may define. These are the defaults of the
# latter; a driver's part stands behind this one, so its function of the same name is the one that counts.

# kernel_image VERSION: the file of that kernel
kernel_image() { say "/boot/vmlinuz-$1"; }

# bootloader_restore: the boot menu as it was, once every file is back, and without the recovery entry; most loaders just
# write it again
bootloader_restore() {
  bootloader_commit
  bootloader_forget
}

# bootloader_recovery: the entry without GPU passthrough on a kernel that is there. Hooks of the host call it when kernels
# come and go; a loader whose own tool writes the entry has nothing to do.
bootloader_recovery() { :; }
# bootloader_forget: that entry goes
bootloader_forget() { :; }
