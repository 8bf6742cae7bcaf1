#pragma once

#include <string>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/search/compare_options.h"
#include "ompq/search/option_facts.h"

/// What the units of a journal depend on, as one hash: the program's version, the network with the
/// extents that it was read with, samples, and every option that can change a result, see
/// option_facts.h.
namespace ompq::search {

[[nodiscard]] Facts facts_of(const pipeline::Model& model);
/// A file's size tells most of those apart that were exchanged under one name.
[[nodiscard]] Facts facts_of(const pipeline::Samples& samples);

/// Names of files may hold bytes that are no UTF-8.
[[nodiscard]] std::string hash_of(const Facts& facts);

/// Of a comparison, without budgets, allocators and the number of random allocations, which name
/// its units.
[[nodiscard]] std::string fingerprint_of(const pipeline::Model& model,
                                         const pipeline::Samples& samples,
                                         const pipeline::Samples& evaluation,
                                         const CompareOptions& options);

}  // namespace ompq::search
