#pragma once

#include <string>
#include <vector>

#include "ompq/report/comparison.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/html.h"
#include "ompq/report/results.h"

namespace ompq::testing {

/// "layer1.0.conv1", ...: names as a residual network of `count` layers has them.
[[nodiscard]] std::vector<std::string> layer_names(int count);

// Results about one network with layers of the given names. Nothing is measured: every number
// comes from a formula, and every part is there that all results have.
[[nodiscard]] report::Quantization sample_quantization(const std::vector<std::string>& names);
[[nodiscard]] report::Comparison sample_comparison(const std::vector<std::string>& names);
[[nodiscard]] report::Sweep sample_sweep(const std::vector<std::string>& names);

[[nodiscard]] report::Finetuning sample_finetuning(const std::vector<std::string>& names);

/// A quantization with diagnosis, reconstruction and histograms, a comparison and a sweep.
[[nodiscard]] std::vector<report::RunDocument> sample_documents(
    const std::vector<std::string>& names);

}  // namespace ompq::testing
