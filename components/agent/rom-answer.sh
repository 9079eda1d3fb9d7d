# ---- a ROM as the answer over SSH -------------------------------------------------------------------------------------
# Nothing but what stands between the nonces is the answer; a refusal is the line of standard error that starts with it.
NONCE=none
die() {
  printf '@%s %s\n' "$NONCE" "$*" >&2
  exit 3
}

# rom_answer NONCE ADDRESS VENDOR:DEVICE|any
rom_answer() (
  local rom vendor product
  set -eu
  NONCE=$1
  rom=$(rom_read "$2" "$3")
  read -r vendor <"/sys/bus/pci/devices/$2/vendor"
  read -r product <"/sys/bus/pci/devices/$2/device"
  printf '@%s %s:%s\n%s\n@%s end\n' "$NONCE" "${vendor#0x}" "${product#0x}" "$rom" "$NONCE"
)
