#pragma once

#include <filesystem>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/targets/rule_check.h"

namespace ompq::pipeline {

/// The nodes of a file for targets::check_rules(): operands of quantizers that nodes compute from
/// constants are also constants.
/// @throws as onnx_io::import_onnx.
[[nodiscard]] graph::Graph graph_for_rules(const std::filesystem::path& file);

/// Every violation of the target's rules in a file.
[[nodiscard]] std::vector<targets::Violation> rule_violations(const std::filesystem::path& file,
                                                              const targets::TargetRow& target);

}  // namespace ompq::pipeline
