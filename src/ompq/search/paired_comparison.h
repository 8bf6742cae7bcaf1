#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/report/comparison.h"

namespace ompq::search {

/// What a network gets right, by sample; empty where that is unknown.
struct Hits {
  std::vector<bool> correct;
  std::vector<bool> agrees;  ///< with the float network's class
};

[[nodiscard]] Hits hits_of(const pipeline::EvaluateOutcome& outcome);

/// '1' for a hit, '0' for none, by sample.
[[nodiscard]] std::string text_of_hits(const std::vector<bool>& hits);
/// @throws DataError unless `text` is of so many samples, with this share of hits; if there is no
/// share, it must be empty.
[[nodiscard]] std::vector<bool> hits_from_text(const std::string& text,
                                               std::int64_t samples,
                                               const std::optional<double>& share);

/// Fills in the differences between each allocator and the first one, with intervals, and the means
/// over the budgets.
/// @param hits  of the rows of `comparison`, in the same order.
void add_differences(report::Comparison& comparison, const std::vector<Hits>& hits);

}  // namespace ompq::search
