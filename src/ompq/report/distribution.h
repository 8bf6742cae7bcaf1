#pragma once

#include <string>
#include <vector>

namespace ompq::report {

/// How often the values of a layer's weight or input occur, and what its quantizer covers of them.
struct Distribution {
  std::string layer;
  std::string kind;           ///< weight, activation
  std::vector<double> edges;  ///< of the bins, ascending; one more than there are bins
  std::vector<double> counts;
  /// The quantizer's range; for a weight that of its widest channel.
  double low = 0;
  double high = 0;
};

}  // namespace ompq::report
