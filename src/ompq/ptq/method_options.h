#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/reconstruction/block_reconstruction.h"

namespace ompq::ptq {

/// Effort of post-training quantization.
enum class Effort { Fast, Balanced, Best };

/// Steps before and after rounding.
struct Preparation {
  bool equalize = false;          ///< before rounding: cross-layer equalization
  bool analytic_bias = false;     ///< after rounding to nearest: bias correction without data
  bool correct_bias = false;      ///< likewise, with data
  bool reestimate_norms = false;  ///< likewise: norm re-estimation
  [[nodiscard]] bool any() const {
    return equalize || analytic_bias || correct_bias || reestimate_norms;
  }
};
/// --prepare.
[[nodiscard]] Preparation preparation_of(const std::vector<std::string>& steps);
/// The steps' names, "equalize,bias-correction".
[[nodiscard]] std::string option_text(const Preparation& preparation);

/// --effort. @throws InternalError for another name.
[[nodiscard]] Effort effort_of(const std::string& name);
/// --fisher.
[[nodiscard]] reconstruction::ErrorWeight error_weight_of(bool fisher);

struct MethodOptions {
  std::string method = "gptq";  ///< a row of method_table(); the effort's best one is a good one
  Effort effort = Effort::Fast;
  std::optional<std::int64_t> iterations;  ///< instead of the effort's
  std::optional<std::int64_t> epochs;
  /// Augmentation in distillation, a preset of data/augmentation.h.
  std::string augmentation = "light";
  Preparation prepare;
  reconstruction::ErrorWeight weight = reconstruction::ErrorWeight::Plain;
  std::int64_t memory_bytes = 0;  ///< for cached activations, without --memory; 0: default_memory()
  std::filesystem::path cache_directory;
  std::uint64_t seed = 0;
  int threads = 0;
};

template <typename Binder>
void bind_options(Binder& binder, MethodOptions& options) {
  binder.composed("method|effort", options.method);
  binder.bind("effort", options.effort, effort_of);
  binder.bind("iterations", options.iterations);
  binder.bind("epochs", options.epochs);
  binder.bind("augment", options.augmentation);
  binder.bind("prepare", options.prepare, preparation_of);
  binder.bind("fisher", options.weight, error_weight_of);
  binder.bind("seed", options.seed);
  binder.bind("threads", options.threads);
}

}  // namespace ompq::ptq
