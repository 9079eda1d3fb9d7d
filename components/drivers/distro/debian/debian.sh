# ---- distribution: Debian and what is made from it ---------------------------------------------------------------

# A run that was cut off leaves packages half configured, and apt refuses everything until that is finished. apt waits
# for another package manager by itself, dpkg does not: 5 minutes, as long as apt is told to.
finish_packages() {
  local tries
  tries=0
  until dpkg --configure -a --force-confold 2>"$STATE/.dpkg"; do
    cat "$STATE/.dpkg" >&2
    grep -q lock "$STATE/.dpkg" || die "dpkg could not finish what an earlier run left half done: see above"
    [ $tries -lt 60 ] || die "another package manager has been at work for 5 minutes: let it finish, then run this again"
    tries=$((tries + 1))
    sleep 5
  done
  rm -f "$STATE/.dpkg"
}

# lacking PACKAGE...: those that are not installed and configured
lacking() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf ' %s' "$package"
  done
}

# verb_packages PACKAGE...: these are installed
verb_packages() {
  local missing
  missing=$(lacking "$@")
  if [ -n "$missing" ]; then
    finish_packages
    missing=$(lacking "$@")
  fi
  if [ -n "$missing" ]; then
    say "installing$missing"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -q -o DPkg::Lock::Timeout=300 update || die "apt-get update failed: see above"
    # names of packages are words
    # shellcheck disable=SC2086
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install $missing || die "apt-get could not install$missing: see above"
  else
    say "already installed: $*"
  fi
  receipt
}
