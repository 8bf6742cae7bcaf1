#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw InternalError("sha256", "libcrypto cannot compute it");
  }
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace ompq
