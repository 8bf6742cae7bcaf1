#include "ompq/commands/command_options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/search/allocator_table.h"

namespace ompq::commands {
namespace {

allocation::Scheme scheme_of(const std::string& name) {
  if (name == "paper-ptq") return allocation::Scheme::PaperPtq;
  if (name == "paper-qat") return allocation::Scheme::PaperQat;
  return allocation::Scheme::Free;
}

/// The allocator's name once scheme and solver have had their say.
std::string allocator_of(const OptionValues& options, allocation::Scheme scheme) {
  const bool papers = scheme != allocation::Scheme::Free;
  const auto solver = options.maybe_text("solver");
  const std::string paper(search::paper_row().name);
  std::string name = options.text("allocator");
  if ((papers || solver) && !options.given("allocator")) name = paper;
  if (name != paper) {
    if (solver) {
      throw ConfigError("options",
                        fmt::format("--solver {} goes with --allocator {} alone, not with '{}'; "
                                    "leave one of the two out",
                                    *solver,
                                    paper,
                                    name));
    }
    return name;
  }
  return solver ? std::string(search::paper_row(*solver).name) : paper;
}

/// "all" stands for every allocator but the measure of chance, which is no rival.
std::vector<std::string> allocators_of(const OptionValues& options) {
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  for (const std::string& name : options.texts("allocators")) {
    if (name != "all") {
      add(name);
      continue;
    }
    for (const search::AllocatorRow& row : search::allocator_table()) {
      if (!row.chance) add(std::string(row.name));
    }
  }
  return names;
}

std::vector<std::string> beside_of(const OptionValues& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.texts("beside")) {
    if (name != "none") names.push_back(name);
  }
  return names;
}

/// Widths that activations may get; none: they stay float.
std::vector<int> activation_candidates_of(const OptionValues& options) {
  const std::vector<std::string>& texts = options.texts("act-bits");
  std::vector<int> widths;
  for (const std::string& text : texts) {
    if (text != "float") widths.push_back(std::stoi(text));
  }
  if (widths.size() != texts.size() && texts.size() > 1) {
    throw ConfigError("--act-bits",
                      fmt::format("'{}' mixes float with widths; give widths alone, or float alone",
                                  fmt::join(texts, ",")));
  }
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  return widths;
}

}  // namespace

runtime::ExecutorOptions executor_options(const OptionValues& options,
                                          runtime::Precision precision) {
  return {.precision = precision,
          .threads = static_cast<int>(options.integer("threads")),
          .device = options.text("device")};
}

runtime::Precision measuring_precision(const OptionValues& options) {
  const std::string& name = options.text("precision");
  if (name == "float32") return runtime::Precision::Float32;
  if (name == "bfloat16") return runtime::Precision::BFloat16;
  return runtime::Precision::Auto;
}

rounding::WeightOptions weight_options(const OptionValues& options) {
  return {.symmetry = options.text("weight-symmetry") == "symmetric" ? quant::Symmetry::Symmetric
                                                                     : quant::Symmetry::Asymmetric};
}

