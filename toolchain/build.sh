# shellcheck shell=bash
# Go programs from pinned modules. The text of this file is part of every built piece's key.

# go_build FOLDER PACKAGE BINARY [LINKER_FLAG...]: builds PACKAGE, as toolchain/FOLDER's go.mod pins it, to BINARY.
go_build() {
  local folder=$1 package=$2 binary=$3
  shift 3
  if ! command -v go >/dev/null; then
    echo "Go is missing: install Go 1.21 or newer (https://go.dev), it fetches the release that the modules ask for" >&2
    return 1
  fi
  with_progress "building $(basename "$binary")" \
    env -C "$ROOT/toolchain/$folder" GOFLAGS=-mod=readonly CGO_ENABLED=0 GOWORK=off \
    go build -trimpath -buildvcs=false -ldflags "-s -w $*" -o "$binary" "$package"
}
