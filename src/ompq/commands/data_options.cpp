#include "ompq/commands/data_options.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>

#include "ompq/commands/option_reader.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/random.h"
#include "ompq/data/preprocess_binding.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/memory_check.h"
#include "ompq/scores/class_scores.h"

namespace ompq::commands {
namespace {

/// Whether any option of the struct was given.
struct GivenAny {
  const OptionValues& options;
  bool given = false;

  template <typename... Rest>
  void bind(std::string_view name, const Rest&...) {
    given = given || options.has(name);
  }
};

bool gives_preprocessing(const OptionValues& options, const std::filesystem::path& model) {
  data::Preprocess fields;
  GivenAny any{.options = options};
  bind_options(any, fields);
  return any.given || options.has("preprocess") || data::find_preprocess(model).has_value();
}

bool gives_scale(const OptionValues& options, const std::filesystem::path& model) {
  return options.has("preprocess") || options.has("scale") || data::find_preprocess(model);
}

data::Preprocess preprocess_for(const OptionValues& options, const std::filesystem::path& model) {
  data::Preprocess preprocess;
  if (const auto file = options.maybe_text("preprocess")) {
    preprocess = data::read_preprocess(*file);
  } else if (const auto beside = data::find_preprocess(model)) {
    preprocess = data::read_preprocess(*beside);
  }
  if (options.has("resize")) preprocess.resize_to.reset();
  return read_bound(options, preprocess);
}

enum class Rows {
  OfBatch,  ///< a sample is an input without its batch
  Whole,    ///< a sample is the whole input, including the open extent
};

/// True if the batch extent is open in the file, so that it may be another length.
bool may_be_whole(const onnx_io::DeclaredInput& input) {
  return !input.extents.empty() && input.extents.at(input.batch_axis) < 1;
}

data::InputSpec spec_of(const onnx_io::DeclaredInput& input, Rows rows) {
  data::InputSpec spec{input.name, input.extents, input.type, input.batch_axis};
  if (spec.extents.empty()) {
    spec.batch_axis.reset();
  } else if (rows == Rows::OfBatch || !may_be_whole(input)) {
    spec.extents.erase(spec.extents.begin() + static_cast<std::ptrdiff_t>(input.batch_axis));
  }
  return spec;
}

std::unique_ptr<data::Dataset> open_for(const Context& context,
                                        const std::filesystem::path& model,
                                        const std::vector<onnx_io::DeclaredInput>& inputs,
                                        Rows rows = Rows::OfBatch) {
  std::vector<data::InputSpec> specs;
  for (const onnx_io::DeclaredInput& input : inputs) specs.push_back(spec_of(input, rows));
  return pipeline::open_samples(specs,
                                sample_options(context,
                                               preprocessing_owner(context.options, model),
                                               "data",
                                               context.options.text("split")));
}

/// With a batch of one, samples include the open first extent.
std::unique_ptr<data::Dataset> open_either(const Context& context,
                                           const std::filesystem::path& model,
                                           const std::vector<onnx_io::DeclaredInput>& inputs) {
  const bool one = std::any_of(inputs.begin(), inputs.end(), onnx_io::is_of_one_sample);
  const bool open = std::any_of(inputs.begin(), inputs.end(), may_be_whole);
  try {
    return open_for(context, model, inputs);
  } catch (const DataError&) {
    if (!one || !open) throw;
  }
  try {
    return open_for(context, model, inputs, Rows::Whole);
  } catch (const DataError&) {
    return open_for(context, model, inputs);  // its message is the most useful one
  }
}

/// The extents of the samples of --data, for open extents of the network.
onnx_io::SampleExtents extents_of_samples(const Context& context,
                                          const std::filesystem::path& model,
                                          const std::vector<onnx_io::DeclaredInput>& inputs) {
  const auto dataset = open_either(context, model, inputs);
  const auto extents = dataset->extents();
  onnx_io::SampleExtents known;
  for (std::size_t i = 0; i < std::min(inputs.size(), extents.size()); ++i) {
    known.emplace(inputs[i].name, extents[i]);
  }
  return known;
}

/// The values of scalar inputs, if they are the same in all samples of --data.
onnx_io::SampleNumbers numbers_of_samples(const Context& context,
                                          const std::filesystem::path& model,
                                          const std::vector<onnx_io::DeclaredInput>& inputs) {
  const auto dataset = open_for(context, model, inputs);
  onnx_io::SampleNumbers numbers;
  for (std::int64_t sample = 0; sample < dataset->size(); ++sample) {
    const data::Batch batch = dataset->load({sample});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].extents.empty() || batch.size == 0) continue;
      const auto [known, is_new] = numbers.emplace(inputs[i].name, batch.inputs[i]);
      if (is_new) continue;
      const auto bytes = batch.inputs[i].bytes();
      if (!std::ranges::equal(known->second.bytes(), bytes)) return {};
    }
  }
  return numbers;
}

onnx_io::ImportOptions import_options(const Context& context, const std::filesystem::path& model) {
  const OptionValues& options = context.options;
  onnx_io::ImportOptions result;
  if (options.has("input-shape")) result.input_shapes = options.shapes("input-shape");
  if (options.knows("data")) {
    result.sample_extents = [&context, model](const std::vector<onnx_io::DeclaredInput>& inputs) {
      return extents_of_samples(context, model, inputs);
    };
    result.sample_numbers = [&context, model](const std::vector<onnx_io::DeclaredInput>& inputs) {
      return numbers_of_samples(context, model, inputs);
    };
  }
  return result;
}

}  // namespace

