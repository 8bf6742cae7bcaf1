#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ompq/core/tensor.h"

namespace ompq::orm {

/// Dot products of rows for one tile: the inner loop of gram().
struct GramKernel {
  /// The number of columns is a multiple of this; the caller pads with zeros.
  static constexpr std::int64_t kColumnStep = 32;
  static constexpr int kMaxTile = 4;

  std::string_view name;
  DataType type = DataType::Float32;
  int tile_rows = 0;  ///< rows `a` points at; a multiple of tile_cols
  int tile_cols = 0;  ///< rows `b` points at
  /// out[r * tile_cols + c] = sum over columns of a[r] * b[c].
  void (*dot_tile)(const void* const* a, const void* const* b, std::int64_t cols, double* out);
  bool (*supported)();  ///< true if this processor can run it
};

/// All kernels, the fastest of each type first; the last one of each type runs on every processor.
[[nodiscard]] std::span<const GramKernel> gram_kernels();
/// The fastest kernel for `type` on this processor. @throws ShapeError for a type without one.
[[nodiscard]] const GramKernel& best_gram_kernel(DataType type);

}  // namespace ompq::orm
