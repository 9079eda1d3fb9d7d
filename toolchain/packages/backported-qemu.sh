#!/usr/bin/env bash
# Unpacks QEMU of bookworm-backports into the folder "$1". apt checks Debian's signature, with its lists and cache in
# this folder. So neither root nor a change of the system's package sources is needed. The libraries are the system's,
# for which backports are built.
set -euo pipefail
folder=$1
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main" \
  >"$apt/sources.list"
options=(
  -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none
  -o Acquire::Retries=2 -o Acquire::http::Timeout=10 -o APT::Sandbox::User= -o Debug::NoLocking=true
)
apt-get "${options[@]}" update
cd "$apt"
apt-get "${options[@]}" download qemu-system-x86 qemu-system-common qemu-system-data
for package in ./*.deb; do dpkg-deb -x "$package" "$folder"; done
cd "$folder"
rm -r "$apt" "$folder/usr/share/doc"
missing=$(ldd "$folder/usr/bin/qemu-system-x86_64" | sed -n 's/^\t*\(.*\) => not found$/\1/p')
[ -z "$missing" ] || {
  echo "QEMU of bookworm-backports needs libraries that this system lacks: $missing" >&2
  exit 1
}
