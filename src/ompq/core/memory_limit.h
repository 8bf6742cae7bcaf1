#pragma once

#include <cstdint>
#include <string>

namespace ompq {

/// Files come from strangers, and a few bytes can declare any size. What a file makes ompq allocate
/// is therefore at most this many times its own bytes, or memory_limit() if that is more: a folded
/// constant, an unpacked member of an archive, the pixels of an image.
inline constexpr std::int64_t kMemoryPerFileByte = 32;
inline constexpr std::int64_t kDefaultMemoryLimit = std::int64_t{256} << 20;

/// The limit for a small file: kDefaultMemoryLimit, or more during the lifetime of a MemoryLimit.
[[nodiscard]] std::int64_t memory_limit();

/// What a file of `file_bytes` may declare.
[[nodiscard]] std::int64_t allowed_bytes(std::int64_t file_bytes);

/// "needs 4.00 GiB, more than the limit of 256 MiB for an input of 312 B; give --memory 5GiB". The
/// way out is the option where the command has it, and otherwise `instead`.
[[nodiscard]] std::string over_memory_limit(std::int64_t needed,
                                            std::int64_t file_bytes,
                                            const std::string& instead);

/// a + b and a * b of numbers that are not negative; INT64_MAX if it is more than that.
[[nodiscard]] std::int64_t saturated_sum(std::int64_t a, std::int64_t b);
[[nodiscard]] std::int64_t saturated_product(std::int64_t a, std::int64_t b);

/// Sets the limit of the whole process during its lifetime, since worker threads decode files too.
class MemoryLimit {
 public:
  /// @param given  bytes of --memory, 0 without it. The limit is never less than the default.
  /// @param has_option  the command has --memory, so that messages may name it.
  MemoryLimit(std::int64_t given, bool has_option);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::int64_t limit_before_;
  bool option_before_;
};

}  // namespace ompq
