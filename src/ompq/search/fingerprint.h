#pragma once

#include <string>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/search/compare_options.h"
#include "ompq/search/option_facts.h"

/// A hash of everything that the units of a journal depend on: the program's version, the network
/// with its input extents, samples, and every option that can change a result, see option_facts.h.
namespace ompq::search {

[[nodiscard]] Facts facts_of(const pipeline::Model& model);
/// Names, sizes and times of change of the files detect most that were replaced under the same
/// name.
[[nodiscard]] Facts facts_of(const pipeline::Samples& samples);

/// File names may have bytes that are not UTF-8.
[[nodiscard]] std::string hash_of(const Facts& facts);

/// Of ompq and of the libraries whose kernels run networks.
[[nodiscard]] std::string versions();

/// The fingerprint of a comparison, without budgets, allocators and the number of random
/// allocations, which are in the units' names.
[[nodiscard]] std::string fingerprint_of(const pipeline::Model& model,
                                         const pipeline::Samples& samples,
                                         const pipeline::Samples& evaluation,
                                         const CompareOptions& options);

}  // namespace ompq::search
