# ---- the lock: who works on this host ----------------------------------------------------------------------------
# One verb at a time is not enough: two runs of `pulumi up` from two machines would take turns. The first verb of a run
# takes the lock, every further one renews it, the last one gives it back. A run is told apart by its token, which is new in
# steps that change something: MOMENT,USER@MACHINE,PROCESS,STACK,STEPS (core/run.ts). Undoing has no token, its text is
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

number() { case $1 in '' | *[!0-9]*) printf 0 ;; *) printf '%s' "$1" ;; esac; }

# seconds since boot: a clock that is set does not end a lock
uptime_now() {
  local fraction
  { IFS='. ' read -r UPTIME fraction </proc/uptime; } 2>/dev/null || UPTIME=0
}

lock_read() {
  local line
  L_run='' L_owner='' L_process='' L_stack='' L_peer='' L_since='' L_boot='' L_seen='' L_idle='' L_left='' L_step=''
  [ -e "$LOCK" ] || return 0
  while IFS= read -r line; do
    case $line in
      run=*) L_run=${line#*=} ;; owner=*) L_owner=${line#*=} ;; process=*) L_process=${line#*=} ;;
      stack=*) L_stack=${line#*=} ;; peer=*) L_peer=${line#*=} ;; since=*) L_since=${line#*=} ;;
      boot=*) L_boot=${line#*=} ;; seen=*) L_seen=${line#*=} ;; idle=*) L_idle=${line#*=} ;;
      left=*) L_left=${line#*=} ;; step=*) L_step=${line#*=} ;;
    esac
  done <"$LOCK"
  L_seen=$(number "$L_seen") L_idle=$(number "$L_idle") L_left=$(number "$L_left")
}

# lock_write PID: of the verb at work, nothing when it has ended
lock_write() {
  uptime_now
  printf '%s\n' "run=$L_run" "owner=$L_owner" "process=$L_process" "stack=$L_stack" "peer=$L_peer" "since=$L_since" \
    "boot=$(boot_id)" "seen=$UPTIME" "idle=$L_idle" "left=$L_left" "step=$L_step" "busy=$1" >"$LOCK"
}

# seconds since the last verb; a reboot is part of a run, so after one they count from the boot
lock_age() {
  uptime_now
  if [ "$L_boot" = "$(boot_id)" ]; then say $((UPTIME - L_seen)); else say "$UPTIME"; fi
}

# step_key VERB WORD...: what the step's receipt is called
step_key() {
  case $1 in
    file | block | words | rom | dump) say "$2" ;;
    domain | run) say "$1 $2" ;;
    shutdown) say "run $2" ;;
    media) say "media $2 $3" ;;
    grow) say "size $3/$4" ;;
    install | admit) say agent ;;
    *) say "$1" ;;
  esac
}

