# shellcheck shell=bash
# Pulumi's official downloads, where they can be reached. VFIO_FLEET_DOWNLOADS names a mirror with the same folders.

DOWNLOADS=${VFIO_FLEET_DOWNLOADS:-https://get.pulumi.com}
if [ -n "${VFIO_FLEET_DOWNLOADS-}" ]; then
  export PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES="^.*\$=$DOWNLOADS/releases/plugins"
fi

# downloads_reachable: asks once a run, for 3 s at most.
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

# download_cli FOLDER: pulumi and its language hosts.
# shellcheck disable=SC2016
download_cli() {
  with_progress "downloading pulumi $PULUMI_VERSION" \
    bash -o pipefail -c 'curl --fail --silent --show-error --location --retry 2 "$1" | tar -xz --strip-components=1 -C "$2"' \
    - "$(cli_url)" "$1"
}

# download_plugin NAME VERSION: into PULUMI_HOME, by the CLI.
download_plugin() {
  with_progress "downloading pulumi-resource-$1 $2" \
    timeout 300 "$PULUMI_FOLDER/bin/pulumi" plugin install resource "$1" "$2" --non-interactive
}
