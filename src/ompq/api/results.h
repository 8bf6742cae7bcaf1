#pragma once

#include <vector>

#include "ompq/compare.h"
#include "ompq/evaluate.h"
#include "ompq/finetune.h"
#include "ompq/load.h"
#include "ompq/quantize.h"
#include "ompq/report/comparison.h"
#include "ompq/report/diff.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"
#include "ompq/search.h"

namespace ompq::api {

// The results of the rooms as those of the public headers, without the JSON.

[[nodiscard]] Model public_result(const report::Inspection& inspection);
[[nodiscard]] std::vector<Layer> public_result(const std::vector<report::LayerRow>& layers);
[[nodiscard]] Search public_result(const report::Search& search);
[[nodiscard]] Evaluation public_result(const report::Evaluation& evaluation);
[[nodiscard]] Quantization public_result(const report::Quantization& quantization);
[[nodiscard]] Epoch public_result(const report::EpochRecord& epoch);
[[nodiscard]] Finetuning public_result(const report::Finetuning& finetuning);
[[nodiscard]] Comparison public_result(const report::Comparison& comparison);
[[nodiscard]] Sweep public_result(const report::Sweep& sweep);
[[nodiscard]] Diff public_result(const report::Diff& diff);

}  // namespace ompq::api
