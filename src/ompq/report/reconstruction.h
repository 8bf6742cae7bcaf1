#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// The estimated cost of rounding with a method.
struct MethodCost {
  std::string method;
  std::int64_t samples = 0;
  double seconds = 0;
  double search_seconds = 0;      ///< upper limit of the search before it; 0: none
  std::int64_t memory_bytes = 0;  ///< of cached activations
};

/// One layer or block of a step.
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
  v.type("ReconstructedBlock", "One layer or block that a step processed.");
  v("step", s.step, "compensation or learning");
  v("name", s.name, "");
  v("iterations", s.iterations, "", fields::kCount);
  v("seconds", s.seconds, "", fields::kCount);
  v("loss_before", s.loss_before, "squared error of its output / energy of the output");
  v("loss_after", s.loss_after, "");
  v("snr_before_db", s.snr_before_db, "");
  v("snr_after_db", s.snr_after_db, "");
  v("kept_initial", s.kept_initial, "the initial state was better and was kept");
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
  v.type("DistilledNetwork", "Distillation of the whole network.");
  v("steps", s.steps, "", fields::kCount);
  v("seconds", s.seconds, "", fields::kCount);
  v("loss_before", s.loss_before, "loss on held-out samples");
  v("loss_after", s.loss_after, "");
  v("kept_initial", s.kept_initial, "the initial state was better and was kept");
}

/// Bias correction and norm re-estimation, which correct each layer separately. In rare cases, if a
/// layer's error is a factor rather than a shift, they make the whole network worse.
struct RestoredNetwork {
  double snr_before_db = 0;
  double snr_after_db = 0;
  bool kept_initial = false;
};

template <typename Visitor, fields::Of<RestoredNetwork> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("RestoredNetwork", "Bias correction and norm re-estimation.");
  v("snr_before_db", s.snr_before_db, "SNR of the outputs on the calibration samples");
  v("snr_after_db", s.snr_after_db, "");
  v("kept_initial", s.kept_initial, "the network was better without them");
}

/// How weights were rounded.
struct Reconstruction {
  std::string method;
  std::string effort;
  std::int64_t samples = 0;
  std::string unit;
  std::vector<ReconstructedBlock> blocks;
  std::optional<RestoredNetwork> restoration;
  std::optional<DistilledNetwork> distillation;
  std::int64_t cache_file_bytes = 0;
};

template <typename Visitor, fields::Of<Reconstruction> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Reconstruction", "How weights were rounded.");
  v("method", s.method, "");
  v("effort", s.effort, "");
  v("samples", s.samples, "", fields::kCount);
  v("unit", s.unit, "what was rounded at a time: layer or block", fields::kOmitEmpty);
  v("blocks", s.blocks, "one per layer or block");
  v("restoration", s.restoration, "");
  v("distillation", s.distillation, "");
  v("cache_file_bytes",
    s.cache_file_bytes,
    "maximum size of the activations in temporary files, which did not fit into memory",
    fields::kOmitEmpty);
}

}  // namespace ompq::report
