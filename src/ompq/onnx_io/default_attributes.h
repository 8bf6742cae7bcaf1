#pragma once

#include <string_view>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// True for an attribute of a Conv or ConvTranspose that has ONNX's default value: one group,
/// strides and dilations of 1, no padding, the kernel_shape of the constant weight. Exporters write
/// all of them, up to a hundred bytes per layer.
[[nodiscard]] bool is_default_attribute(const graph::Graph& graph,
                                        const graph::Node& node,
                                        std::string_view name);

}  // namespace ompq::onnx_io
