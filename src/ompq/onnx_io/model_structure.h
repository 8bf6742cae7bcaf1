#pragma once

#include <string_view>

#include "ompq/onnx_io/model_place.h"

namespace ompq::onnx_io {

/// Longer names are of no exporter, and each is copied some twenty times.
inline constexpr std::size_t kMaxNameBytes = 64 << 10;

/// Approximate bytes that ompq needs, in all its copies of a network, for a node, for any message
/// of the file (an attribute, a tensor, an extent), and for a byte of text.
inline constexpr std::int64_t kBytesPerNode = 2048;
inline constexpr std::int64_t kBytesPerMessage = 128;
inline constexpr std::int64_t kBytesPerTextByte = 16;

/// Counts the messages of a serialized model before it is parsed: a message of two bytes in the
/// file takes hundreds in memory.
/// @throws ImportError if they need more memory than the file may take, or a name is too long.
void check_structure(std::string_view bytes, const ModelPlace& place);

}  // namespace ompq::onnx_io
