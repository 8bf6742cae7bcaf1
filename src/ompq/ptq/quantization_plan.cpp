#include "ompq/ptq/quantization_plan.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ompq/allocation/allocation_file.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/report/json.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/search.h"
#include "ompq/search/width_check.h"
#include "ompq/targets/target_table.h"

namespace ompq::ptq {
namespace {

/// The distinct widths, such as "8", "4, 8" or "float".
std::string occurring_widths(const std::vector<std::optional<int>>& bits) {
  std::set<int> widths;
  for (const auto& each : bits) widths.insert(each.value_or(allocation::kFloatBits));
  std::vector<std::string> texts;
  for (const int width : widths) {
    texts.push_back(width == allocation::kFloatBits ? "float" : std::to_string(width));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

Planned plan_from_search(const pipeline::Model& model,
                         pipeline::Samples& samples,
                         const QuantizeOptions& options,
                         const ProgressHandler& progress) {
  search::SearchOutcome found = search::search(model, samples, options.search, progress);
  Planned planned;
  for (const report::AllocationRow& row : found.report.allocations) {
    if (!row.refused.empty()) continue;
    planned.plans.push_back({row.allocator, row.weight_bits, row.bytes, row.requested});
  }
  for (const auto& layer : found.chosen.layers) {
    planned.activation_bits.push_back(layer.activation_bits);
  }
  planned.report = std::move(found.report);
  planned.budget = allocation::exact_text(found.chosen.budget);
  if (options.search.max_loss) planned.found_bytes = found.chosen.budget.bytes;
  return planned;
}

/// The file given with --allocation. @throws DataError, ConfigError if it does not fit the network
/// or the target.
allocation::AllocationFile allocation_file(const pipeline::Model& model,
                                           const QuantizeOptions& options) {
  auto file = allocation::read_allocation(*options.allocation_file,
                                          pipeline::layer_costs(model),
                                          {model.file.filename().string(), model.sha256});
  const targets::TargetRow& target = targets::target(options.search.weights.target);
  for (const auto& layer : file.layers) {
    (void)targets::supported_widths(
        target, {layer.weight_bits}, fmt::format("layer '{}'", layer.name));
    targets::require_activation_widths(
        target, {layer.activation_bits.value_or(allocation::kFloatBits)}, "--allocation");
  }
  return file;
}

Planned plan_from_file(const pipeline::Model& model,
                       pipeline::Samples& samples,
                       const QuantizeOptions& options) {
  const auto file = allocation_file(model, options);
  Planned planned;
  WidthPlan plan{.allocator = options.allocation_file->filename().string()};
  for (const auto& layer : file.layers) {
    plan.weight_bits.push_back(layer.weight_bits);
    planned.activation_bits.push_back(layer.activation_bits);
  }
  planned.budget = allocation::exact_text(file.budget);
  const pipeline::FileSize size(model, options.search.weights, file_form(options, planned));
  plan.bytes_promised = size.bytes(plan.weight_bits, activation_widths(planned));
  planned.plans.push_back(std::move(plan));
  planned.report.model = {model.file.string(), model.sha256, model.file_bytes};
  planned.report.samples = samples.used;
  planned.report.budget = allocation::describe(file.budget);
  planned.report.activation_bits = occurring_widths(planned.activation_bits);
  planned.report.layers = pipeline::layer_rows(model);
  return planned;
}

/// The searched widths as stored in a journal.
struct KeptWidths {
  std::vector<int> activation_bits;
  std::vector<WidthPlan> plans;
  std::optional<std::int64_t> found_bytes;
};

template <typename Visitor, fields::Of<KeptWidths> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("KeptWidths", "");
  v("activation_bits", s.activation_bits, "in layer order; 32 is float", fields::kWidths);
  v("plans", s.plans, "the chosen one first");
  v("found_bytes", s.found_bytes, "the size that --max-loss found");
}

std::string to_json(const Planned& planned) {
  const KeptWidths kept{.activation_bits = activation_widths(planned),
                        .plans = planned.plans,
                        .found_bytes = planned.found_bytes};
  return fields::text_of(fields::to_json(kept));
}

/// With the size that --max-loss found.
allocation::Budget budget_of(const QuantizeOptions& options, const KeptWidths& kept) {
  allocation::Budget budget = options.search.request.budget;
  if (kept.found_bytes) budget.bytes = kept.found_bytes;
  return budget;
}

/// @throws DataError unless the same search could have chosen these widths.
void check_kept(const pipeline::Model& model,
                const QuantizeOptions& options,
                const KeptWidths& kept) {
  if (kept.plans.empty()) throw DataError("widths", "there are none");
  const WidthPlan& first = kept.plans.front();
  const std::string& asked = first.requested.empty() ? first.allocator : first.requested;
  if (asked != options.search.allocator) {
    throw DataError(
        "widths",
        fmt::format("they are of allocator '{}', not of '{}'", asked, options.search.allocator));
  }
  const search::WidthCheck check(model, options.search);
  if (kept.found_bytes.has_value() != options.search.max_loss.has_value()) {
    throw DataError("widths", "a size was found without --max-loss, or none with it");
  }
  const allocation::Budget budget = budget_of(options, kept);
  for (const WidthPlan& plan : kept.plans) {
    const bool chosen = &plan == &first;
    const std::vector<int> own = chosen ? kept.activation_bits : std::vector<int>{};
    if (chosen && own.size() != model.discovery.layers.size()) {
      throw DataError("widths", "there is not one activation width for each layer");
    }
    const std::int64_t bytes = check.check(plan.allocator, budget, plan.weight_bits, own).bytes;
    if (!chosen || bytes == plan.bytes_promised) continue;
    throw DataError(
        "widths",
        fmt::format(
            "they promise a file of {} bytes, but theirs has {}", plan.bytes_promised, bytes));
  }
}

Planned plan_from_journal(const pipeline::Model& model,
                          const pipeline::Samples& samples,
                          const QuantizeOptions& options,
                          const std::string& unit) {
  const fields::Source source{
      .place = "journal", .remedy = "remove it to start again", .finite = true};
  auto kept = fields::from_json<KeptWidths>(fields::parse(unit, source), source);
  check_kept(model, options, kept);
  Planned planned;
  const allocation::Budget budget = budget_of(options, kept);
  planned.found_bytes = kept.found_bytes;
  planned.plans = std::move(kept.plans);
  for (const int width : kept.activation_bits) {
    planned.activation_bits.push_back(width == allocation::kFloatBits ? std::nullopt
                                                                      : std::optional(width));
  }
  planned.report.model = {model.file.string(), model.sha256, model.file_bytes};
  planned.report.samples = samples.used;
  planned.report.budget = allocation::describe(budget);
  planned.report.activation_bits = search::activation_text(options.search.request);
  planned.budget = allocation::exact_text(budget);
  planned.report.layers = pipeline::layer_rows(model);
  return planned;
}

}  // namespace

void check_allocation_file(const pipeline::Model& model, const QuantizeOptions& options) {
  (void)allocation_file(model, options);
}

pipeline::FileForm file_form(const QuantizeOptions& options, const Planned& planned) {
  pipeline::FileForm form = options.search.form;
  form.budget = planned.budget;
  return form;
}

std::vector<int> activation_widths(const Planned& planned) {
  std::vector<int> widths;
  for (const auto& bits : planned.activation_bits) {
    widths.push_back(bits.value_or(allocation::kFloatBits));
  }
  return widths;
}

allocation::Cost cost_of(const pipeline::Model& model,
                         const Planned& planned,
                         const WidthPlan& plan) {
  return allocation::total_cost(pipeline::layer_costs(model),
                                plan.weight_bits,
                                activation_widths(planned),
                                {.activation_bits = allocation::kFloatBits});
}

Planned plan_widths(const pipeline::Model& model,
                    pipeline::Samples& samples,
                    const QuantizeOptions& options,
                    pipeline::Journal* journal,
                    const ProgressHandler& progress) {
  if (options.allocation_file) return plan_from_file(model, samples, options);
  if (journal != nullptr) {
    auto kept = journal->take("widths", [&](const std::string& unit) {
      return plan_from_journal(model, samples, options, unit);
    });
    if (kept) return std::move(*kept);
  }
  Planned planned = plan_from_search(model, samples, options, progress);
  if (journal != nullptr) journal->append("widths", to_json(planned));
  return planned;
}

std::vector<std::int64_t> tuning_samples(const pipeline::Samples& samples,
                                         const pipeline::Samples& evaluation,
                                         const QuantizeOptions& options) {
  const std::int64_t wanted =
      options.tuning_samples > 0 ? options.tuning_samples : samples_wanted(options.method);
  // Drawn, since neighbours in a source are alike: folders of one class come one after the other.
  Random random = Random(samples.used.seed).split("tuning");
  std::vector<std::int64_t> chosen = samples.indices;
  if (wanted > 0 && static_cast<std::int64_t>(chosen.size()) > wanted) {
    random.shuffle(chosen);
    chosen.resize(static_cast<std::size_t>(wanted));
  }
  std::vector<std::int64_t> unused = pipeline::unused_samples(samples, &evaluation);
  random.shuffle(unused);
  for (const std::int64_t index : unused) {
    if (static_cast<std::int64_t>(chosen.size()) >= wanted) break;
    chosen.push_back(index);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace ompq::ptq
