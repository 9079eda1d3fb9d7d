# shellcheck shell=bash
# The steps `debian`, the packages of debian-packages.txt, and `shellcheck`, the one of them that `npm run check` needs.

step_debian() {
  local started=$EPOCHREALTIME packages
  mapfile -t packages < <(grep -v '^#' "$ROOT/toolchain/packages/debian-packages.txt")
  if ! command -v dpkg-query >/dev/null; then
    done_line debian "$started" "not a Debian system: for the lab, install the programs of toolchain/packages/debian-packages.txt yourself"
    return
  fi
  install_missing debian "$started" "${packages[@]}"
}

step_shellcheck() {
  local started=$EPOCHREALTIME
  if command -v shellcheck >/dev/null; then
    done_line shellcheck "$started" "shellcheck is there"
  elif command -v dpkg-query >/dev/null; then
    install_missing shellcheck "$started" shellcheck
  else
    echo "shellcheck is missing: install it with this system's package manager" >&2
    return 1
  fi
}

# install_missing STEP STARTED PACKAGE...: installs those that are not there, and says so as this step
install_missing() {
  local step=$1 started=$2 missing
  shift 2
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} = 0 ]; then
    done_line "$step" "$started" "$# packages are installed"
    return
  fi
  lock_cache
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  done_line "$step" "$started" "installed ${missing[*]}"
}

missing_packages() {
  # dpkg-query fails for an unknown package and prints nothing, so it counts as missing.
  comm -23 <(printf '%s\n' "$@" | sort) <(
    dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort
  )
}

install_packages() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo_works; then
      {
        echo "These Debian packages are missing, and installing them needs root. Run this as root, then ./setup again:"
        echo "  apt-get update && apt-get install --no-install-recommends $*"
      } >&2
      return 1
    fi
    as_root=(sudo --non-interactive)
  fi
  with_progress "apt-get update" "${as_root[@]}" apt-get update ||
    note "continuing with the existing package lists"
  with_progress "apt-get install $*" "${as_root[@]}" bash "$ROOT/toolchain/packages/apt-install.sh" "$@"
}

# The password is asked for here, because with_progress has no terminal.
sudo_works() {
  sudo --non-interactive true 2>/dev/null || { [ -t 0 ] && sudo --validate; }
}
