#!/bin/sh
# Written by vfio-fleet. libvirt runs this before a domain starts and after it has ended (libvirt: hooks, "qemu"): a card
# belongs to one running domain at a time, and a second one is refused by the name of the first.
# libvirt waits for this script, so that nothing here may ask it anything.
set -u
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
CARDS=/run/vfio-fleet/cards

refuse() {
  printf 'vfio-fleet: %s\n' "$*" >&2
  exit 1
}

# host functions in the definition: their addresses say no type, places in the guest do
addresses() {
  sed -n "s/.*<address domain='0x\([0-9a-f]*\)' bus='0x\([0-9a-f]*\)' slot='0x\([0-9a-f]*\)' function='0x\([0-9a-f]\)'.*/\1:\2:\3.\4/p"
}

# shown ADDRESS: with the name that the stack gave the card; libvirt prints metadata with quotes of its own
shown() {
  local name
  name=$(printf '%s\n' "$DEFINITION" | sed -n "s/.*:card .*name=[\"']\([^\"']*\)[\"'].*functions=[\"'][^\"']*$1.*/\1/p" | head -n 1)
  printf '%s\n' "${name:+card $name (}$1${name:+)}"
}

# daemon PID: that process, and not a later one with its number
daemon() { [ -r "/proc/$1/stat" ] && printf '%s %s\n' "$1" "$(sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20)"; }

# claimed ADDRESS: who is starting with it: libvirt writes a domain's status once QEMU runs, so the claim counts until
# then, for as long as the daemon lives that is at it
claimed() {
  local name process started
  [ -e "$CARDS/$1" ] || return 0
  read -r name process started <"$CARDS/$1"
  [ ! -e "/run/libvirt/qemu/$name.xml" ] && [ "$(daemon "$process")" = "$process $started" ] || return 0
  printf '%s\n' "$name"
}

# users ADDRESS: processes of the host that have the card open; its driver cannot let go of it before they do
users() {
  local node minor nodes name process
  nodes=
  for node in /sys/bus/pci/devices/"$1"/drm/card* /sys/bus/pci/devices/"$1"/drm/renderD*; do
    [ ! -e "$node" ] || nodes="$nodes /dev/dri/${node##*/}"
  done
  minor=$(sed -n 's/^Device Minor:[^0-9]*//p' "/proc/driver/nvidia/gpus/$1/information" 2>/dev/null)
  [ -z "$minor" ] || nodes="$nodes /dev/nvidia$minor"
  [ -n "$nodes" ] || return 0
  # one call for all processes, whose links have numbers as names; of several things it lists, ls writes the name of each
  # folder above it
  # shellcheck disable=SC2012
  ls -l /dev/null /proc/[0-9]*/fd 2>/dev/null | awk -v nodes="$nodes " '
    /\/fd:$/ { count = split($0, part, "/"); process = part[count - 1] }
    / -> / && index(nodes, " " $NF " ") { print process, $NF }' | while read -r process node; do
    read -r name <"/proc/$process/comm" && printf '%s (process %s) has %s open\n' "$name" "$process" "$node"
  done | sort -u
}

prepare() { # DOMAIN
  local address holder driver
  for address in $WANTED; do
    holder=$({
      claimed "$address"
      holding_domains "$address"
    } | grep -vxF -e "$1" | head -n 1)
    [ -z "$holder" ] || refuse "$1 cannot start: $(shown "$address") is in use by $holder. Shut $holder down first, or move the card with: vfio-fleet gpu switch"
    driver=$(readlink "/sys/bus/pci/devices/$address/driver" || echo none)
    case ${driver##*/} in none | vfio-pci) continue ;; esac
    holder=$(users "$address" | head -n 3)
    [ -z "$holder" ] || refuse "$1 cannot start: the host uses $(shown "$address"): $holder. End that first: a driver that is taken away from a card in use can hang the host"
  done
  for address in $WANTED; do
    printf '%s %s\n' "$1" "$(daemon "$PPID")" >"$CARDS/.new" && mv -f "$CARDS/.new" "$CARDS/$address"
  done
}

release() { # DOMAIN
  local claim name rest
  for claim in "$CARDS"/????:??:??.?; do
    [ -e "$claim" ] || continue
    read -r name rest <"$claim"
    [ "$name" != "$1" ] || rm -f "$claim"
  done
}

main() { # DOMAIN OPERATION PART, the definition on standard input
  case $2/$3 in prepare/begin | release/end) ;; *) exit 0 ;; esac
  DEFINITION=$(cat)
  WANTED=$(printf '%s\n' "$DEFINITION" | addresses)
  mkdir -p "$CARDS"
  # two domains may start at once
  exec 9>>"$CARDS/.lock"
  flock -w 60 9 || refuse "another domain has been starting for a minute"
  case $2 in prepare) prepare "$1" ;; release) release "$1" ;; esac
}
