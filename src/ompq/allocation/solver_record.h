#pragma once

#include <string>

#include "ompq/fields/declare.h"

namespace ompq::allocation {

/// How widths were found; empty if they were written by hand.
struct SolverRecord {
  std::string name;
  std::string status;
  double objective = 0;
  double gap = 0;
  double seconds = 0;
};

template <typename Visitor, fields::Of<SolverRecord> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Solver", "How the widths were found.");
  v("name", s.name, "", fields::kUnneeded);
  v("status", s.status, "optimal, time-limit, rounded, rule or local-search", fields::kUnneeded);
  v("objective", s.objective, "", fields::kUnneeded);
  v("gap", s.gap, "relative gap to the best possible objective", fields::kUnneeded);
  v("seconds", s.seconds, "", fields::kCount.unneeded());
}

}  // namespace ompq::allocation
