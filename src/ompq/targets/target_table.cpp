#include "ompq/targets/target_table.h"

namespace ompq::targets {

RowTable<TargetRow>& target_table() {
  static RowTable<TargetRow> table({
      {.name = kDefaultTarget,
       .summary = "float kernels between quantizers: every runtime computes the same to the bit"},
      {.name = "onnxruntime",
       .summary = "integer kernels of ONNX Runtime on a CPU with VNNI",
       .integer_kernels = true},
      {.name = "onnxruntime-avx2",
       .summary = "integer kernels of ONNX Runtime on any CPU with AVX2: weights of at most 7 bits",
       .integer_kernels = true,
       .largest_level = 64},
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
