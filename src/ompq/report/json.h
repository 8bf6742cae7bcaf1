#pragma once

#include <string>

#include "ompq/report/comparison.h"
#include "ompq/report/diff.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// JSON documents, two spaces deep, ending in a newline. Numbers that are not there are left out.
[[nodiscard]] std::string to_json(const Inspection& inspection);
[[nodiscard]] std::string to_json(const Search& search);
[[nodiscard]] std::string to_json(const Quantization& quantization);
[[nodiscard]] std::string to_json(const LatencyTemplate& table);
[[nodiscard]] std::string to_json(const ModelFile& model,
                                  const SamplesUsed& samples,
                                  const Evaluation& evaluation);
/// As that of quantize, with the epochs.
[[nodiscard]] std::string to_json(const Finetuning& finetuning);
[[nodiscard]] std::string to_json(const Comparison& comparison);
[[nodiscard]] std::string to_json(const Sweep& sweep);
/// Format "ompq-diff/1".
[[nodiscard]] std::string to_json(const Diff& diff);

}  // namespace ompq::report
