#!/usr/bin/env bash
# apt-install.sh PACKAGE...: installs Debian packages as root without starting their services.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# Debian's switch for that is a policy program. An existing one is the administrator's, so it stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi

apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"

# The tests start their own server. This machine's server stays off until its owner enables it.
if [[ " $* " == *" openssh-server "* ]] && command -v systemctl >/dev/null; then
  systemctl disable ssh.service ssh.socket || true
fi
if [[ " $* " == *" postgresql-"* ]] && command -v systemctl >/dev/null; then
  systemctl disable postgresql.service || true
fi
