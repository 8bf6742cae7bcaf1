#!/bin/sh
# Runs every test of a build tree, lists the skipped ones with the reason, and ends with
# "N passed, N failed, N skipped". Fails where a test fails or there are none.
#
#   scripts/run_tests.sh BUILD_FOLDER JOBS
set -eu

build=$1
jobs=$2
record=$(cd "$build" && pwd)/tests.xml

# The stock runtime is there by now: a test that misses it fails instead of skipping.
OMPQ_REQUIRE_JUDGE=1
export OMPQ_REQUIRE_JUDGE

rm -f "$record"
status=0
ctest --test-dir "$build" --output-on-failure --parallel "$jobs" --output-junit "$record" ||
  status=$?
[ -f "$record" ] || {
  echo "run_tests: ctest left no record" >&2
  exit 1
}

count() {
  grep -c "<testcase.* status=\"$1\"" "$record" || true
}
passed=$(count run)
failed=$(count fail)
skipped=$(count notrun)

# A test program says why it skips on the line behind "Skipped".
[ "$skipped" -eq 0 ] || awk '
  /<testcase/ { name = $0; sub(/.* name="/, "", name); sub(/".*/, "", name); open = 0 }
  /<testcase.* status="notrun"/ { open = 1; reason = "" }
  open && say { reason = $0; say = 0 }
  open && /: Skipped$/ { say = 1 }
  /<\/testcase>/ && open { printf "skipped: %s%s\n", name, reason == "" ? "" : " (" reason ")"; open = 0 }
' "$record"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
