#!/usr/bin/env bash
# Writes toolchain/downloads.sha256: the digest of each official Linux download of the versions in versions.sh. It
# needs the download servers. Compare the result with the checksums that Pulumi publishes with its releases.
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# shellcheck source=toolchain/versions.sh
. "$ROOT/toolchain/versions.sh"
DOWNLOADS=${VFIO_FLEET_DOWNLOADS:-https://get.pulumi.com}
LIST=$ROOT/toolchain/downloads.sha256

digest() { # FOLDER NAME
  local found
  found=$(curl --fail --silent --show-error --location "$DOWNLOADS/$1/$2" | sha256sum) || return 1
  printf '%s  %s\n' "${found%% *}" "$2"
}
{
  grep '^#' "$LIST"
  for machine in x64 arm64; do digest releases/sdk "pulumi-v$PULUMI_VERSION-linux-$machine.tar.gz"; done
  for machine in amd64 arm64; do
    digest releases/plugins "pulumi-resource-command-v$COMMAND_PLUGIN_VERSION-linux-$machine.tar.gz"
    digest releases/plugins "pulumi-resource-libvirt-v$LIBVIRT_PLUGIN_VERSION-linux-$machine.tar.gz"
  done
} >"$LIST.new"
mv "$LIST.new" "$LIST"
cat "$LIST"
