#pragma once

#include <string>

#include "ompq/report/diagnosis.h"
#include "ompq/report/diff.h"

namespace ompq::tables {

// Where a network loses its signal, as people read it.
/// Layers with the noise they see and add, the worst of them, and what to do.
[[nodiscard]] std::string diagnosis_text(const report::Diagnosis& diagnosis);
/// Layers of two networks next to each other, and where they part.
[[nodiscard]] std::string diff_text(const report::Diff& diff);

}  // namespace ompq::tables
