#!/usr/bin/env bash
# Fetches the newest pci.ids into fleet/ground/pci.ids, where names of devices come from. Its project makes a new one every
# day; run this before a release. VFIO_FLEET_PCI_IDS names a mirror's file.
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
LIST=$ROOT/fleet/ground/pci.ids

# version FILE: its date, as 2026.10.24
version() { sed -n 's/^#[[:space:]]*Version:[[:space:]]*\([0-9.]*\)$/\1/p;20q' "$1"; }

trap 'rm -f "$LIST.new"' EXIT
curl --fail --silent --show-error --location --output "$LIST.new" "${VFIO_FLEET_PCI_IDS:-https://pci-ids.ucw.cz/v2.2/pci.ids}"
there=$(version "$LIST") found=$(version "$LIST.new")
# an error page, or half a file, has no such version or no classes, which stand at the end
if [ -z "$found" ] || ! grep -q '^C 03  ' "$LIST.new"; then
  echo "what came is no pci.ids; $LIST stays as it is" >&2
  exit 1
fi
if [[ ! $found > $there ]]; then
  echo "$there is the newest already"
  exit
fi
mv "$LIST.new" "$LIST"
echo "$there -> $found"
