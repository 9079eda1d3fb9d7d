# shellcheck shell=bash
# What setup prints: a line per step with its time, and a line at least every 10 s while one is under way. All of it goes to
# standard error: setup runs in front of commands whose standard output is an answer, JSON or a script for a host.

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", to - from }'; }

# done_line STEP STARTED TEXT
done_line() { printf '%-15s %s (%s)\n' "$1" "$3" "$(seconds_since "$2")" >&2; }

note() { printf '%-15s %s\n' "" "$*" >&2; }

# The process group of the running command, for the trap below.
RUNNING=

stop_running() {
  [ -z "$RUNNING" ] || kill -TERM -- "-$RUNNING" 2>/dev/null || true
}
trap 'stop_running; exit 130' INT
trap 'stop_running; exit 143' TERM HUP

# with_progress WHAT COMMAND...: runs COMMAND with its output in a log, prints a line every 8 s, and shows the end of
# the log after a failure. COMMAND does not inherit the lock on descriptor 9: a process that outlives a killed setup
# must not hold it.
with_progress() {
  local what=$1 started=$EPOCHREALTIME log status=0 waited=0
  shift
  mkdir -p "$CACHE/log"
  log=$CACHE/log/$(date +%Y%m%d-%H%M%S)-$$-${what//[^a-zA-Z0-9.]/-}.log
  note "$what ..."
  set -m
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  RUNNING=$!
  set +m
  while kill -0 "$RUNNING" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    if [ $((waited % 40)) = 0 ]; then
      note "$what: $(seconds_since "$started")$(under_way "$log")"
    fi
  done
  wait "$RUNNING" || status=$?
  RUNNING=
  if [ "$status" != 0 ]; then
    echo "$what failed with status $status; the end of $log:" >&2
    tail -n 30 "$log" >&2
    return "$status"
  fi
  rm -f "$log"
}

# under_way LOG: what the command does now: the package that Go compiles or links, else the log's last line. Go logs
# downloads alone, and compiles for minutes after the last one.
under_way() {
  local line
  line=$(compiling)
  [ -n "$line" ] || line=$(tail -n 1 "$1" | tr -d '\r' | cut -c1-90)
  [ -z "$line" ] || printf ', %s' "$line"
}

# compiling: the arguments of Go's compiler name the package (`compile -p PACKAGE`); the linker has no such argument.
compiling() {
  local child words i
  # a list of process ids
  # shellcheck disable=SC2013
  for child in $(cat "/proc/$RUNNING"/task/*/children 2>/dev/null); do
    mapfile -d '' -t words 2>/dev/null <"/proc/$child/cmdline" || continue
    case ${words[0]##*/} in
      link) echo "linking" && return ;;
      compile) for i in "${!words[@]}"; do
        [ "${words[i]}" != -p ] || { echo "compiling ${words[i + 1]}" && return; }
      done ;;
    esac
  done
}

# Holds the cache's lock until setup ends, so that two runs at once do the work once.
lock_cache() {
  [ -z "${LOCKED-}" ] || return 0
  mkdir -p "$CACHE"
  exec 9>"$CACHE/setup.lock"
  until flock --wait 8 9; do
    note "waiting for another ./setup to finish"
  done
  LOCKED=yes
}
