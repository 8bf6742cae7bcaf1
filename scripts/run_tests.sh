#!/bin/sh
# Runs every test of a build tree, lists the skipped cases with the reason, and ends with "N passed,
# N failed, N skipped". Fails if a case fails or there are none.
#
#   scripts/run_tests.sh BUILD_FOLDER JOBS
set -eu

build=$1
jobs=$2
results=$build/test-results

# The stock runtime is installed by now, so a test without it must fail instead of being skipped.
OMPQ_REQUIRE_JUDGE=1
export OMPQ_REQUIRE_JUDGE

# Tests run in parallel, each with as many threads as there are cores, so waiting OpenMP threads must not spin.
GOMP_SPINCOUNT=0
export GOMP_SPINCOUNT

rm -rf "$results"
mkdir -p "$results"
status=0
ctest --test-dir "$build" --output-on-failure --parallel "$jobs" \
  --output-junit "$(cd "$results" && pwd)/programs.junit" || status=$?

# Test programs write their cases as XML, GoogleTest one element per line, pytest without line breaks. Prints a line per
# case: outcome, name, and why it was skipped.
cases() {
  cat "$results"/*.xml 2>/dev/null | sed 's/></>\n</g' | awk '
    function value(name) {
      if (!match($0, " " name "=\"[^\"]*\"")) return ""
      return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    function close_case() {
      if (outcome != "") printf "%s\t%s\t%s\n", outcome, name, reason
      outcome = ""
    }
    /<testcase / {
      close_case()
      name = value("classname") "." value("name")
      reason = ""
      outcome = "passed"
      if (value("result") == "skipped") outcome = "skipped"
      if (value("result") == "suppressed") outcome = ""
    }
    outcome != "" && /<(failure|error)[ >]/ { outcome = "failed" }
    outcome != "" && /<skipped/ {
      outcome = "skipped"
      reason = value("message")
      sub(/.*&#x0A;/, "", reason)
    }
    END { close_case() }'
}
# Any other test counts as one case.
plain() {
  grep "<testcase" "$results/programs.junit" 2>/dev/null |
    while read -r line; do
      name=$(printf '%s\n' "$line" | sed 's/.* name="\([^"]*\)".*/\1/')
      [ -f "$results/$name.xml" ] || printf '%s\n' "$line"
    done | grep -c "status=\"$1\"" || true
}
cases >"$results/cases.txt"
count() {
  awk -v outcome="$1" '$1 == outcome { count++ } END { print count + 0 }' "$results/cases.txt"
}
passed=$(($(count passed) + $(plain run)))
failed=$(($(count failed) + $(plain fail)))
skipped=$(($(count skipped) + $(plain notrun)))

awk -F '\t' '$1 == "skipped" { printf "skipped: %s (%s)\n", $2, $3 }' "$results/cases.txt"
grep -h -o '^skipped: .*' "$results/programs.junit" || true

echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
