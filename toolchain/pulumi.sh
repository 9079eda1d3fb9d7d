# shellcheck shell=bash
# The step `pulumi`: the CLI with the language host of Node programs beside it, where the CLI looks first.

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
    echo "from PATH: $found" >"$aside/origin"
  elif downloads_reachable && download_cli "$aside/bin"; then
    echo "official download" >"$aside/origin"
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

# fitting_pulumi: the path of a pulumi on PATH with its Node language host beside it. It has this project's major
# version and is no older.
fitting_pulumi() {
  local path version
  path=$(command -v pulumi) && path=$(readlink -f "$path") && [ -x "$(dirname "$path")/pulumi-language-nodejs" ] &&
    version=$(timeout 5 "$path" version 2>/dev/null) && [ "${version%%.*}" = "v${PULUMI_VERSION%%.*}" ] &&
    printf '%s\n' "v$PULUMI_VERSION" "$version" | sort --version-sort --check=silent &&
    echo "$path"
}

# The folder of the lab's state, which holds the lab's keys, encrypted with a public passphrase.
make_state() { (umask 077 && mkdir -p "$CACHE/state"); }
