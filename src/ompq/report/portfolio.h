#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// How `auto` chose its allocation.
struct Portfolio {
  struct Candidate {
    std::string origin;
    std::vector<int> weight_bits;
    double divergence = 0;
  };
  struct Check {
    std::string origin;
    double divergence = 0;
    double standard_error = 0;
  };
  struct Roles {
    std::int64_t rounding = 0;
    std::int64_t measuring = 0;
    std::int64_t ranking = 0;
    std::int64_t refining = 0;
    std::int64_t checking = 0;
  };
  std::vector<Candidate> candidates;
  std::vector<Check> checked;
  std::optional<Roles> samples;
  std::string winner;
  std::vector<double> steps;
  std::string measure;
  std::int64_t evaluations = 0;
  std::optional<double> passes;
  bool time_limit_struck = false;
  std::vector<std::string> left_out;
};

template <typename Visitor, fields::Of<Portfolio::Candidate> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Candidate", "An allocation that `auto` tried.");
  v("origin", s.origin, "the allocator, with its parameters");
  v("divergence", s.divergence, "on the samples that candidates are ranked on");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
}

template <typename Visitor, fields::Of<Portfolio::Check> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Check", "A candidate with its weights rounded as they will be.");
  v("origin", s.origin, "the allocator, with its parameters");
  v("divergence", s.divergence, "on samples that no earlier step has seen");
  v("standard_error", s.standard_error, "of that mean");
}

template <typename Visitor, fields::Of<Portfolio::Roles> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Roles", "The number of samples for each step of `auto`, which share none of them.");
  v("rounding",
    s.rounding,
    "trying error compensation; with few samples, those for measuring",
    fields::kCount);
  v("measuring", s.measuring, "measuring metrics", fields::kCount);
  v("ranking", s.ranking, "candidates, and the steps to try in refinement", fields::kCount);
  v("refining", s.refining, "deciding whether a step of refinement is taken", fields::kCount);
  v("checking", s.checking, "the last choice; 0: the ranking decides", fields::kCount);
}

template <typename Visitor, fields::Of<Portfolio> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Portfolio", "How `auto` chose its allocation.");
  v("measure", s.measure, "what divergence is measured, with its unit");
  v("winner", s.winner, "origin of the best candidate");
  v("steps",
    s.steps,
    "divergence of the refined candidate before and after each step, on the samples for refining");
  v("checked",
    s.checked,
    "the last choice; a refined candidate must be better by two standard errors",
    fields::kOmitEmpty);
  v("samples", s.samples, "");
  v("evaluations",
    s.evaluations,
    "forward passes of the network, complete or from a changed layer onward",
    fields::kCount);
  v("passes",
    s.passes,
    "time of the search in forward passes of the float network over 256 samples");
  v("time_limit_struck", s.time_limit_struck, "");
  v("left_out", s.left_out, "what the time limit left out", fields::kOmitEmpty);
  v("candidates", s.candidates, "in the order in which they were tried");
}

}  // namespace ompq::report
