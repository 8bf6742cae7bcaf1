#pragma once

#include <cstdint>
#include <optional>

namespace ompq {

/// The memory that --memory gives to a run, for the whole process, during this object's lifetime.
/// The network's weights are taken from it first. The rest is divided into equal parts: activations
/// of one forward pass, cached activations, and decoded samples. Each part is a limit for whoever
/// allocates: fewer samples per pass, caches in files, samples decoded again. From then on, the
/// process returns freed memory to the system.
class MemoryBudget {
 public:
  /// @param bytes  0: no limit.
  /// @param weight_copies  how often the command holds the float weights, at most.
  MemoryBudget(std::int64_t bytes, int weight_copies);
  ~MemoryBudget();
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

 private:
  std::int64_t given_before_;
  std::int64_t weights_before_;
  int copies_before_;
};

/// While a file is imported: its bytes, the parsed message and the network.
inline constexpr int kCopiesWhileLoading = 3;
/// Of commands that search and round: the network, two executors with the kernels' layout, codes of
/// all widths (one byte each), and the file that is written.
inline constexpr int kCopiesWhileRounding = 6;

/// Number of equal parts of what the weights leave.
inline constexpr std::int64_t kMemoryParts = 3;

/// Bytes of --memory; nullopt without a limit.
[[nodiscard]] std::optional<std::int64_t> given_memory();
/// As given to MemoryBudget; kCopiesWhileLoading without one.
[[nodiscard]] int weight_copies();
/// Takes `bytes` for the weights of a network and their copies, in addition to earlier networks.
/// @return the bytes of all networks.
std::int64_t add_weight_memory(std::int64_t bytes);
/// One of the equal parts, at least 0; nullopt without a limit.
[[nodiscard]] std::optional<std::int64_t> memory_part();

}  // namespace ompq
