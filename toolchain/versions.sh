# shellcheck shell=bash disable=SC2034
# The QEMU for lab hosts if the system's QEMU is older and there is no KVM; lab/machine/emulator.ts has the same
# version.
QEMU_MAJOR=10
# This project's Pulumi; the npm packages of the same names in package.json have the same version.
PULUMI_VERSION=3.250.0
COMMAND_PLUGIN_VERSION=1.2.1
LIBVIRT_PLUGIN_VERSION=0.5.4
