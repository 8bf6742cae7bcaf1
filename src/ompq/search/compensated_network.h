#pragma once

#include <cstdint>
#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/rounding/gptq.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// A network whose weights are rounded with error compensation.
/// @param initial  codes to start from, rounded to nearest.
/// @param samples  of `dataset`, which the errors are compensated on.
[[nodiscard]] pipeline::QuantizedNetwork compensated_network(
    const pipeline::Model& model,
    const std::vector<int>& weight_bits,
    rounding::NetworkCodes initial,
    data::Dataset& dataset,
    const std::vector<std::int64_t>& samples,
    const rounding::GptqOptions& gptq,
    const SearchOptions& options);

}  // namespace ompq::search
