#include "ompq/onnx_io/weight_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::onnx_io {
namespace {

/// Operators for which an infinite constant is valid, meaning "no limit" or "masked".
constexpr std::array<std::string_view, 14> kMaskReaders{"Add",
                                                        "Sub",
                                                        "Where",
                                                        "Min",
                                                        "Max",
                                                        "Clip",
                                                        "Pad",
                                                        "Expand",
                                                        "Slice",
                                                        "Concat",
                                                        "Equal",
                                                        "Less",
                                                        "Greater",
                                                        "Trilu"};

bool may_be_infinite(const graph::Graph& graph, graph::ValueId id) {
  if (graph.value(id).constant->elements() == 1) return true;
  const auto readers = graph.consumers(id);
  return std::all_of(readers.begin(), readers.end(), [&](graph::NodeId reader) {
    const std::string& type = graph.node(reader).op_type;
    return std::find(kMaskReaders.begin(), kMaskReaders.end(), type) != kMaskReaders.end();
  });
}

/// "3,0,17" for a flat index.
std::string index_text(std::int64_t flat, const std::vector<std::int64_t>& shape) {
  std::string text;
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
    const std::string part = fmt::format("{}", flat % *extent);
    text = text.empty() ? part : part + "," + text;
    flat /= *extent;
  }
  return text;
}

template <typename Float>
void check_elements(const graph::Graph& graph, graph::ValueId id, const ModelPlace& place) {
  const graph::Value& value = graph.value(id);
  const auto elements = value.constant->data<Float>();
  const auto bad = std::find_if_not(
      elements.begin(), elements.end(), [](Float element) { return std::isfinite(element); });
  if (bad == elements.end()) return;
  const bool infinity_is_fine = may_be_infinite(graph, id);
  const auto refused =
      infinity_is_fine
          ? std::find_if(bad, elements.end(), [](Float element) { return std::isnan(element); })
          : bad;
  if (refused == elements.end()) return;
  throw ImportError(place.name,
                    fmt::format("constant '{}' of shape {} has {} at index [{}]; the weights are "
                                "damaged or their training diverged",
                                value.name,
                                shape_text(value.constant->shape()),
                                std::isnan(*refused) ? "NaN" : "infinity",
                                index_text(refused - elements.begin(), value.constant->shape())));
}

}  // namespace

void check_weights(const graph::Graph& graph, const ModelPlace& place) {
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const auto id = static_cast<graph::ValueId>(i);
    if (!graph.is_constant(id)) continue;
    const DataType type = graph.value(id).constant->type();
    if (type == DataType::Float32) check_elements<float>(graph, id, place);
    if (type == DataType::Float64) check_elements<double>(graph, id, place);
  }
}

}  // namespace ompq::onnx_io
