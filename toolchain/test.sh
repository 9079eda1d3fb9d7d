#!/usr/bin/env bash
# The tests of the Go programs here, the drop-in against a real sshd; ends with a line `N passed, N failed`, and non-zero
# when one failed, and the same as JSON in the file TEST_COUNTS. Arguments go to `go test`. The flags are those of build.sh, so that the two share compiled packages.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" || exit 1

passed=0 failed=0 failures=
for module in command-plugin libvirt-plugin; do
  failed_before=$failed
  # Each line is `--- PASS: Name (0.12s)`; tests inside tests are indented. A package that does not build has no such line.
  while IFS= read -r line; do
    case $line in
      "--- PASS: "*) passed=$((passed + 1)) ;;
      "--- FAIL: "* | "FAIL"*"[build failed]" | "FAIL"*"[setup failed]") failed=$((failed + 1)) failures+=${failures:+, }"\"$module: ${line//[\"\\]/}\"" ;;
      "--- EXIT 0") continue ;;
      # A panic or a time limit ends a package without a line of its own.
      "--- EXIT "*) [ "$failed" -gt "$failed_before" ] || { failed=$((failed + 1)) failures+=${failures:+, }"\"$module: $line\""; } ;;
      "=== "* | "PASS" | "ok "* | "?  "* | "    --- "*) continue ;;
    esac
    echo "$line"
  done < <(
    cd "$module" && GOFLAGS=-mod=readonly CGO_ENABLED=0 go test -trimpath -buildvcs=false -count=1 -v "$@" ./... 2>&1
    echo "--- EXIT $?"
  )
done
[ -z "${TEST_COUNTS-}" ] || echo "{\"passed\": $passed, \"failed\": $failed, \"failures\": [$failures]}" >"$TEST_COUNTS"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
