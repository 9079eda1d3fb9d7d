# shellcheck shell=bash
# The step `pulumi`: the CLI and, beside it where it looks first, the host of Node programs.

step_pulumi() {
  local started=$EPOCHREALTIME
  if ! pulumi_is_there; then
    lock_cache
    pulumi_is_there || install_pulumi
  fi
  make_state
  done_line pulumi "$started" "$PULUMI_VERSION, $(cat "$PULUMI_FOLDER/origin")"
}

pulumi_is_there() { [ -x "$PULUMI_FOLDER/bin/pulumi" ]; }

install_pulumi() {
  local aside found
  aside=$(new_aside)
  mkdir "$aside/bin"
  if found=$(fitting_pulumi); then
    ln -s "$found" "$aside/bin/pulumi"
    echo "the one on PATH: $found" >"$aside/origin"
  elif downloads_reachable && download_cli "$aside/bin"; then
    echo "the official download" >"$aside/origin"
  else
    note "the first build takes about five minutes on two cores"
    go_build pulumi-cli github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$aside/bin/pulumi" \
      -X "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$PULUMI_VERSION"
    go_build language-nodejs github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs \
      "$aside/bin/pulumi-language-nodejs.bin"
    cp "$ROOT/toolchain/language-nodejs/launch.sh" "$aside/bin/pulumi-language-nodejs"
    echo "built from Go modules" >"$aside/origin"
  fi
  put_in_place "$aside" "$PULUMI_FOLDER"
}

# fitting_pulumi: the path of a pulumi on PATH that has its Node host beside it and is as new as this project's, same major.
fitting_pulumi() {
  local path version
  path=$(command -v pulumi) && path=$(readlink -f "$path") && [ -x "$(dirname "$path")/pulumi-language-nodejs" ] &&
    version=$(timeout 5 "$path" version 2>/dev/null) && [ "${version%%.*}" = "v${PULUMI_VERSION%%.*}" ] &&
    printf '%s\n' "v$PULUMI_VERSION" "$version" | sort --version-sort --check=silent &&
    echo "$path"
}

# The lab's state, which holds the lab's keys, encrypted with a passphrase that everybody knows.
make_state() { (umask 077 && mkdir -p "$CACHE/state"); }
