# shellcheck shell=bash
# The step `npm`: node_modules as package-lock.json says.

step_npm() {
  local started=$EPOCHREALTIME
  if ! command -v npm >/dev/null; then
    echo "npm is missing: install Node 22.18 or newer with npm (https://nodejs.org)" >&2
    return 1
  fi
  if ! node_modules_match; then
    lock_cache
    # Not `npm ci`: it wants the packages for every other system in the lock, and a registry's mirror may lack those.
    node_modules_match || (cd "$ROOT" && with_progress "npm install" npm install --no-save)
    done_line npm "$started" "installed the packages of package-lock.json"
    return
  fi
  done_line npm "$started" "node_modules matches package-lock.json"
}

node_modules_match() { (cd "$ROOT" && node toolchain/packages/node-modules-match.mjs); }
