# shellcheck shell=bash disable=SC2034
# The QEMU that lab hosts run on where the system has an older one and no KVM; lab/machine/emulator.ts agrees with it.
QEMU_MAJOR=10
# The Pulumi that this project runs on; the npm packages of the same names in package.json agree with it.
PULUMI_VERSION=3.250.0
COMMAND_PLUGIN_VERSION=1.2.1
LIBVIRT_PLUGIN_VERSION=0.5.4
