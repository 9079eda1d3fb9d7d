# vfio-fleet host agent: the verbs that the steps of a stack call on this host.
# Installed and removed by the stack's own "host agent" resource; the drivers of this host's boot loader, initramfs
# generator and distribution follow below, each part under the name of its file. Every verb can be called again at any point: it looks first, changes
# atomically (aside, fsync, rename) and leaves a receipt under /var/lib/vfio-fleet/receipts once its effect is there.
set -eu
# local is no POSIX word, but dash, bash and busybox sh know it
umask 022
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# tells our own hooks that the agent is at work and will see to it
VFIO_FLEET_AGENT=1
export VFIO_FLEET_AGENT
STATE=/var/lib/vfio-fleet
BOOT=$STATE/boot
NL='
'

# what hand and unhand set: the person who asked may hang up, and the work goes on
UNATTENDED=

# say TEXT...: a line for the person who asked
say() { printf '%s\n' "$*" || [ -n "$UNATTENDED" ]; }
# die TEXT...: ends the verb with this refusal
die() {
  printf 'vfio-fleet: %s\n' "$*" >&2
  exit 1
}

# key NAME: as a file name, / as % and a space as _, without a process
key() {
  local rest name word
  rest=$1 name=''
  while :; do
    word=${rest%%[/ ]*}
    case ${rest#"$word"} in
      /*) name=$name$word% ;;
      ' '*) name=${name}${word}_ ;;
      *) break ;;
    esac
    rest=${rest#"$word"?}
  done
  printf '%s' "$name$rest"
}

# sha256_of PATH
sha256_of() {
  local sum
  sum=$(sha256sum <"$1")
  printf '%s' "${sum%% *}"
}

# receipt NAME=VALUE...: replaces the receipt of this step as a whole; the token stands in it as well
receipt() {
  printf '%s\n' "token=$TOKEN" "$@" >"$STATE/.receipt.new"
  sync "$STATE/.receipt.new"
  mv -f "$STATE/.receipt.new" "$RECEIPT"
}
# unreceipt KEY: that step has left nothing behind
unreceipt() { rm -f "$STATE/receipts/$(key "$1")"; }

# place PATH MODE: standard input becomes the file, at once or not at all
place() {
  local new
  new=${1%/*}/.${1##*/}.vfio-fleet-new
  mkdir -p "${1%/*}"
  cat >"$new"
  if [ -f "$1" ] && [ -O "$1" ] && cmp -s "$new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then
    rm -f "$new"
    say "$1: already so"
    return 0
  fi
  chmod "$2" "$new"
  sync "$new"
  mv -f "$new" "$1"
  sync "${1%/*}"
  say "$1: written"
}

# keep PATH: what stood there before the first write, with owner, mode and times
keep() {
  local kept folder
  kept=$STATE/kept/$(key "$1")
  [ -e "$kept/whole" ] && return 0
  rm -rf "$kept"
  mkdir -p "$kept"
  [ ! -e "$1" ] || cp -p -- "$1" "$kept/content"
  # folders that only exist because of us go again with the last file in them
  folder=${1%/*}
  while [ ! -d "$folder" ]; do
    printf '%s\n' "$folder" >>"$kept/folders"
    folder=${folder%/*}
  done
  sync -f "$kept"
  : >"$kept/whole"
}

verb_file() { # PATH MODE; the content on standard input
  keep "$1"
  place "$1" "$2"
  receipt "sha256=$(sha256_of "$1")"
}

# verb_unfile PATH: the file as it was before. An undo step has no key in its words: a file's key is its path
verb_unfile() {
  local kept new folder
  kept=$STATE/kept/$(key "$1")
  if [ -e "$kept/whole" ]; then
    if [ -e "$kept/content" ]; then
      new=${1%/*}/.${1##*/}.vfio-fleet-new
      cp -p -- "$kept/content" "$new"
      sync "$new"
      mv -f "$new" "$1"
      say "$1: put back"
    else
      rm -f "$1"
      say "$1: removed"
    fi
    [ ! -e "$kept/folders" ] || while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done <"$kept/folders"
    rm -rf "$kept"
  fi
  unreceipt "$1"
}

