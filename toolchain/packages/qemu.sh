# shellcheck shell=bash
# The step `qemu`, for machines without KVM: QEMU 10 needs half the time of Debian 12's QEMU 7.2 for a lab host
# (docs/decisions/emulator.md). Debian 12 has QEMU 10 in its backports. Its packages are unpacked into the cache, and
# the system's own QEMU stays.

step_qemu() {
  local started=$EPOCHREALTIME version
  if version=$(qemu_version qemu-system-x86_64) && [ "${version%%.*}" -ge "$QEMU_MAJOR" ]; then
    done_line qemu "$started" "$version, from PATH"
    return
  fi
  if ! qemu_is_there && is_debian_12; then
    lock_cache
    qemu_is_there || backported_qemu
  fi
  if version=$(qemu_version "$QEMU_FOLDER/usr/bin/qemu-system-x86_64"); then
    done_line qemu "$started" "$version, from Debian's backports"
  else
    done_line qemu "$started" "from PATH; the lab is slower with it than with QEMU $QEMU_MAJOR"
  fi
}

qemu_is_there() { [ -x "$QEMU_FOLDER/usr/bin/qemu-system-x86_64" ]; }

# qemu_version PROGRAM: the program's version, such as 10.0.2.
qemu_version() {
  local said
  said=$("$1" --version 2>/dev/null) && [[ $said =~ version\ ([0-9.]+) ]] && echo "${BASH_REMATCH[1]}"
}

is_debian_12() { grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release && command -v apt-get >/dev/null; }

# A failure is only a note, because the system's QEMU works as well.
backported_qemu() {
  local aside
  aside=$(new_aside)
  if with_progress "QEMU $QEMU_MAJOR of Debian's backports" bash "$ROOT/toolchain/packages/backported-qemu.sh" "$aside" &&
    qemu_version "$aside/usr/bin/qemu-system-x86_64" >/dev/null; then
    put_in_place "$aside" "$QEMU_FOLDER"
  else
    rm -rf "$aside"
  fi
}
