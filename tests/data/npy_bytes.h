#pragma once

#include <cstdint>
#include <string>

#include "ompq/data/byte_order.h"

namespace ompq::data::testing {

/// .npy bytes, version 1, with any header.
inline std::string npy_bytes(const std::string& header, const std::string& data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  append_little_endian(bytes, static_cast<std::uint16_t>(header.size()));
  return bytes + header + data;
}

}  // namespace ompq::data::testing
