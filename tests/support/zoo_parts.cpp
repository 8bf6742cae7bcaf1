#include "support/zoo_parts.h"

#include <algorithm>

namespace ompq::testing::zoo {

using graph::Dim;
using graph::ValueId;

std::int64_t scaled(std::int64_t channels, const Options& options) {
  const double wanted = static_cast<double>(channels) * options.width;
  const auto rounded = std::max<std::int64_t>(8, static_cast<std::int64_t>(wanted + 4.0) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

ValueId image(GraphBuilder& b, const Options& options) {
  return b.input("input",
                 {Dim::batch(),
                  Dim::fixed(3),
                  Dim::fixed(options.image_size),
                  Dim::fixed(options.image_size)});
}

ValueId classifier(GraphBuilder& b, const std::string& name, ValueId x, const Options& options) {
  return b.gemm(name, b.flatten("flatten", b.global_average_pool("avgpool", x)), options.classes);
}

}  // namespace ompq::testing::zoo
