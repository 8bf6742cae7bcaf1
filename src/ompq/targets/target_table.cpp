#include "ompq/targets/target_table.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

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
  if (const TargetRow* row = target_table().find(name)) return *row;
  std::vector<std::string_view> names;
  for (const TargetRow& row : target_table().rows()) names.push_back(row.name);
  throw ConfigError("--target",
                    fmt::format("unknown target '{}'; the targets are {}; did you mean '{}'?",
                                name,
                                fmt::join(names, ", "),
                                nearest_name(name, names)));
}

}  // namespace ompq::targets
