# shellcheck shell=bash
# Pulumi's official downloads, if they are reachable. VFIO_FLEET_DOWNLOADS names a mirror with the same folders.

DOWNLOADS=${VFIO_FLEET_DOWNLOADS:-https://get.pulumi.com}
if [ -n "${VFIO_FLEET_DOWNLOADS-}" ]; then
  export PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES="^.*\$=$DOWNLOADS/releases/plugins"
fi

# downloads_reachable: checks once a run, for at most 3 s.
downloads_reachable() {
  if [ -z "${REACHABLE-}" ]; then
    if curl --fail --silent --head --location --max-time 3 --output /dev/null "$(cli_url)" 2>/dev/null; then
      REACHABLE=yes
    else
      REACHABLE=no
      note "${DOWNLOADS#*://} cannot be reached within 3 s: building from Go modules instead"
    fi
  fi
  [ "$REACHABLE" = yes ]
}

cli_url() {
  local machine
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
    *) machine=x64 ;;
  esac
  echo "$DOWNLOADS/releases/sdk/pulumi-v$PULUMI_VERSION-$(uname -s | tr '[:upper:]' '[:lower:]')-$machine.tar.gz"
}

# pinned NAME: the digest of a download in toolchain/downloads.sha256, if it is there.
pinned() { awk -v name="$1" '$2 == name { print $1 }' "$ROOT/toolchain/downloads.sha256"; }

# matches_pin FILE NAME: compares a download with its digest. A download without a digest is accepted with a note.
matches_pin() {
  local wanted found
  wanted=$(pinned "$2")
  if [ -z "$wanted" ]; then
    note "$2 has no digest in toolchain/downloads.sha256: used without a check, as it came over TLS"
    return 0
  fi
  found=$(sha256sum <"$1" | cut -d' ' -f1)
  [ "$found" = "$wanted" ] || {
    echo "$2: refused, because its sha256 is $found, but toolchain/downloads.sha256 has $wanted" >&2
    return 1
  }
}

# download_cli FOLDER: downloads pulumi and its language hosts.
download_cli() {
  local archive status=0
  archive=$(mktemp)
  # shellcheck disable=SC2015
  with_progress "downloading pulumi $PULUMI_VERSION" \
    curl --fail --silent --show-error --location --retry 2 --output "$archive" "$(cli_url)" &&
    matches_pin "$archive" "$(basename "$(cli_url)")" &&
    tar -xzf "$archive" --strip-components=1 -C "$1" || status=1
  rm -f "$archive"
  return "$status"
}

# plugin_archive NAME VERSION: the file that the CLI downloads for this machine.
plugin_archive() {
  local machine=amd64
  case $(uname -m) in aarch64 | arm64) machine=arm64 ;; esac
  echo "pulumi-resource-$1-v$2-$(uname -s | tr '[:upper:]' '[:lower:]')-$machine.tar.gz"
}

# download_plugin NAME VERSION: downloads a plugin into PULUMI_HOME with the CLI, which checks the digest.
download_plugin() {
  local archive digest
  archive=$(plugin_archive "$1" "$2")
  digest=$(pinned "$archive")
  [ -n "$digest" ] || note "$archive has no digest in toolchain/downloads.sha256: used without a check, as it came over TLS"
  with_progress "downloading pulumi-resource-$1 $2" \
    timeout 300 "$PULUMI_FOLDER/bin/pulumi" plugin install resource "$1" "$2" ${digest:+--checksum "$digest"} --non-interactive
}
