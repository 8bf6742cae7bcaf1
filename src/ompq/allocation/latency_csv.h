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
/// `float`, names with commas or quotes are quoted as in RFC 4180, control characters in them are
/// escaped as display_text() does, empty lines are skipped.
/// @throws DataError listing all errors with line numbers: unknown layers (with the nearest name),
/// repeated rows, invalid widths and times, times that are negative or not finite.
[[nodiscard]] LatencyTable parse_latency_table(std::string_view csv,
                                               std::span<const LayerCost> layers);
/// @throws FileError if the file cannot be read; DataError as parse_latency_table.
[[nodiscard]] LatencyTable read_latency_table(const std::filesystem::path& path,
                                              std::span<const LayerCost> layers);

/// @throws DataError listing every layer and pair of widths that may be chosen in `request` but is
/// missing in its table.
void require_latencies(const AllocationRequest& request);

/// A CSV with one row for every layer and pair of widths that may be chosen in `request`, with the
/// times of `request.latency` if it has them, else with empty times to be filled in.
[[nodiscard]] std::string latency_template(const AllocationRequest& request);

}  // namespace ompq::allocation
