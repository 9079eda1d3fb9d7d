# ---- the lock: who works on this host ----------------------------------------------------------------------------
# One verb at a time is not enough: two runs of `pulumi up` from two machines would take turns. The first verb of a run
# takes the lock, every further one renews it, the last one gives it back. A run is told apart by its token, which is new in
# steps that change something: MOMENT,USER@MACHINE,PROCESS,STACK,STEPS (components/plan/run-token.ts). Undoing has no token, its text is
# fixed in the state; it is told apart by the address that it comes from. docs/decisions/host-lock.md

LOCK=$STATE/lease
# seconds without a verb after which a lock has ended: of a run, of undoing
IDLE=300
IDLE_UNDO=60

# the address that the connection behind this call comes from; sudo drops it, the processes above still have it
peer() {
  local pid found
  found=${SSH_CONNECTION:-} pid=$$
  while [ -z "$found" ] && [ "${pid:-0}" -gt 1 ] && [ -r "/proc/$pid/environ" ]; do
    found=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
    pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status" 2>/dev/null || :)
  done
  printf '%s' "${found%% *}"
}

number() { case $1 in '' | *[!0-9]*) printf 0 ;; *) printf '%s' "$1" ;; esac }

# seconds since boot: a clock that is set does not end a lock
uptime_now() {
  { IFS='. ' read -r UPTIME _ </proc/uptime; } 2>/dev/null || UPTIME=0
}

lock_read() {
  local line
  LOCK_RUN='' LOCK_OWNER='' LOCK_PROCESS='' LOCK_STACK='' LOCK_PEER='' LOCK_SINCE='' LOCK_BOOT='' LOCK_SEEN='' LOCK_IDLE='' LOCK_LEFT='' LOCK_STEP=''
  [ -e "$LOCK" ] || return 0
  while IFS= read -r line; do
    case $line in
      run=*) LOCK_RUN=${line#*=} ;; owner=*) LOCK_OWNER=${line#*=} ;; process=*) LOCK_PROCESS=${line#*=} ;;
      stack=*) LOCK_STACK=${line#*=} ;; peer=*) LOCK_PEER=${line#*=} ;; since=*) LOCK_SINCE=${line#*=} ;;
      boot=*) LOCK_BOOT=${line#*=} ;; seen=*) LOCK_SEEN=${line#*=} ;; idle=*) LOCK_IDLE=${line#*=} ;;
      left=*) LOCK_LEFT=${line#*=} ;; step=*) LOCK_STEP=${line#*=} ;;
    esac
  done <"$LOCK"
  LOCK_SEEN=$(number "$LOCK_SEEN") LOCK_IDLE=$(number "$LOCK_IDLE") LOCK_LEFT=$(number "$LOCK_LEFT")
}

# lock_write PID: of the verb at work, nothing when it has ended
lock_write() {
  uptime_now
  printf '%s\n' "run=$LOCK_RUN" "owner=$LOCK_OWNER" "process=$LOCK_PROCESS" "stack=$LOCK_STACK" "peer=$LOCK_PEER" "since=$LOCK_SINCE" \
    "boot=$(boot_id)" "seen=$UPTIME" "idle=$LOCK_IDLE" "left=$LOCK_LEFT" "step=$LOCK_STEP" "busy=$1" >"$LOCK"
}

# seconds since the last verb; a reboot is part of a run, so after one they count from the boot
lock_age() {
  uptime_now
  if [ "$LOCK_BOOT" = "$(boot_id)" ]; then say $((UPTIME - LOCK_SEEN)); else say "$UPTIME"; fi
}

