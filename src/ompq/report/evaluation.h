#pragma once

#include <cstdint>
#include <optional>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// Accuracy of a network, or its fidelity to another one.
struct Evaluation {
  std::int64_t samples = 0;
  std::int64_t skipped = 0;
  std::int64_t classes = 0;  ///< 0 if the first output is not class scores
  std::optional<double> top1;
  std::optional<double> top5;
  std::optional<double> cross_entropy;
  std::optional<double> agreement;
  std::optional<double> divergence;
  std::optional<double> snr_db;
  std::optional<double> quality;
  double seconds = 0;
};

template <typename Visitor, fields::Of<Evaluation> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Evaluation", "Accuracy of a network, or its fidelity to a reference network.");
  v("samples", s.samples, "", fields::kCount);
  v("skipped", s.skipped, "unreadable samples that were skipped", fields::kOmitZero);
  v("classes", s.classes, "only if the first output is a row of class scores", fields::kOmitZero);
  v("top1",
    s.top1,
    "share of samples classified correctly, 0..1; only with labels",
    fields::kShare);
  v("top5",
    s.top5,
    "share of samples whose label is among the best 5 classes, 0..1; only with labels and more "
    "than 5 classes",
    fields::kShare);
  v("cross_entropy", s.cross_entropy, "mean over the samples in nats; only with labels");
  v("agreement",
    s.agreement,
    "share of samples, 0..1, with the reference's best class",
    fields::kShare);
  v("divergence",
    s.divergence,
    "mean Kullback-Leibler divergence from the reference's softmax, nats");
  v("snr_db", s.snr_db, "10 log10(|reference|^2 / |difference|^2) of the first output");
  v("quality", s.quality, "what --eval-command printed, or evaluate= returned, for the file");
  v("seconds", s.seconds, "", fields::kCount);
}

}  // namespace ompq::report
