#!/bin/sh
# Lists the slowest steps of the last builds of a build folder, in seconds, from ninja's log.
#
#   scripts/slowest_units.sh [BUILD_FOLDER [COUNT]]
set -eu
awk -F '\t' 'NF >= 5 { seconds[$4] = ($2 - $1) / 1000 }
  END { for (unit in seconds) printf "%7.1f  %s\n", seconds[unit], unit }' "${1:-build/release}/.ninja_log" |
  sort -rn | head -n "${2:-20}"
