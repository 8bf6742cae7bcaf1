#include "ompq/tables/result_texts.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/display_text.h"

namespace ompq::tables {

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f} %", *share * 100) : "-";
}

std::string seconds_text(const report::StepSeconds& steps) {
  std::vector<std::string> parts;
  for (const auto& [step, seconds] : steps)
    parts.push_back(fmt::format("{} {:.1f} s", step, seconds));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string samples_text(const report::SamplesUsed& samples) {
  std::string text = fmt::format("{} samples of {}", samples.count, display_text(samples.source));
  if (!samples.split.empty()) text += fmt::format(" ({})", display_name(samples.split));
  if (samples.skipped > 0) text += fmt::format(", {} broken ones skipped", samples.skipped);
  return text;
}

}  // namespace ompq::tables
