#pragma once

#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// Histogram of a layer's weight or input, and the range of its quantizer.
struct Histogram {
  std::string layer;
  std::string kind;
  std::vector<double> edges;
  std::vector<double> counts;
  double low = 0;
  double high = 0;
};

template <typename Visitor, fields::Of<Histogram> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Histogram", "Histogram of a layer's values, and the range of its quantizer.");
  v("layer", s.layer, "");
  v("kind", s.kind, "weight or activation");
  v("edges", s.edges, "bin edges, ascending; one more than there are bins");
  v("counts", s.counts, "", fields::kCount);
  v("low", s.low, "lower end of the quantizer's range; for a weight, that of its widest channel");
  v("high", s.high, "");
}

}  // namespace ompq::report