pipeline::Model load_model(const Context& context, std::string_view operand) {
  const std::filesystem::path file = context.options.text(operand);
  pipeline::check_memory_to_load(file);
  pipeline::Model model = pipeline::load_model(file, import_options(context, file));
  const bool runs_network = context.options.knows("data");
  if (runs_network) pipeline::check_machine_memory(model);
  pipeline::check_memory(model,
                         context.options.knows("allocator") || context.options.knows("sizes"));
  return model;
}

pipeline::TrainableModel load_trainable_model(const Context& context) {
  const std::filesystem::path file = context.options.text("MODEL");
  pipeline::check_memory_to_load(file);
  pipeline::TrainableModel model =
      pipeline::load_trainable_model(file, import_options(context, file));
  pipeline::check_machine_memory(model.model);
  pipeline::check_memory(model.model, true);
  return model;
}

std::filesystem::path preprocessing_owner(const OptionValues& options,
                                          const std::filesystem::path& model) {
  if (data::find_preprocess(model)) return model;
  for (const char* other : {"reference", "A", "B"}) {
    if (!options.knows(other) || !options.has(other)) continue;
    if (data::find_preprocess(options.text(other))) return options.text(other);
  }
  return model;
}

pipeline::SampleOptions sample_options(const Context& context,
                                       const std::filesystem::path& model,
                                       std::string_view source_name,
                                       const std::string& split) {
  const OptionValues& options = context.options;
  const auto arrays = context.arrays.find(source_name);
  return {.source = options.text(source_name),
          .arrays = arrays == context.arrays.end() ? data::NamedArrays{} : arrays->second,
          .dataset = {.preprocess = preprocess_for(options, model),
                      .preprocess_given = gives_preprocessing(options, model),
                      .scale_given = gives_scale(options, model),
                      .skip_broken = options.flag("skip-broken"),
                      .split = split}};
}

std::optional<std::filesystem::path> kept_preprocess(const OptionValues& options,
                                                     const std::filesystem::path& model,
                                                     const std::filesystem::path& output) {
  const auto network_file = data::find_preprocess(model);
  if (!gives_preprocessing(options, model)) return std::nullopt;
  const std::filesystem::path file = data::preprocess_file(output);
  const auto is_read = [&](const std::optional<std::filesystem::path>& source) {
    std::error_code ignored;
    return source && std::filesystem::equivalent(*source, file, ignored);
  };
  if (is_read(network_file) || is_read(options.maybe_text("preprocess"))) return std::nullopt;
  return file;
}

void keep_preprocess(const OptionValues& options,
                     const std::filesystem::path& model,
                     const std::filesystem::path& output) {
  if (const auto file = kept_preprocess(options, model, output)) {
    write_file_atomically(*file, data::to_json(preprocess_for(options, model)));
  }
}

void check_labels(const pipeline::Model& model, const pipeline::Samples& samples) {
  const auto classes = scores::class_count(model.graph);
  if (classes) samples.dataset->require_labels_below(*classes);
}

void say_remarks(const pipeline::Samples& samples) {
  for (const std::string& remark : samples.dataset->remarks()) log().warn("{}", remark);
}

pipeline::Samples calibration_samples(const Context& context, const pipeline::Model& model) {
  const OptionValues& options = context.options;
  const auto source = sample_options(context, model.file, "data", options.text("split"));
  const std::int64_t wanted = options.integer("samples");
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const bool measures = options.knows("eval-data") && !options.has("eval-data");
  pipeline::Samples samples = measures ? pipeline::draw_calibration_share(
                                             model, source, wanted, options.given("samples"), seed)
                                       : pipeline::draw_samples(model, source, wanted, seed);
  check_labels(model, samples);
  say_remarks(samples);
  return samples;
}

std::vector<std::int64_t> samples_for_auto(const pipeline::Samples& calibration,
                                           const pipeline::Samples* evaluation) {
  constexpr std::size_t kTimes = 3;
  std::vector<std::int64_t> unused = pipeline::unused_samples(calibration, evaluation);
  Random random = Random(calibration.used.seed).split("unused");
  random.shuffle(unused);
  unused.resize(std::min(unused.size(), kTimes * calibration.indices.size()));
  return unused;
}

std::vector<std::int64_t> samples_for_loss(const pipeline::Samples& calibration,
                                           const pipeline::Samples* evaluation,
                                           const std::vector<std::int64_t>& others) {
  constexpr std::size_t kMost = 1000;
  std::vector<std::int64_t> unused = pipeline::unused_samples(calibration, evaluation);
  std::erase_if(unused, [used = std::set<std::int64_t>(others.begin(), others.end())](auto i) {
    return used.contains(i);
  });
  Random random = Random(calibration.used.seed).split("loss");
  random.shuffle(unused);
  unused.resize(std::min(unused.size(), kMost));
  return unused;
}

pipeline::Samples evaluation_samples(const Context& context,
                                     const pipeline::Model& model,
                                     const pipeline::Samples& calibration,
                                     std::int64_t held_out) {
  const OptionValues& options = context.options;
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const auto limit = options.maybe_integer("limit");
  if (options.has("eval-data")) {
    pipeline::Samples samples = pipeline::draw_samples(
        model, sample_options(context, model.file, "eval-data", "test"), limit.value_or(0), seed);
    check_labels(model, samples);
    say_remarks(samples);
    return samples;
  }
  pipeline::Samples rest = pipeline::draw_samples(
      model, sample_options(context, model.file, "data", options.text("split")), 0, seed);
  rest.indices = pipeline::held_out(calibration, limit.value_or(held_out));
  if (rest.indices.empty()) {
    log().warn("{} has one sample, which is used for both calibration and evaluation",
               calibration.used.source);
    rest.indices = calibration.indices;
  }
  rest.used.count = static_cast<std::int64_t>(rest.indices.size());
  check_labels(model, rest);
  return rest;
}

}  // namespace ompq::commands