# whose_run VERB WORD...: who this step belongs to. A token that the step's receipt holds already is an old one, which
# came back from there: it does not tell who calls it now.
whose_run() {
  local rest receipt
  PEER=$(peer) RUN='' OWNER='' PROCESS='' STACK='' STEPS=0
  case $TOKEN in *,*,*,*,*) ;; *) return 0 ;; esac
  receipt=$STATE/receipts/$(key "$(step_key "$@")")
  if grep -qsxF "token=$TOKEN" "$receipt"; then return 0; fi
  rest=${TOKEN%+*}
  RUN=$rest
  rest=${rest#*,}; OWNER=${rest%%,*}
  rest=${rest#*,}; PROCESS=${rest%%,*}
  rest=${rest#*,}; STACK=${rest%%,*}
  STEPS=$(number "${rest#*,}")
}

# lock_foreign [busy]: somebody else has the lock, and works now or has not been silent for so long that it ended
lock_foreign() {
  lock_read
  [ -n "$L_since" ] || return 1
  if [ -n "$RUN" ] && [ "$RUN" = "$L_run" ]; then return 1; fi
  if [ "$PEER" = "$L_peer" ]; then
    # the same machine: steps that undo have no run, and a run that was killed is followed by the next one
    if [ -z "$RUN" ] || [ -z "$L_run" ] || [ "$OWNER,$STACK" = "$L_owner,$L_stack" ]; then return 1; fi
  fi
  [ "${1:-}" = busy ] || [ "$(lock_age)" -lt "$L_idle" ]
}

holder() { printf '%s' "${L_owner:-somebody}${L_stack:+ (stack $L_stack, process $L_process)} from ${L_peer:-this host}"; }

lock_refuse() {
  die "the host is locked: $(holder) has been at work on it since $L_since, its last step was '$L_step', $(lock_age) s ago. This step changed nothing. Wait until that run has ended; if it was killed, its lock ends $L_idle s after its last step, or break it with 'vfio-fleet unlock'"
}

# a run that lost its lock must not go on in the middle of another's work
lock_fence() {
  [ -n "$L_run" ] || return 0
  printf '%s\n' "$L_run" >>"$STATE/fenced"
  tail -n 20 "$STATE/fenced" >"$STATE/.fenced.new"; mv -f "$STATE/.fenced.new" "$STATE/fenced"
}

# One verb at a time: package managers, update-grub and the boot files do not share. And one run at a time.
lock() { # VERB WORD...
  local taken
  [ -d $STATE/receipts ] && [ -d $STATE/kept ] && [ -d $BOOT ] || mkdir -p $STATE/receipts $STATE/kept $BOOT
  exec 9>>/run/vfio-fleet.lock
  whose_run "$@"
  [ -z "$RUN" ] || ! grep -qsxF "$RUN" "$STATE/fenced" ||
    die "this run has lost its lock on the host to another one: look at the host with 'pulumi preview', then run it again"
  if ! flock -n 9; then
    ! lock_foreign busy || lock_refuse
    flock -w 900 9 || die "another step has been at work on this host for 15 minutes: $(holder), '$L_step'"
  fi
  ! lock_foreign || lock_refuse
  taken=
  if [ -n "$RUN" ] && [ "$RUN" != "$L_run" ]; then
    lock_fence
    L_run=$RUN L_owner=$OWNER L_process=$PROCESS L_stack=$STACK L_left=$STEPS L_idle=$IDLE taken=yes
  elif [ -z "$RUN" ] && { [ -z "$L_since" ] || [ "$PEER" != "$L_peer" ]; }; then
    lock_fence
    L_run='' L_owner='' L_process='' L_stack='' L_left=0 L_idle=$IDLE_UNDO taken=yes
  fi
  L_step="$*"; L_step=${L_step%%"$NL"*}
  if [ -n "$taken" ]; then
    L_peer=$PEER L_since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    lock_write $$; sync "$LOCK"
  else lock_write $$; fi
  trap 'lock_renew $?' EXIT
}

# lock_renew STATUS: at the end of every verb; the last step of a run gives the lock back
lock_renew() {
  # leave takes the folder with it
  [ -d "$STATE" ] || return 0
  lock_read
  if [ -n "$RUN" ] && [ "$RUN" = "$L_run" ] && [ "$1" = 0 ]; then
    case $verb in admit | install) ;; *) L_left=$((L_left - 1)) ;; esac
    if [ "$L_left" -le 0 ]; then rm -f "$LOCK"; return 0; fi
  fi
  lock_write '' || :
}

# admit: asked before the agent itself is replaced
verb_admit() { :; }

# unlock [SINCE]: says who has the lock; breaks the one that was taken at that moment, no other, and none under a verb at work
verb_unlock() {
  local work
  [ -d $STATE ] || { say "the host is not locked"; return 0; }
  exec 9>>/run/vfio-fleet.lock
  work=; flock -n 9 || work=yes
  lock_read
  if [ -z "$L_since" ] || { [ -z "$work" ] && [ "$(lock_age)" -ge "$L_idle" ]; }; then say "the host is not locked"; return 0; fi
  if [ -z "${1:-}" ]; then
    say "locked since $L_since by $(holder)"
    if [ -n "$work" ]; then say "at work now: $L_step"; else say "last step, $(lock_age) s ago: $L_step"; fi
    return 0
  fi
  [ -z "$work" ] || die "not unlocked: a step is at work right now: $(holder), '$L_step'"
  [ "$L_since" = "$1" ] || die "not unlocked: since $L_since the lock is another one: $(holder)"
  lock_fence
  rm -f "$LOCK"
  say "unlocked; $(holder) cannot go on without being run again"
}
