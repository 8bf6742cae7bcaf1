#include "ompq/targets/target_table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::targets {

RowTable<TargetRow>& target_table() {
  static RowTable<TargetRow> table({
      {
          .name = kExactTarget,
      },
      {.name = "onnxruntime", .integer_kernels = true},
      {.name = "onnxruntime-avx2", .integer_kernels = true, .largest_level = 64},
  });
  return table;
}

const TargetRow& target(std::string_view name) {
  return target_table().get(name, "--target", "target");
}

std::vector<int> supported_widths(const TargetRow& target,
                                  const std::vector<int>& widths,
                                  const std::string& whose) {
  std::vector<int> kept;
  std::ranges::copy_if(widths, std::back_inserter(kept), [&](int width) {
    return width > kMaxBits || target.supports(BitWidth(width));
  });
  if (kept.empty() && !widths.empty()) {
    throw ConfigError("--target",
                      fmt::format("{} has {} bits, and the kernels of {} do not support so many; "
                                  "give fewer, or use another --target",
                                  whose,
                                  fmt::join(widths, " or "),
                                  target.name));
  }
  return kept;
}

}  // namespace ompq::targets
