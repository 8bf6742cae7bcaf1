#include "ompq/report/csv.h"

#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ompq::report {
namespace {

/// A field of RFC 4180, quoted if necessary.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.6g}", *value) : "";
}

}  // namespace

std::string to_csv(const Comparison& comparison) {
  std::string csv =
      "budget,allocator,top1,agreement,divergence,samples,bytes,average_bits,gbops,seconds,"
      "weight_bits,refused\n";
  for (const auto& row : comparison.rows) {
    const auto& evaluation = row.evaluation;
    csv += fmt::format("{},{},{},{},{},{},{},{:.6g},{:.6g},{:.3f},{},{}\n",
                       field(row.budget),
                       field(row.allocator),
                       number(evaluation.top1),
                       number(evaluation.agreement),
                       number(evaluation.divergence),
                       evaluation.samples,
                       row.bytes,
                       row.average_bits,
                       row.gbops,
                       row.seconds,
                       fmt::join(row.weight_bits, " "),
                       field(row.refused));
  }
  return csv;
}

std::string to_csv(const Sweep& sweep) {
  std::string csv =
      "bytes,average_bits,gbops,divergence,quality,predicted_loss,gap,knee,weight_bits\n";
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    const auto& point = sweep.points[i];
    csv += fmt::format("{},{:.6g},{:.6g},{:.6g},{},{:.6g},{:.3g},{},{}\n",
                       point.bytes,
                       point.average_bits,
                       point.gbops,
                       point.divergence,
                       number(point.quality),
                       point.predicted_loss,
                       point.gap,
                       i == sweep.knee ? 1 : 0,
                       fmt::join(point.weight_bits, " "));
  }
  return csv;
}

}  // namespace ompq::report
