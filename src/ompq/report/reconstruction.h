#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

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
  std::string step;
  std::string name;
  std::int64_t iterations = 0;
  double seconds = 0;
  double loss_before = 0;
  double loss_after = 0;
  double snr_before_db = 0;
  double snr_after_db = 0;
  bool kept_initial = false;
};

template <typename Visitor, fields::Of<ReconstructedBlock> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("ReconstructedBlock", "One layer or block that a step worked on.");
  v("step", s.step, "compensation or learning");
  v("name", s.name, "");
  v("iterations", s.iterations, "", fields::kCount);
  v("seconds", s.seconds, "", fields::kCount);
  v("loss_before", s.loss_before, "squared error of its output over the output's energy");
  v("loss_after", s.loss_after, "");
  v("snr_before_db", s.snr_before_db, "");
  v("snr_after_db", s.snr_after_db, "");
  v("kept_initial", s.kept_initial, "what it started from was better");
}

/// Tuning of the network as a whole.
struct DistilledNetwork {
  std::int64_t steps = 0;
  double seconds = 0;
  double loss_before = 0;
  double loss_after = 0;
  bool kept_initial = false;
};

template <typename Visitor, fields::Of<DistilledNetwork> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("DistilledNetwork", "Tuning of the network as a whole.");
  v("steps", s.steps, "", fields::kCount);
  v("seconds", s.seconds, "", fields::kCount);
  v("loss_before", s.loss_before, "on held-out samples");
  v("loss_after", s.loss_after, "");
  v("kept_initial", s.kept_initial, "what it started from was better");
}

/// Bias correction and norm re-estimation, which mend each layer by itself: seldom, where a layer's
/// error is a factor rather than a shift, the network as a whole is further off with them.
struct RestoredNetwork {
  double snr_before_db = 0;
  double snr_after_db = 0;
  bool kept_initial = false;
};

template <typename Visitor, fields::Of<RestoredNetwork> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("RestoredNetwork", "Bias correction and norm re-estimation.");
  v("snr_before_db", s.snr_before_db, "of the outputs, on the calibration samples");
  v("snr_after_db", s.snr_after_db, "");
  v("kept_initial", s.kept_initial, "the network was better without them");
}

/// How weights became codes.
struct Reconstruction {
  std::string method;
  std::string effort;
  std::int64_t samples = 0;
  std::vector<ReconstructedBlock> blocks;
  std::optional<RestoredNetwork> restoration;
  std::optional<DistilledNetwork> distillation;
};

template <typename Visitor, fields::Of<Reconstruction> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Reconstruction", "How weights became codes.");
  v("method", s.method, "");
  v("effort", s.effort, "");
  v("samples", s.samples, "", fields::kCount);
  v("blocks", s.blocks, "");
  v("restoration", s.restoration, "");
  v("distillation", s.distillation, "");
}

}  // namespace ompq::report
