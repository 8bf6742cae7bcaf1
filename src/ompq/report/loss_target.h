#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// How the smallest file within a loss was found (--max-loss).
struct LossTarget {
  struct Trial {
    std::int64_t bytes = 0;
    double loss = 0;
  };
  double max_loss = 0;
  std::string measure;
  std::optional<std::int64_t> samples;
  double loss = 0;
  std::optional<double> lower;
  std::optional<double> upper;
  std::vector<Trial> trials;
};

template <typename Visitor, fields::Of<LossTarget::Trial> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Trial", "A size that was tried.");
  v("bytes", s.bytes, "of the file", fields::kCount);
  v("loss", s.loss, "percent, or in units of --eval-command");
}

template <typename Visitor, fields::Of<LossTarget> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("LossTarget", "How the smallest file within a loss was found.");
  v("max_loss", s.max_loss, "the limit, percent, or in units of --eval-command");
  v("measure", s.measure, "what is lost");
  v("samples",
    s.samples,
    "that loss is measured on; no other step uses them. Not with --eval-command",
    fields::kCount);
  v("loss",
    s.loss,
    "percent, or in units of --eval-command, of the chosen allocation with its weights rounded");
  v("lower", s.lower, "end of the 95 % interval of `loss`; not with --eval-command");
  v("upper", s.upper, "end of the 95 % interval of `loss`; not with --eval-command");
  v("trials", s.trials, "in the order in which they were tried");
}

}  // namespace ompq::report
