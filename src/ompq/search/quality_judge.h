#pragma once

#include <functional>

#include "ompq/allocation/allocation_file.h"

namespace ompq::search {

/// Judges networks by a number of the user's, of which more is better.
struct QualityJudge {
  double float_quality = 0;
  /// The quality of the network with these widths; empty: nothing is judged.
  std::function<double(const allocation::AllocationFile&)> quality_of = {};
};

}  // namespace ompq::search
