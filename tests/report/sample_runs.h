#pragma once

#include <string>
#include <vector>

#include "ompq/report/comparison.h"
#include "ompq/report/html.h"
#include "ompq/report/results.h"

namespace ompq::testing {

/// "layer1.0.conv1", ...: names as a residual network of `count` layers has them.
[[nodiscard]] std::vector<std::string> layer_names(int count);

// Results about one network with layers of the given names. Nothing is measured: every number
// comes from a formula, and every optional part is there.
[[nodiscard]] report::Quantization sample_quantization(const std::vector<std::string>& names);
[[nodiscard]] report::Comparison sample_comparison(const std::vector<std::string>& names);
[[nodiscard]] report::Sweep sample_sweep(const std::vector<std::string>& names);

/// `json` with what not every quantization has: diagnosis, reconstruction, curves, histograms.
[[nodiscard]] std::string with_optional_members(const std::string& json,
                                                const std::vector<std::string>& names);

/// All three as documents, the quantization with the optional members and first.
[[nodiscard]] std::vector<report::RunDocument> sample_documents(
    const std::vector<std::string>& names);

}  // namespace ompq::testing
