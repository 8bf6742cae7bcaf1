#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/fields/schema.h"
#include "ompq/report/comparison.h"
#include "ompq/report/diff.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"

// The kinds of JSON documents that commands write. The version is increased if a key changes its
// name or meaning; fields::Marks::former_name then keeps the earlier name readable.

namespace ompq::report {

/// A kind of document. Its member "format" is "NAME/VERSION".
struct Format {
  std::string_view name;
  int version = 1;            ///< the version written; all since 1 can be read
  std::string_view command;   ///< of the program
  std::string_view function;  ///< of the Python module
  /// Lists that the report page requires; none: the page does not show this kind.
  std::vector<std::string_view> shown = {};

  [[nodiscard]] std::string text() const;
  /// True if documents with this `format` can be read.
  [[nodiscard]] bool reads(std::string_view format) const;
};

/// Calls `visit.template operator()<Result>(format)` for each kind, in the order of the commands.
template <typename Visit>
void for_each_document(const Visit& visit) {
  using List = std::vector<std::string_view>;
  visit.template operator()<Inspection>(Format{"ompq-inspect", 2, "inspect", "inspect"});
  visit.template operator()<Search>(
      Format{"ompq-search", 2, "search", "search", List{"layers", "allocations"}});
  visit.template operator()<Quantization>(
      Format{"ompq-quantize", 2, "quantize", "quantize", List{"layers", "networks"}});
  visit.template operator()<Finetuning>(
      Format{"ompq-finetune", 2, "finetune", "finetune", List{"layers"}});
  visit.template operator()<Comparison>(
      Format{"ompq-compare", 2, "compare", "compare", List{"budgets", "allocators", "rows"}});
  visit.template operator()<Sweep>(
      Format{"ompq-sweep", 2, "sweep", "sweep", List{"layers", "points"}});
  visit.template operator()<LatencyTemplate>(
      Format{"ompq-latency-template", 1, "latency-table", "latency_table"});
  visit.template operator()<EvaluatedNetwork>(Format{"ompq-eval", 1, "eval", "evaluate"});
  visit.template operator()<Diff>(Format{"ompq-diff", 2, "diff", "diff"});
}

/// A kind of document and its struct.
struct DocumentKind {
  Format format;
  std::string type;  ///< of documents().schema
};

struct Documents {
  fields::Schema schema;
  std::vector<DocumentKind> kinds;
};

[[nodiscard]] const Documents& documents();

/// The format of documents with a `Result`.
template <typename Result>
[[nodiscard]] Format format_of() {
  Format found;
  for_each_document([&]<typename Other>(const Format& format) {
    if constexpr (std::is_same_v<Result, Other>) found = format;
  });
  return found;
}

}  // namespace ompq::report
