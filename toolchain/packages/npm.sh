# shellcheck shell=bash
# The step `npm`: makes node_modules match package-lock.json.

step_npm() {
  local started=$EPOCHREALTIME
  if ! command -v npm >/dev/null; then
    echo "npm is missing: install Node 22.18 or newer with npm (https://nodejs.org)" >&2
    return 1
  fi
  if ! node_modules_match; then
    lock_cache
    # `npm ci` would need the packages of every other system in the lock file, and a mirror may lack them.
    node_modules_match || (cd "$ROOT" && with_progress "npm install" npm install --no-save)
    done_line npm "$started" "installed the packages of package-lock.json"
    return
  fi
  done_line npm "$started" "node_modules matches package-lock.json"
}

node_modules_match() { (cd "$ROOT" && node toolchain/packages/node-modules-match.mjs); }
