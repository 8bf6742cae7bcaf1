#pragma once

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/data/decode_image.h"

namespace ompq::data::testing {

inline std::string decode_error(const std::string& bytes) {
  try {
    (void)decode_image(bytes, "photo");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

inline void expect_every_cut_is_refused(const std::string& bytes,
                                        std::size_t min,
                                        std::size_t max) {
  for (std::size_t kept = min; kept < max; kept += 1 + bytes.size() / 61) {
    EXPECT_NE(decode_error(bytes.substr(0, kept)), "no error")
        << kept << " of " << bytes.size() << " bytes";
  }
  EXPECT_EQ(decode_error(bytes), "no error");
}

/// Damaged bytes are decoded or refused, and nothing outside of them is read.
inline void flip_every_byte(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      (void)decode_error(damaged);
    }
  }
}

}  // namespace ompq::data::testing