namespace {

std::vector<int> to_ints(const std::vector<std::int64_t>& widths) {
  return {widths.begin(), widths.end()};
}

allocation::Budget budget_of(const OptionValues& options) {
  allocation::Budget budget;
  budget.bytes = options.maybe_integer("size");
  budget.average_bits = options.maybe_number("avg-bits");
  budget.compression = options.maybe_number("compression");
  budget.weight_bytes = options.maybe_integer("weight-size");
  budget.bops = options.maybe_number("bops");
  budget.activation_bytes = options.maybe_integer("act-size");
  budget.latency_us = options.maybe_number("latency");
  return budget;
}

/// Candidates of all layers, and what was settled by hand for some.
void read_choices(const OptionValues& options, search::RequestOptions& request) {
  for (const auto& [name, widths] : options.shapes("candidates")) {
    if (name.empty()) {
      request.candidates = to_ints(widths);
    } else {
      request.choices.candidates.emplace(name, to_ints(widths));
    }
  }
  for (const auto& [name, widths] : options.shapes("pin")) {
    if (widths.size() != 1) {
      throw ConfigError("--pin",
                        fmt::format("'{}' is given {} widths; a pinned layer has one, and "
                                    "--candidates {}={} lets the search choose",
                                    name,
                                    widths.size(),
                                    name,
                                    fmt::join(widths, ",")));
    }
    request.choices.pins.emplace(name, static_cast<int>(widths.front()));
  }
  request.choices.excluded = options.globs("exclude");
  if (const auto width = options.maybe_integer("first-last")) {
    request.choices.first_last = static_cast<int>(*width);
  }
}

/// The options that search, compare and sweep share.
search::SearchOptions measuring_options(const OptionValues& options, const pipeline::Model& model) {
  search::SearchOptions search;
  read_choices(options, search.request);
  search.request.activation_candidates = activation_candidates_of(options);
  search.request.input_bits = static_cast<int>(options.integer("input-bits"));
  search.request.seed = static_cast<std::uint64_t>(options.integer("seed"));
  search.beta = options.number("beta");
  search.weights = weight_options(options);
  search.request.symmetry = search.weights.symmetry;
  search.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch"));
  search.executor = executor_options(options, measuring_precision(options));
  return search;
}

}  // namespace

search::SearchOptions search_options(const OptionValues& options, const pipeline::Model& model) {
  search::SearchOptions search = measuring_options(options, model);
  search::RequestOptions& request = search.request;
  request.budget = budget_of(options);
  if (const auto table = options.maybe_text("latency-table")) request.latency_table = *table;
  request.scheme = scheme_of(options.text("scheme"));
  search.allocator = allocator_of(options, request.scheme);
  if (options.knows("beside")) search.beside = beside_of(options);
  search.measure_for_beside = options.knows("beside") && options.given("beside");
  search.automatic.time_limit_seconds = options.number("time-limit") / 1e6;
  search.compensated =
      options.text("for") != "auto" && !ptq::method_row(options.text("for")).is_plain();
  if (const auto accounting = options.maybe_text("accounting")) {
    request.accounting =
        *accounting == "paper" ? allocation::Accounting::Paper : allocation::Accounting::Disk;
  }
  if (const auto rounding = options.maybe_text("rounding")) {
    request.rounding =
        *rounding == "nearest" ? allocation::Rounding::Nearest : allocation::Rounding::DepthFirst;
  }
  return search;
}

pipeline::FileForm file_form(const OptionValues& options) {
  const ptq::FormatRow& format = ptq::file_format(options.text("format"));
  pipeline::FileForm form;
  form.name = std::filesystem::path(options.text("output")).filename().string();
  form.format = format.weights;
  if (const auto opset = options.maybe_integer("opset")) {
    if (!format.is_onnx) {
      throw ConfigError("--opset",
                        fmt::format("{} says nothing of --format {}, which is no ONNX file; "
                                    "leave it out",
                                    *opset,
                                    format.name));
    }
    form.opset = static_cast<int>(*opset);
  }
  return form;
}

search::RequestOptions table_options(const OptionValues& options) {
  search::RequestOptions request;
  for (const auto& [name, widths] : options.shapes("candidates")) {
    if (name.empty()) request.candidates = to_ints(widths);
    if (!name.empty()) request.choices.candidates.emplace(name, to_ints(widths));
  }
  request.activation_candidates = activation_candidates_of(options);
  request.input_bits = static_cast<int>(options.integer("input-bits"));
  return request;
}

search::CompareOptions compare_options(const OptionValues& options, const pipeline::Model& model) {
  search::CompareOptions compare{.search = measuring_options(options, model)};
  compare.search.automatic.time_limit_seconds = options.number("time-limit") / 1e6;
  if (options.has("avg-bits")) {
    for (const double bits : options.numbers("avg-bits")) {
      compare.budgets.push_back({.average_bits = bits});
    }
  }
  if (options.has("size")) {
    for (const std::int64_t bytes : options.integers("size")) {
      compare.budgets.push_back({.bytes = bytes});
    }
  }
  compare.allocators = allocators_of(options);
  compare.random_allocations = options.integer("random");
  compare.calibration = calibration_options(options, model);
  compare.evaluation = evaluate_options(options, model);
  if (const auto journal = options.maybe_text("journal")) compare.journal = *journal;
  return compare;
}

