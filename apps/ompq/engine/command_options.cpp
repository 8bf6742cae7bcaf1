#include "command_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::app {
namespace {

data::Preprocess preprocess_for(const OptionValues& options, const std::filesystem::path& model) {
  data::Preprocess preprocess;
  if (const auto file = options.maybe_text("preprocess")) {
    preprocess = data::read_preprocess(*file);
  } else if (const auto beside = data::find_preprocess(model)) {
    preprocess = data::read_preprocess(*beside);
  }
  if (const auto channels = options.maybe_text("channels")) preprocess.channels = *channels;
  if (const auto scale = options.maybe_number("scale")) preprocess.scale = *scale;
  if (options.has("mean")) preprocess.mean = options.numbers("mean");
  if (options.has("std")) preprocess.std = options.numbers("std");
  if (const auto resize = options.maybe_integer("resize")) preprocess.resize = *resize;
  if (const auto crop = options.maybe_integer("crop")) preprocess.crop = *crop;
  return preprocess;
}

allocation::Scheme scheme_of(const std::string& name) {
  if (name == "paper-ptq") return allocation::Scheme::PaperPtq;
  if (name == "paper-qat") return allocation::Scheme::PaperQat;
  return allocation::Scheme::Free;
}

/// The allocator's name once scheme and solver have had their say.
std::string allocator_of(const OptionValues& options, allocation::Scheme scheme) {
  const bool papers = scheme != allocation::Scheme::Free;
  std::string name = options.text("allocator");
  if (papers && !options.given("allocator")) name = "orm";
  const auto solver = options.maybe_text("solver");
  if (name != "orm") {
    if (solver && *solver != "ilp") {
      throw ConfigError("options",
                        fmt::format("--solver {} goes with --allocator orm alone; '{}' is solved "
                                    "by the integer program",
                                    *solver,
                                    name));
    }
    return name;
  }
  if (solver == "projection") return "projection";
  return solver == "ilp" ? "orm-ilp" : "orm";
}

std::vector<std::string> beside_of(const OptionValues& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.texts("beside")) {
    if (name != "none") names.push_back(name);
  }
  return names;
}

std::optional<int> activation_bits_of(const OptionValues& options) {
  const std::string& text = options.text("act-bits");
  if (text == "float") return std::nullopt;
  return std::stoi(text);
}

}  // namespace

pipeline::Model load_model(const OptionValues& options) {
  onnx_io::ImportOptions import_options;
  if (options.has("input-shape")) import_options.input_shapes = options.shapes("input-shape");
  return pipeline::load_model(options.text("MODEL"), import_options);
}

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

pipeline::SampleOptions sample_options(const OptionValues& options,
                                       const std::filesystem::path& model,
                                       std::string_view source_name,
                                       const std::string& split) {
  return {.source = options.text(source_name),
          .dataset = {.preprocess = preprocess_for(options, model),
                      .skip_broken = options.flag("skip-broken"),
                      .split = split}};
}

pipeline::Samples calibration_samples(const OptionValues& options, const pipeline::Model& model) {
  return pipeline::draw_samples(model,
                                sample_options(options, model.file, "data", options.text("split")),
                                options.integer("samples"),
                                static_cast<std::uint64_t>(options.integer("seed")));
}

tuning::WeightOptions weight_options(const OptionValues& options) {
  return {.symmetry = options.text("weight-symmetry") == "symmetric" ? quant::Symmetry::Symmetric
                                                                     : quant::Symmetry::Asymmetric};
}

pipeline::SearchOptions search_options(const OptionValues& options, const pipeline::Model& model) {
  pipeline::SearchOptions search;
  if (const auto size = options.maybe_integer("size")) search.budget.bytes = *size;
  if (const auto bits = options.maybe_number("avg-bits")) search.budget.average_bits = *bits;
  search.scheme = scheme_of(options.text("scheme"));
  search.allocator = allocator_of(options, search.scheme);
  search.beside = beside_of(options);
  search.candidates.clear();
  for (const std::int64_t width : options.integers("candidates")) {
    search.candidates.push_back(static_cast<int>(width));
  }
  if (const auto accounting = options.maybe_text("accounting")) {
    search.accounting =
        *accounting == "paper" ? allocation::Accounting::Paper : allocation::Accounting::Disk;
  }
  if (const auto rounding = options.maybe_text("rounding")) {
    search.rounding =
        *rounding == "nearest" ? allocation::Rounding::Nearest : allocation::Rounding::DepthFirst;
  }
  search.beta = options.number("beta");
  search.activation_bits = activation_bits_of(options);
  search.weights = weight_options(options);
  search.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch"));
  search.executor = executor_options(options, measuring_precision(options));
  return search;
}

tuning::CalibrationOptions calibration_options(const OptionValues& options,
                                               const pipeline::Model& model) {
  tuning::CalibrationOptions calibration;
  const std::string& range = options.text("act-range");
  calibration.range = range == "minmax"       ? quant::RangeMethod::MinMax
                      : range == "percentile" ? quant::RangeMethod::Percentile
                                              : quant::RangeMethod::ErrorSearch;
  calibration.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch"));
  // Ranges are part of the result, so they are measured in the arithmetic that the file is run in.
  calibration.executor = executor_options(options, runtime::Precision::Float32);
  return calibration;
}

}  // namespace ompq::app
