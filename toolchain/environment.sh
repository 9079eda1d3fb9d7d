# shellcheck shell=bash
# Where the toolchain lives, and the environment that Pulumi runs in: sourced by setup and by toolchain/pulumi.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=toolchain/versions.sh
. "$ROOT/toolchain/versions.sh"

CACHE=$(realpath -m "${VFIO_FLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfio-fleet}")

# piece_folder NAME VERSION SOURCE...: the folder of one built piece, named by its version and by what it is built from,
# so that two checkouts share it when they agree and do not meet when they differ.
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
# Where the user has plugins of their own; read, never written.
# shellcheck disable=SC2034
USERS_PULUMI_HOME=${PULUMI_HOME-}

export PULUMI_HOME=$CACHE/pulumi-home
export PULUMI_BACKEND_URL=file://$CACHE/state
# The lab's stack files are in git with the salt of this passphrase. It guards nothing: the state in the cache holds the
# lab's own keys, in a folder that only its user can read. Stacks of your own belong to a Pulumi of your own.
export PULUMI_CONFIG_PASSPHRASE_FILE=$ROOT/lab/passphrase
unset PULUMI_CONFIG_PASSPHRASE
# Nothing is looked up on the network, and the plugins are those that setup installed.
export PULUMI_SKIP_UPDATE_CHECK=true
export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export PULUMI_IGNORE_AMBIENT_PLUGINS=true
# Saves a third of the time that a program of a dozen resources takes: the SDK is large, and is compiled once.
export NODE_COMPILE_CACHE=$CACHE/node-compile-cache
# The repository's Node runs the programs.
export PATH=$ROOT/node_modules/.bin:$PULUMI_FOLDER/bin:$PATH
