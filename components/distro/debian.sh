# ---- distribution: Debian and what is made from it ---------------------------------------------------------------

verb_packages() { # PACKAGE...
  # a run that was cut off leaves packages half configured, and apt refuses everything until that is finished
  dpkg --configure -a --force-confold
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    say "installing$missing"
    DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
    apt-get -q -o DPkg::Lock::Timeout=300 update
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install $missing
  else
    say "already installed: $*"
  fi
  receipt packages "token=$TOKEN"
}
