#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ompq::graph {

/// One extent: a number, or an integer multiple of the batch size N, which is only known at run
/// time.
struct Dim {
  std::int64_t size = 0;     ///< the extent, or the factor before N
  bool times_batch = false;  ///< true: the extent is size x N

  static Dim fixed(std::int64_t size) { return {size, false}; }
  static Dim batch(std::int64_t factor = 1) { return {factor, true}; }
  [[nodiscard]] bool is_fixed() const { return !times_batch; }
  /// The extent for batch size `n`.
  [[nodiscard]] std::int64_t at(std::int64_t n) const { return times_batch ? size * n : size; }
  bool operator==(const Dim&) const = default;
};

/// Extents of a value; the rank is always known, the batch may be open.
using Shape = std::vector<Dim>;

[[nodiscard]] Shape fixed_shape(const std::vector<std::int64_t>& extents);
[[nodiscard]] std::vector<std::int64_t> extents_at(const Shape& shape, std::int64_t batch);
/// The extents if none depends on the batch.
[[nodiscard]] std::optional<std::vector<std::int64_t>> fixed_extents(const Shape& shape);
/// Product of all extents as a Dim; nullopt if N appears twice.
[[nodiscard]] std::optional<Dim> element_count(const Shape& shape);
/// "Nx3x224x224".
[[nodiscard]] std::string to_string(const Shape& shape);

}  // namespace ompq::graph
