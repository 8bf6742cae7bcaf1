#pragma once

#include <string>

#include "ompq/report/diagnosis.h"
#include "ompq/report/diff.h"

namespace ompq::tables {

// Text tables of diagnoses.
/// Layers with their noise, the worst layers, and advice.
[[nodiscard]] std::string diagnosis_text(const report::Diagnosis& diagnosis);
/// The layers of two networks side by side, and where they first diverge.
[[nodiscard]] std::string diff_text(const report::Diff& diff);

}  // namespace ompq::tables
