#pragma once

#include <optional>
#include <string>

#include "ompq/report/results.h"

namespace ompq::tables {

// Texts shared by several tables.
/// "93.71 %", or "-".
[[nodiscard]] std::string percent(const std::optional<double>& share);
/// "measurement 1.2 s, allocation 0.1 s".
[[nodiscard]] std::string seconds_text(const report::StepSeconds& steps);
/// "64 samples of images (train), 2 broken ones skipped".
[[nodiscard]] std::string samples_text(const report::SamplesUsed& samples);

/// For an AllocationRow or a ComparisonRow: false if the allocator has no solution.
[[nodiscard]] bool is_answer(const auto& row) { return row.refused.empty(); }

}  // namespace ompq::tables
