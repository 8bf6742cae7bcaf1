#pragma once

#include <string>

#include "ompq/report/comparison.h"
#include "ompq/report/results.h"

namespace ompq::tables {

// Results as text: tables and a few sentences.
[[nodiscard]] std::string inspection_text(const report::Inspection& inspection);
[[nodiscard]] std::string search_text(const report::Search& search);
[[nodiscard]] std::string comparison_text(const report::Comparison& comparison);
[[nodiscard]] std::string sweep_text(const report::Sweep& sweep);
[[nodiscard]] std::string quantization_text(const report::Quantization& quantization);
[[nodiscard]] std::string evaluation_text(const report::Evaluation& evaluation);

}  // namespace ompq::tables
