#pragma once

#include <string_view>

namespace ompq::onnx_io {

/// A placeholder string for an attribute that a Graph cannot represent: a type, a list of tensors,
/// the sub-network of an operator other than If, Loop and Scan. The node keeps the attribute's
/// name, so that the operator check can list the node with all others that are not supported; the
/// exporter refuses it.
inline constexpr std::string_view kUnreadAttribute = "<not read>";

}  // namespace ompq::onnx_io