# The block between the markers is ours, all else in the file stays as it is, byte for byte.
without_block() { sed "/^# BEGIN vfio-fleet\$/,/^# END vfio-fleet\$/d" "$1"; }

# untouched PATH: nobody has changed the file since the last step wrote it
untouched() { [ -f "$1" ] && grep -qx "sha256=$(sha256_of "$1")" "$STATE/receipts/$(key "$1")" 2>/dev/null; }

verb_block() { # PATH [new]; the block on standard input. With new, a file that is not there becomes one
  local mode block
  [ -f "$1" ] || [ "${2:-}" = new ] || die "$1 is not there: the package that brings it is not installed"
  keep "$1"
  if [ ! -f "$1" ]; then
    mkdir -p "${1%/*}"
    : >"$1"
  fi
  mode=$(stat -c %a "$1")
  block=$(cat)
  {
    without_block "$1"
    # a last line without its end, or one that goes on in the next, must not swallow the marker
    [ -z "$(without_block "$1" | tail -c 1)" ] || echo
    case $(without_block "$1" | tail -n 1) in *\\) echo ;; esac
    [ -z "$block" ] || printf '# BEGIN vfio-fleet\n%s\n# END vfio-fleet\n' "$block"
  } >"$STATE/.block.new"
  place "$1" "$mode" <"$STATE/.block.new"
  rm -f "$STATE/.block.new"
  receipt "sha256=$(sha256_of "$1")"
}

verb_unblock() { # PATH
  if untouched "$1"; then
    verb_unfile "$1"
    return 0
  fi
  rm -rf "$STATE/kept/$(key "$1")"
  if [ -f "$1" ]; then
    without_block "$1" >"$STATE/.block.new"
    place "$1" "$(stat -c %a "$1")" <"$STATE/.block.new"
    rm -f "$STATE/.block.new"
  fi
  unreceipt "$1"
}

# with_words FILE OURS WANTED: the file with OURS taken out of its first line and WANTED put at that line's end, where
# missing; behind a line "added" come the words that were put there. All else stays as it is.
with_words() {
  awk -v ours="$2" -v wanted="$3" '
    function cut(line, word,   at) {
      at = index(" " line " ", " " word " ")
      if (!at) return line
      return at == 1 ? substr(line, 2 + length(word)) : substr(line, 1, at - 2) substr(line, at + length(word))
    }
    { if (NR > 1) print text; text = $0; if (NR == 1) first() ; next }
    function first(   n, i, word) {
      n = split(ours, word, " "); for (i = 1; i <= n; i++) text = cut(text, word[i])
      n = split(wanted, word, " ")
      for (i = 1; i <= n; i++) if (index(" " text " ", " " word[i] " ") == 0) {
        text = (text ~ /^[ \t]*$/ ? "" : text (text ~ /[ \t]$/ ? "" : " ")) word[i]; added = added " " word[i]
      }
    }
    END { if (NR == 0) first(); print text; print "added" added }' "$1"
}

# words PATH; words on standard input: arguments at the end of the file's first line (/etc/kernel/cmdline). A file that is
# missing starts from the running kernel's command line, which is what the tools that read it fall back to.
verb_words() {
  local ours wanted added
  keep "$1"
  wanted=$(tr '\n' ' ')
  ours=$(sed -n 's/^words=//p' "$RECEIPT" 2>/dev/null || :)
  if [ -f "$1" ]; then cat "$1"; else ordinary_cmdline; fi >"$STATE/.words"
  with_words "$STATE/.words" "$ours" "$wanted" >"$STATE/.words.new"
  added=$(sed -n '$s/^added *//p' "$STATE/.words.new")
  sed '$d' "$STATE/.words.new" | place "$1" "$(stat -c %a "$1" 2>/dev/null || echo 644)"
  rm -f "$STATE/.words" "$STATE/.words.new"
  receipt "sha256=$(sha256_of "$1")" "words=$added"
}

verb_unwords() { # PATH
  if untouched "$1"; then
    verb_unfile "$1"
    return 0
  fi
  RECEIPT=$STATE/receipts/$(key "$1")
  [ ! -f "$1" ] || verb_words "$1" </dev/null
  rm -rf "$STATE/kept/$(key "$1")"
  unreceipt "$1"
}
