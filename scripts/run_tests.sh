#!/bin/sh
# Runs every test of a build tree, lists the skipped cases with the reason, and ends with
# "N passed, N failed, N skipped". Fails where a case fails or there are none.
#
#   scripts/run_tests.sh BUILD_FOLDER JOBS
set -eu

build=$1
jobs=$2
results=$build/test-results

# The stock runtime is there by now: a test that misses it fails instead of skipping.
OMPQ_REQUIRE_JUDGE=1
export OMPQ_REQUIRE_JUDGE

rm -rf "$results"
mkdir -p "$results"
status=0
ctest --test-dir "$build" --output-on-failure --parallel "$jobs" \
  --output-junit "$(cd "$results" && pwd)/programs.junit" || status=$?

# Each test program writes its cases as XML; what is no such program counts as one case.
cases() {
  cat "$results"/*.xml 2>/dev/null | grep -c "$1" || true
}
plain() {
  grep "<testcase" "$results/programs.junit" 2>/dev/null |
    while read -r line; do
      name=$(printf '%s\n' "$line" | sed 's/.* name="\([^"]*\)".*/\1/')
      [ -f "$results/$name.xml" ] || printf '%s\n' "$line"
    done | grep -c "status=\"$1\"" || true
}
skipped=$(($(cases '<testcase.* result="skipped"') + $(plain notrun)))
failed_cases=$(awk '/<testcase/ { open = 1 } open && /<failure/ { count++; open = 0 } END { print count + 0 }' \
  "$results"/*.xml /dev/null)
failed=$((failed_cases + $(plain fail)))
passed=$(($(cases '<testcase.* result="completed"') - failed_cases + $(plain run)))

awk '
  /<testcase.* result="skipped"/ {
    name = $0; sub(/.*classname="/, "", name); class = name; sub(/".*/, "", class)
    name = $0; sub(/.*<testcase name="/, "", name); sub(/".*/, "", name)
    reason = ""
  }
  /<skipped message="/ {
    reason = $0; sub(/.*<skipped message="/, "", reason); sub(/".*/, "", reason)
    sub(/.*&#x0A;/, "", reason)
    printf "skipped: %s.%s (%s)\n", class, name, reason
  }' "$results"/*.xml /dev/null

grep -h -o '^skipped: .*' "$results/programs.junit" || true

echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