# whose_run: who this step belongs to. A token that the step's receipt holds already is an old one, which
# came back from there: it does not tell who calls it now.
whose_run() {
  local rest
  PEER=$(peer) RUN='' OWNER='' PROCESS='' STACK='' STEPS=0
  case $TOKEN in *,*,*,*,*) ;; *) return 0 ;; esac
  if grep -qsxF "token=$TOKEN" "$RECEIPT"; then return 0; fi
  rest=${TOKEN%+*}
  RUN=$rest
  rest=${rest#*,}
  OWNER=${rest%%,*}
  rest=${rest#*,}
  PROCESS=${rest%%,*}
  rest=${rest#*,}
  STACK=${rest%%,*}
  STEPS=$(number "${rest#*,}")
}

# lock_foreign [busy]: somebody else has the lock, and works now or has not been silent for so long that it ended
lock_foreign() {
  lock_read
  [ -n "$LOCK_SINCE" ] || return 1
  if [ -n "$RUN" ] && [ "$RUN" = "$LOCK_RUN" ]; then return 1; fi
  if [ "$PEER" = "$LOCK_PEER" ]; then
    # the same machine: steps that undo have no run, and a run that was killed is followed by the next one
    if [ -z "$RUN" ] || [ -z "$LOCK_RUN" ] || [ "$OWNER,$STACK" = "$LOCK_OWNER,$LOCK_STACK" ]; then return 1; fi
  fi
  [ "${1:-}" = busy ] || [ "$(lock_age)" -lt "$LOCK_IDLE" ]
}

holder() { printf '%s' "${LOCK_OWNER:-somebody}${LOCK_STACK:+ (stack $LOCK_STACK, process $LOCK_PROCESS)} from ${LOCK_PEER:-this host}"; }

lock_refuse() {
  die "the host is locked: $(holder) has been at work on it since $LOCK_SINCE, its last step was '$LOCK_STEP', $(lock_age) s ago. This step changed nothing. Wait until that run has ended; if it was killed, its lock ends $LOCK_IDLE s after its last step, or break it with 'vfio-fleet unlock'"
}

# a run that lost its lock must not go on in the middle of another's work
lock_fence() {
  [ -n "$LOCK_RUN" ] || return 0
  printf '%s\n' "$LOCK_RUN" >>"$STATE/fenced"
  tail -n 20 "$STATE/fenced" >"$STATE/.fenced.new"
  mv -f "$STATE/.fenced.new" "$STATE/fenced"
}

# One verb at a time: package managers, update-grub and the boot files do not share. And one run at a time.
lock() { # VERB WORD...
  local taken
  { [ -d "$STATE/receipts" ] && [ -d "$STATE/kept" ] && [ -d "$BOOT" ]; } || mkdir -p "$STATE/receipts" "$STATE/kept" "$BOOT"
  exec 9>>/run/vfio-fleet.lock
  whose_run
  [ -z "$RUN" ] || ! grep -qsxF "$RUN" "$STATE/fenced" ||
    die "this run has lost its lock on the host to another one: look at the host with 'pulumi preview', then run it again"
  if ! flock -n 9; then
    ! lock_foreign busy || lock_refuse
    flock -w 900 9 || die "another step has been at work on this host for 15 minutes: $(holder), '$LOCK_STEP'"
  fi
  ! lock_foreign || lock_refuse
  taken=
  if [ -n "$RUN" ] && [ "$RUN" != "$LOCK_RUN" ]; then
    lock_fence
    LOCK_RUN=$RUN LOCK_OWNER=$OWNER LOCK_PROCESS=$PROCESS LOCK_STACK=$STACK LOCK_LEFT=$STEPS LOCK_IDLE=$IDLE taken=yes
  elif [ -z "$RUN" ] && { [ -z "$LOCK_SINCE" ] || [ "$PEER" != "$LOCK_PEER" ]; }; then
    lock_fence
    LOCK_RUN='' LOCK_OWNER='' LOCK_PROCESS='' LOCK_STACK='' LOCK_LEFT=0 LOCK_IDLE=$IDLE_UNDO taken=yes
  fi
  LOCK_STEP="$*"
  LOCK_STEP=${LOCK_STEP%%"$NL"*}
  if [ -n "$taken" ]; then
    LOCK_PEER=$PEER LOCK_SINCE=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    lock_write $$
    sync "$LOCK"
  else lock_write $$; fi
  trap 'lock_renew $?' EXIT
}

# lock_renew STATUS: at the end of every verb; the last step of a run gives the lock back
lock_renew() {
  # leave takes the folder with it
  [ -d "$STATE" ] || return 0
  lock_read
  if [ -n "$RUN" ] && [ "$RUN" = "$LOCK_RUN" ] && [ "$1" = 0 ]; then
    case $VERB in admit | install) ;; *) LOCK_LEFT=$((LOCK_LEFT - 1)) ;; esac
    if [ "$LOCK_LEFT" -le 0 ]; then
      rm -f "$LOCK"
      return 0
    fi
  fi
  lock_write '' || :
}

# admit: asked before the agent itself is replaced
verb_admit() { :; }

# unlock [SINCE]: says who has the lock; breaks the one that was taken at that moment, no other, and none under a verb at work
verb_unlock() {
  local work
  [ -d "$STATE" ] || {
    say "the host is not locked"
    return 0
  }
  exec 9>>/run/vfio-fleet.lock
  work=
  flock -n 9 || work=yes
  lock_read
  if [ -z "$LOCK_SINCE" ] || { [ -z "$work" ] && [ "$(lock_age)" -ge "$LOCK_IDLE" ]; }; then
    say "the host is not locked"
    return 0
  fi
  if [ -z "${1:-}" ]; then
    say "locked since $LOCK_SINCE by $(holder)"
    if [ -n "$work" ]; then say "at work now: $LOCK_STEP"; else say "last step, $(lock_age) s ago: $LOCK_STEP"; fi
    return 0
  fi
  [ -z "$work" ] || die "not unlocked: a step is at work right now: $(holder), '$LOCK_STEP'"
  [ "$LOCK_SINCE" = "$1" ] || die "not unlocked: since $LOCK_SINCE the lock is another one: $(holder)"
  lock_fence
  rm -f "$LOCK"
  say "unlocked; $(holder) cannot go on without being run again"
}
