#include "ompq/graph/shape.h"

#include <fmt/format.h>

namespace ompq::graph {

Shape fixed_shape(const std::vector<std::int64_t>& extents) {
  Shape shape;
  shape.reserve(extents.size());
  for (const std::int64_t extent : extents) shape.push_back(Dim::fixed(extent));
  return shape;
}

std::vector<std::int64_t> extents_at(const Shape& shape, std::int64_t batch) {
  std::vector<std::int64_t> extents;
  extents.reserve(shape.size());
  for (const Dim& dim : shape) extents.push_back(dim.at(batch));
  return extents;
}

std::optional<std::vector<std::int64_t>> fixed_extents(const Shape& shape) {
  for (const Dim& dim : shape) {
    if (!dim.is_fixed()) return std::nullopt;
  }
  return extents_at(shape, 1);
}

std::optional<Dim> element_count(const Shape& shape) {
  Dim product = Dim::fixed(1);
  for (const Dim& dim : shape) {
    if (dim.times_batch && product.times_batch) return std::nullopt;
    product.size *= dim.size;
    product.times_batch = product.times_batch || dim.times_batch;
  }
  return product;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const Dim& dim : shape) {
    if (!text.empty()) text += 'x';
    if (!dim.times_batch) {
      text += fmt::format("{}", dim.size);
    } else {
      text += dim.size == 1 ? "N" : fmt::format("{}N", dim.size);
    }
  }
  return text;
}

}  // namespace ompq::graph
