# shellcheck shell=bash
# The toolchain's folders, and Pulumi's environment. setup and toolchain/pulumi source this file.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=toolchain/versions.sh
. "$ROOT/toolchain/versions.sh"

CACHE=$(realpath -m "${VFIO_FLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfio-fleet}")

# piece_folder NAME VERSION SOURCE...: the folder of one built piece. Its name holds the version and a hash of the
# sources. So two checkouts share a piece only if their sources are equal.
piece_folder() {
  local name=$1 version=$2 hash
  shift 2
  hash=$(cd "$ROOT/toolchain" && find build.sh "$@" -type f ! -name '*_test.go' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  echo "$CACHE/toolchain/$name-$version-${hash:0:12}"
}

# shellcheck disable=SC2034
QEMU_FOLDER=$CACHE/toolchain/qemu-$QEMU_MAJOR
PULUMI_FOLDER=$(piece_folder pulumi "$PULUMI_VERSION" {pulumi-cli,language-nodejs}/go.{mod,sum} language-nodejs/launch.sh)

export VFIO_FLEET_CACHE=$CACHE
# The user's own plugin folder; read, never written.
# shellcheck disable=SC2034
USERS_PULUMI_HOME=${PULUMI_HOME-}

export PULUMI_HOME=$CACHE/pulumi-home
export PULUMI_BACKEND_URL=file://$CACHE/state
# The lab's stack files are in git with the salt of this passphrase. The passphrase protects nothing: the state in the
# cache holds only the lab's keys, in a folder that only its user can read. Your own stacks belong to your own Pulumi.
export PULUMI_CONFIG_PASSPHRASE_FILE=$ROOT/lab/passphrase
unset PULUMI_CONFIG_PASSPHRASE
# Pulumi looks nothing up on the network and uses only the plugins that setup installed.
export PULUMI_SKIP_UPDATE_CHECK=true
export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export PULUMI_IGNORE_AMBIENT_PLUGINS=true
# The compile cache saves a third of the time of a program with a dozen resources, because the SDK is large.
export NODE_COMPILE_CACHE=$CACHE/node-compile-cache
# The repository's Node runs the programs.
export PATH=$ROOT/node_modules/.bin:$PULUMI_FOLDER/bin:$PATH
