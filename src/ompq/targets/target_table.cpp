#include "ompq/targets/target_table.h"

namespace ompq::targets {

RowTable<TargetRow>& target_table() {
  static RowTable<TargetRow> table({
      {.name = kDefaultTarget,
       .summary = "float kernels between quantizers: every runtime computes the same to the bit"},
      {.name = "onnxruntime",
       .summary = "integer kernels of ONNX Runtime on a CPU with VNNI",
       .integer_kernels = true},
  });
  return table;
}

const TargetRow& target(std::string_view name) {
  return target_table().get(name, "--target", "target");
}

}  // namespace ompq::targets
