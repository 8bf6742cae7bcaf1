#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ompq::report {

/// What rounding with a method will about take.
struct MethodCost {
  std::string method;
  std::int64_t samples = 0;
  double seconds = 0;
  double search_seconds = 0;      ///< of the search before it, at most; 0: there is none
  std::int64_t memory_bytes = 0;  ///< of cached activations; what is beyond lies in a file
};

/// One layer or block that a step worked on.
struct ReconstructedBlock {
  std::string step;  ///< compensation, learning
  std::string name;
  std::int64_t iterations = 0;
  double seconds = 0;
  double loss_before = 0;  ///< squared error of its output over the output's energy
  double loss_after = 0;
  double snr_before_db = 0;
  double snr_after_db = 0;
  bool kept_initial = false;
};

/// Tuning of the network as a whole.
struct DistilledNetwork {
  std::int64_t steps = 0;
  double seconds = 0;
  double loss_before = 0;  ///< on samples that it did not learn from
  double loss_after = 0;
  bool kept_initial = false;
};

/// Bias correction and norm re-estimation, which mend each layer by itself: seldom, where a layer's
/// error is a factor rather than a shift, the network as a whole is further off with them.
struct RestoredNetwork {
  double snr_before_db = 0;  ///< of the outputs, on the calibration samples
  double snr_after_db = 0;
  bool kept_initial = false;
};

/// How weights became codes.
struct Reconstruction {
  std::string method;
  std::string effort;
  std::int64_t samples = 0;
  std::vector<ReconstructedBlock> blocks;
  std::optional<RestoredNetwork> restoration;
  std::optional<DistilledNetwork> distillation;
};

}  // namespace ompq::report
