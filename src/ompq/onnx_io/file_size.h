#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "ompq/core/bit_width.h"
#include "ompq/graph/graph.h"
#include "ompq/quant/quant_params.h"

namespace ompq::onnx_io {

/// All that the size of a packed weight depends on.
struct WeightPlan {
  BitWidth bits{8};
  quant::Symmetry symmetry = quant::Symmetry::Symmetric;
  quant::Granularity granularity = quant::Granularity::along(0);
};

/// By the name of the constant.
using WeightPlans = std::map<std::string, WeightPlan>;

/// The size in bytes of the packed file that export_onnx would write, exactly, without quantizing
/// anything. Takes as long as copying the file.
/// @throws ConfigError for a name that is no constant of the graph, or an axis that it lacks.
[[nodiscard]] std::int64_t predict_file_bytes(const graph::Graph& graph, const WeightPlans& plans);

/// The same as a sum, for solvers. fixed_bytes + the chosen weight_bytes is never below
/// predict_file_bytes, and above it only by constants that weights share and that turn out not to
/// be needed: at most 11 + 4 b bytes for each candidate width b that no weight has, 40 for each
/// weight of 8 bits (which needs no shape), and 80 in all.
struct FileCosts {
  std::int64_t fixed_bytes = 0;
  /// By name, then by width; 0 for widths that are no candidates.
  std::map<std::string, std::array<std::int64_t, kMaxBits + 1>> weight_bytes;
};

/// @param plans the weights that the solver decides over; their bits are not looked at.
[[nodiscard]] FileCosts file_costs(const graph::Graph& graph,
                                   const WeightPlans& plans,
                                   std::span<const BitWidth> candidates);

}  // namespace ompq::onnx_io
