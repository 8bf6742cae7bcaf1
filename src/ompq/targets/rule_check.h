#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/targets/target_table.h"

namespace ompq::targets {

/// A place in a file that breaks a rule of its target.
struct Violation {
  std::string place;   ///< "Conv 'layer1.conv1'"
  std::string rule;    ///< name of the rule
  std::string values;  ///< what is there, and what must be
};

/// A rule of some targets.
struct Rule {
  std::string_view name;
  std::string_view text;  ///< what must hold
  bool (*applies)(const TargetRow& target) = nullptr;
};

/// All rules.
[[nodiscard]] std::span<const Rule> target_rules();

/// Every violation of the target's rules in a file.
/// @param file  nodes as in the file, with quantizers. Operands of quantizers that nodes compute
/// from constants are constants, and still have these nodes as producers.
[[nodiscard]] std::vector<Violation> check_rules(const graph::Graph& file, const TargetRow& target);

}  // namespace ompq::targets
