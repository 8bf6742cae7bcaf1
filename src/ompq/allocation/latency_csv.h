#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/latency_table.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// Reads CSV with the header `layer,weight_bits,activation_bits,microseconds`; widths are 1..8 or
/// `float`, names with commas or quotes are quoted as in RFC 4180, empty lines are skipped.
/// @throws DataError listing, with line numbers, everything that is wrong: unknown layers (with the
/// nearest real name), repeated rows, widths and times that are none, times that are negative or
/// not finite.
[[nodiscard]] LatencyTable parse_latency_table(std::string_view csv,
                                               std::span<const LayerCost> layers);
/// @throws FileError if the file cannot be read; DataError as parse_latency_table.
[[nodiscard]] LatencyTable read_latency_table(const std::filesystem::path& path,
                                              std::span<const LayerCost> layers);

/// @throws DataError listing every layer and pair of widths that `request` may choose and its
/// table lacks.
void require_latencies(const AllocationRequest& request);

/// The CSV with one row for every layer and pair of widths that `request` may choose, and empty
/// times to be filled in; or with the times of `request.latency` where it has them.
[[nodiscard]] std::string latency_template(const AllocationRequest& request);

}  // namespace ompq::allocation
