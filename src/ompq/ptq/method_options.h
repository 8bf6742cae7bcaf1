#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "ompq/reconstruction/block_reconstruction.h"

namespace ompq::ptq {

/// How much work post-training quantization may be.
enum class Effort { Fast, Balanced, Best };

/// What is done around the rounding itself.
struct Preparation {
  bool equalize = false;          ///< before it: cross-layer equalization
  bool analytic_bias = false;     ///< after rounding to nearest: bias correction without data
  bool correct_bias = false;      ///< likewise, with data
  bool reestimate_norms = false;  ///< likewise: norm re-estimation
  [[nodiscard]] bool any() const {
    return equalize || analytic_bias || correct_bias || reestimate_norms;
  }
};

struct MethodOptions {
  std::string method = "nearest";
  Effort effort = Effort::Fast;
  std::optional<std::int64_t> iterations;  ///< instead of the effort's
  std::optional<std::int64_t> epochs;
  /// How distillation varies images, a preset of data/augmentation.h.
  std::string augmentation = "light";
  Preparation prepare;
  reconstruction::ErrorWeight weight = reconstruction::ErrorWeight::Plain;
  std::int64_t memory_bytes = 0;  ///< of cached activations; 0: rounding::default_memory()
  std::filesystem::path cache_directory;
  std::uint64_t seed = 0;
  int threads = 0;
};

}  // namespace ompq::ptq
