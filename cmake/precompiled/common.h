// Headers that nearly every source includes, precompiled once for all rooms
// (cmake/OmpqBuildSpeed.cmake). Sources must not rely on it: each includes what it uses;
// scripts/check_plain_build.sh compiles without this file.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
