# rom PATH; base64 on standard input
verb_rom() {
  base64 -d >"$STATE/rom.new"
  verb_file "$1" 644 <"$STATE/rom.new"
  rm -f "$STATE/rom.new"
}

# dump PATH ADDRESS VENDOR:DEVICE: the card's ROM, read once and then only when the file is not as it was left. Prints
# the ROM in base64: the program that called judges it.
verb_dump() {
  local encoded
  if ! untouched "$1" || ! grep -qx "card=$2 $3" "$RECEIPT"; then
    encoded=$(rom_read "$2" "$3")
    keep "$1"
    printf '%s\n' "$encoded" | base64 -d >"$STATE/rom.new"
    place "$1" 644 <"$STATE/rom.new" >&2
    rm -f "$STATE/rom.new"
  fi
  receipt "sha256=$(sha256_of "$1")" "card=$2 $3"
  base64 "$1"
}

# unrom PATH: the folder goes with the last ROM in it, whichever that is
verb_unrom() {
  verb_unfile "$1"
  rmdir "${1%/*}" 2>/dev/null || :
}
