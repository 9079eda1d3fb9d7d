#!/usr/bin/env bash
# apt-install.sh PACKAGE...: as root, installs Debian packages without starting any service of theirs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# Debian's own switch for that is a policy program; one that is there already is the administrator's and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi

apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"

# The tests start a server of their own; this machine's is for its owner to turn on.
if [[ " $* " == *" openssh-server "* ]] && command -v systemctl >/dev/null; then
  systemctl disable ssh.service ssh.socket || true
fi
if [[ " $* " == *" postgresql-"* ]] && command -v systemctl >/dev/null; then
  systemctl disable postgresql.service || true
fi
