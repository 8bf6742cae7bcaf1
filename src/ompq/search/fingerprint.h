#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/search/compare_options.h"

/// What the units of a journal depend on, as one hash: the program's version, the network with the
/// extents that it was read with, samples, and every option that can change a result, numbers to
/// the last bit. What only says where or how fast (threads, memory, names of files) is left out.
namespace ompq::search {

/// Texts are told apart by their quotes, and numbers are written with all of their digits.
using Facts = nlohmann::ordered_json;

template <typename T>
Facts optional_fact(const std::optional<T>& value) {
  return value ? Facts(*value) : Facts(nullptr);
}

[[nodiscard]] Facts facts_of(const pipeline::Model& model);
/// A file's size tells most of those apart that were exchanged under one name.
[[nodiscard]] Facts facts_of(const pipeline::Samples& samples);
/// Without the budget.
[[nodiscard]] Facts facts_of(const SearchOptions& search);
[[nodiscard]] Facts facts_of(const rounding::CalibrationOptions& calibration);

/// Names of files may hold bytes that are no UTF-8.
[[nodiscard]] std::string hash_of(const Facts& facts);

/// Of a comparison, without budgets, allocators and the number of random allocations, which name
/// its units.
[[nodiscard]] std::string fingerprint_of(const pipeline::Model& model,
                                         const pipeline::Samples& samples,
                                         const pipeline::Samples& evaluation,
                                         const CompareOptions& options);

}  // namespace ompq::search