search::SweepOptions sweep_options(const OptionValues& options, const pipeline::Model& model) {
  search::SweepOptions sweep{.search = measuring_options(options, model)};
  sweep.points = static_cast<std::size_t>(options.integer("points"));
  sweep.metric = options.text("metric");
  sweep.pick_bytes = options.maybe_integer("pick");
  return sweep;
}

rounding::CalibrationOptions calibration_options(const OptionValues& options,
                                                 const pipeline::Model& model) {
  rounding::CalibrationOptions calibration;
  const std::string& range = options.text("act-range");
  calibration.range = range == "minmax"       ? quant::RangeMethod::MinMax
                      : range == "percentile" ? quant::RangeMethod::Percentile
                                              : quant::RangeMethod::ErrorSearch;
  calibration.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch"));
  // Ranges are part of the result, so they are measured in the arithmetic that the file is run in.
  calibration.executor = executor_options(options, runtime::Precision::Float32);
  return calibration;
}

ptq::MethodOptions method_options(const OptionValues& options) {
  ptq::MethodOptions method;
  for (const auto effort : {ptq::Effort::Fast, ptq::Effort::Balanced, ptq::Effort::Best}) {
    if (options.text("effort") == ptq::effort_row(effort).name) method.effort = effort;
  }
  method.method = options.text("method") == "auto"
                      ? std::string(ptq::effort_row(method.effort).method)
                      : options.text("method");
  method.iterations = options.maybe_integer("iterations");
  method.epochs = options.maybe_integer("epochs");
  method.augmentation = options.text("augment");
  for (const std::string& step : options.texts("prepare")) {
    method.prepare.equalize = method.prepare.equalize || step == "equalize";
    method.prepare.correct_bias = method.prepare.correct_bias || step == "bias-correction";
    method.prepare.analytic_bias =
        method.prepare.analytic_bias || step == "analytic-bias-correction";
    method.prepare.reestimate_norms =
        method.prepare.reestimate_norms || step == "norm-reestimation";
  }
  if (options.flag("fisher")) method.weight = reconstruction::ErrorWeight::Fisher;
  method.memory_bytes = options.maybe_integer("memory").value_or(0);
  method.seed = static_cast<std::uint64_t>(options.integer("seed"));
  method.threads = static_cast<int>(options.integer("threads"));
  return method;
}

ptq::QuantizeOptions quantize_options(const OptionValues& options, const pipeline::Model& model) {
  ptq::QuantizeOptions quantize{
      .search = search_options(options, model),
      .calibration = calibration_options(options, model),
      .method = method_options(options),
      .tuning_samples = options.maybe_integer("tuning-samples").value_or(0),
      .output = options.text("output"),
      .format = options.text("format"),
      .evaluation = evaluate_options(options, model),
      .explain = options.flag("explain")};
  quantize.search.form = file_form(options);
  if (options.text("for") == "auto") {
    quantize.search.compensated = !ptq::method_row(quantize.method.method).is_plain();
  }
  if (const auto journal = options.maybe_text("journal")) quantize.journal = *journal;
  if (const auto file = options.maybe_text("allocation")) quantize.allocation_file = *file;
  return quantize;
}

std::vector<std::string> unused_by(const std::string& method, const OptionValues& options) {
  std::vector<std::string> sentences;
  for (const std::string_view option : ptq::options_of_methods()) {
    if (!options.knows(option) || !options.given(option)) continue;
    if (ptq::reads_option(ptq::method_row(method), option)) continue;
    std::vector<std::string_view> names;
    for (const ptq::MethodRow& row : ptq::method_table()) {
      if (ptq::reads_option(row, option)) names.push_back(row.name);
    }
    sentences.push_back(fmt::format("--{} has no effect with --method {}; it is an option of {}",
                                    option,
                                    method,
                                    fmt::join(names, ", ")));
  }
  return sentences;
}

pipeline::EvaluateOptions evaluate_options(const OptionValues& options,
                                           const pipeline::Model& model) {
  return {.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch")),
          .executor = executor_options(options, runtime::Precision::Float32)};
}

}  // namespace ompq::commands
