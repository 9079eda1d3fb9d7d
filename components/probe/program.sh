#!/bin/sh
# vfio-fleet probe: looks at this host as root for a login whose sudo allows no shell. An administrator puts it here with
# what 'vfio-fleet sudoers' prints; its parts are those that are sent to other hosts at each look.
#
# probe VERSION check | ask | watch SECONDS | rom NONCE ADDRESS VENDOR:DEVICE
# ask and watch read their question from standard input, as lines NAME=value (probe.sh says which names). What comes from
# there is data: none of it becomes a program or an option of one.
set -u
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd /
say() { printf '%s\n' "$*"; }
refuse() {
  printf 'vfio-fleet: %s\n' "$*" >&2
  exit 1
}
[ "${1:-}" = "$VERSION" ] || {
  printf '%s\n' "vfio-fleet: this probe is another version's" >&2
  exit 4
}
mode=${2:-} seconds=${3:-}

# words NAME VALUE: names of packages, modules and the like, never an option
words() { case " $2" in *[!A-Za-z0-9_.+:%*@\ -]* | *\ -*) refuse "$1 holds no names" ;; esac }
question() {
  local line
  N='' FILES='' EXISTS='' LOOK='' PACKAGES='' PARAMETERS='' MODINFO='' SYMBOLS='' SURVEY=''
  while IFS= read -r line; do
    case $line in
      N=*) N=${line#*=} ;; FILES=*) FILES=${line#*=} ;; EXISTS=*) EXISTS=${line#*=} ;;
      LOOK=*) LOOK="${LOOK:+$LOOK
}${line#*=}" ;;
      PACKAGES=*) PACKAGES=${line#*=} ;; PARAMETERS=*) PARAMETERS=${line#*=} ;; MODINFO=*) MODINFO=${line#*=} ;;
      SYMBOLS=*) SYMBOLS=${line#*=} ;; SURVEY=*) SURVEY=${line#*=} ;;
      *) refuse "no question: $line" ;;
    esac
  done
  case $N in '' | *[!A-Za-z0-9]*) refuse "the nonce is no word" ;; esac
  case $SURVEY in '' | survey | watch) ;; *) refuse "there is no survey of that name" ;; esac
  words PACKAGES "$PACKAGES"
  words PARAMETERS "$PARAMETERS"
  words MODINFO "$MODINFO"
  words SYMBOLS "$SYMBOLS"
  PRIVILEGE=sudo-agent LOGIN=${SUDO_USER:-} SSH_PEER=${SSH_CONNECTION:-}
}

case $mode in
  check) exit 0 ;;
  ask) question ;;
  watch)
    case $seconds in '' | *[!0-9.]*) refuse "how many seconds?" ;; esac
    question
    ;;
  rom)
    case ${3:-} in '' | *[!A-Za-z0-9]*) refuse "the nonce is no word" ;; esac
    case ${4:-} in *[!0-9a-f:.]*) refuse "no PCI address" ;; esac
    ;;
  *) refuse "cannot '$mode'" ;;
esac
