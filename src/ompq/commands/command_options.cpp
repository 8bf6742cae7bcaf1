#include "ompq/commands/command_options.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/commands/option_reader.h"
#include "ompq/commands/target_options.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/runtime/passes.h"
#include "ompq/search/allocator_table.h"

namespace ompq::commands {
namespace {

/// The allocator's name after applying --scheme and --solver.
std::string allocator_of(const OptionValues& options, allocation::Scheme scheme) {
  const bool solver_given = options.given("solver");
  const std::string& solver = options.text("solver");
  const std::string paper(search::paper_row().name);
  std::string name = options.text("allocator");
  const bool papers = scheme != allocation::Scheme::Free;
  if ((papers || solver_given) && !options.given("allocator")) name = paper;
  if (name != paper) {
    if (solver_given) {
      throw ConfigError("options",
                        fmt::format("--solver {} goes only with --allocator {}, not with '{}'; "
                                    "remove one of the two",
                                    solver,
                                    paper,
                                    name));
    }
    return name;
  }
  return std::string(search::paper_row(solver).name);
}

/// A network may have a fixed batch.
void fit_batch(std::int64_t& batch_size, const pipeline::Model& model) {
  const std::int64_t wanted = runtime::whole_passes(model.graph, batch_size);
  batch_size = pipeline::batch_size_for(model.graph, batch_size);
  if (batch_size < wanted) {
    log().info("--memory: {} samples in one pass instead of {}", batch_size, wanted);
  }
}

void fit_target(const OptionValues& options, search::SearchOptions& search) {
  fit_activations(options, search.request);
  if (target_of(options).plain) {
    search.form.format = onnx_io::WeightFormat::Qdq;
  } else if (search.request.activation_candidates.empty()) {
    // No layer runs on integers, so none of their rules for weights applies.
    search.request.target = search.weights.target = targets::kWeightsTarget;
  }
}

/// True if --for names a method other than nearest.
bool is_compensated(const OptionValues& options) {
  const std::string& method = options.text("for");
  return method != "auto" && !ptq::method_row(method).is_plain();
}

/// Formats without tables have equally spaced levels.
void fit_levels(const OptionValues& options,
                const ptq::FormatRow& format,
                search::SearchOptions& search) {
  if (format.has_tables) return;
  if (!options.given("weight-levels")) {
    search.request.symmetry = search.weights.symmetry = quant::Symmetry::Asymmetric;
  }
  const bool normal = search.weights.symmetry == quant::Symmetry::Normal;
  if (!normal || format.weights != onnx_io::WeightFormat::Qdq) return;
  throw ConfigError("--weight-levels",
                    fmt::format("normal levels would take 8 bits each in a {} file, whose integer "
                                "types have equally spaced ones; give --format packed, or "
                                "--weight-levels asymmetric",
                                format.name));
}

/// Budgets of a comparison, each with one limit.
std::vector<allocation::Budget> budgets_of(const OptionValues& options) {
  std::vector<allocation::Budget> budgets;
  if (options.has("avg-bits")) {
    for (const double bits : options.numbers("avg-bits")) {
      budgets.push_back({.average_bits = bits});
    }
  }
  if (options.has("size")) {
    for (const std::int64_t bytes : options.integers("size")) budgets.push_back({.bytes = bytes});
  }
  return budgets;
}

}  // namespace

void compose_search(const OptionValues& options,
                    const pipeline::Model& model,
                    search::SearchOptions& search) {
  const bool judged = options.knows("eval-command") && options.has("eval-command");
  if (search.max_loss > 100.0 && !judged) {
    throw ConfigError(
        "--max-loss",
        fmt::format("{:g} is more than 100 percent; only with --eval-command it is in "
                    "other units",
                    *search.max_loss));
  }
  search.allocator = allocator_of(options, search.request.scheme);
  fit_target(options, search);
  search.measure_for_beside = options.knows("beside") && options.given("beside");
  search.compensated = is_compensated(options);
  fit_batch(search.batch_size, model);
}

void compose_plan(const OptionValues& options,
                  const pipeline::Model& model,
                  ptq::QuantizeOptions& quantize) {
  compose_search(options, model, quantize.search);
  if (options.text("for") == "auto") {
    quantize.search.compensated = !ptq::method_row(quantize.method.method).is_plain();
  }
  quantize.search.activation_range = quantize.calibration.range;
  quantize.search.form = file_form(options);
  const ptq::FormatRow& format = format_of(options);
  fit_levels(options, format, quantize.search);
  quantize.format = format.name;
  check_target_opset(options, model);
  fit_batch(quantize.calibration.batch_size, model);
  fit_batch(quantize.evaluation.batch_size, model);
}

search::SearchOptions search_options(const OptionValues& options, const pipeline::Model& model) {
  auto search = read_bound<search::SearchOptions>(options);
  compose_search(options, model, search);
  return search;
}

pipeline::FileForm file_form(const OptionValues& options) {
  const ptq::FormatRow& format = format_of(options);
  pipeline::FileForm form;
  form.name = std::filesystem::path(options.text("output")).filename().string();
  form.format = format.weights;
  if (const auto opset = options.maybe_integer("opset")) {
    if (!format.is_onnx) {
      throw ConfigError(
          "--opset",
          fmt::format("{} does not apply to --format {}, which is not an ONNX file; remove it",
                      *opset,
                      format.name));
    }
    form.opset = static_cast<int>(*opset);
  }
  return form;
}

search::RequestOptions table_options(const OptionValues& options) {
  search::RequestOptions request;
  const OptionReader reader(options);
  bind_widths(reader, request);
  return request;
}

search::CompareOptions compare_options(const OptionValues& options, const pipeline::Model& model) {
  auto compare = read_bound<search::CompareOptions>(options);
  compare.budgets = budgets_of(options);
  fit_target(options, compare.search);
  compare.search.activation_range = compare.calibration.range;
  compare.search.compensated = is_compensated(options);
  fit_batch(compare.search.batch_size, model);
  fit_batch(compare.calibration.batch_size, model);
  fit_batch(compare.evaluation.batch_size, model);
  return compare;
}

search::SweepOptions sweep_options(const OptionValues& options, const pipeline::Model& model) {
  auto sweep = read_bound<search::SweepOptions>(options);
  fit_target(options, sweep.search);
  fit_batch(sweep.search.batch_size, model);
  return sweep;
}

ptq::QuantizeOptions quantize_options(const OptionValues& options, const pipeline::Model& model) {
  auto quantize = read_bound<ptq::QuantizeOptions>(options);
  const std::string& method = options.text("method");
  quantize.method.method =
      method == "auto" ? std::string(ptq::effort_row(quantize.method.effort).method) : method;
  compose_plan(options, model, quantize);
  return quantize;
}

pipeline::EvaluateOptions evaluate_options(const OptionValues& options,
                                           const pipeline::Model& model) {
  pipeline::EvaluateOptions evaluate;
  const OptionReader reader(options);
  bind_evaluation(reader, evaluate);
  evaluate.keep_outputs = options.has("save-outputs");
  fit_batch(evaluate.batch_size, model);
  return evaluate;
}

diagnosis::DiffOptions diff_options(const OptionValues& options) {
  return read_bound<diagnosis::DiffOptions>(options);
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

}  // namespace ompq::commands
