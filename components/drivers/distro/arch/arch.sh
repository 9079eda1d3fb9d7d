# ---- distribution: Arch Linux -------------------------------------------------------------------------------------

LIBVIRT_SERVICES=libvirtd.service

# verb_packages PACKAGE...: these are installed
verb_packages() {
  local missing package
  missing=
  for package in "$@"; do pacman -Q "$package" >/dev/null 2>&1 || missing="$missing $package"; done
  if [ -n "$missing" ]; then
    say "installing$missing"
    # without -y: a newer database without an upgrade of everything breaks a host (Arch: "partial upgrades are unsupported").
    # Names of packages are words
    # shellcheck disable=SC2086
    pacman -S --needed --noconfirm $missing ||
      die "pacman could not install$missing: see above. Where it does not find a file, the host needs pacman -Syu first"
  else
    say "already installed: $*"
  fi
  receipt
}
