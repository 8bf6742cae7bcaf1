#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "ompq/report/comparison.h"
#include "ompq/report/diagnosis.h"
#include "ompq/report/results.h"

namespace ompq::report {

using Json = nlohmann::ordered_json;

/// The document's text, two spaces deep, ending in a newline.
[[nodiscard]] std::string text(const Json& json);

/// The start of a document: its format, and what is known of how it came about.
[[nodiscard]] Json document(std::string_view format, const Provenance& provenance);
[[nodiscard]] Json object(const ModelFile& model);
[[nodiscard]] Json object(const SamplesUsed& samples);
[[nodiscard]] Json object(const StepSeconds& seconds);
[[nodiscard]] Json object(const LayerRow& layer);
[[nodiscard]] Json object(const Evaluation& evaluation);
[[nodiscard]] Json object(const ComparisonRow& row);
[[nodiscard]] Json object(const Diagnosis& diagnosis);
[[nodiscard]] Json rows(const std::vector<LayerRow>& layers);
/// Rows of `columns` values each.
[[nodiscard]] Json matrix(const std::vector<double>& values, std::size_t columns);

/// The way back, for journals. @throws nlohmann::json::exception for what `object` did not write.
[[nodiscard]] Evaluation evaluation_from(const Json& json);
[[nodiscard]] ComparisonRow comparison_row_from(const Json& json);

}  // namespace ompq::report
