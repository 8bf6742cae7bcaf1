#include "ompq/diagnosis/diagnosis.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/diagnosis/advice.h"
#include "ompq/diagnosis/float_layer_gain.h"
#include "ompq/diagnosis/layer_noise.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/quantized_layer.h"
#include "ompq/pipeline/value_comparison.h"

namespace ompq::diagnosis {
namespace {

using graph::ValueId;

/// The features of all layers and the outputs of all blocks, without duplicates.
std::vector<ValueId> watched_values(const pipeline::Model& model) {
  std::vector<ValueId> values;
  for (const graph::Layer& layer : model.discovery.layers) values.push_back(layer.feature);
  for (const graph::Block& block : model.discovery.blocks) values.push_back(block.output);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::vector<ValueId> same_values(const graph::Graph& float_graph,
                                 const std::vector<ValueId>& values,
                                 const graph::Graph& other) {
  std::vector<ValueId> found;
  for (const ValueId id : values) found.push_back(pipeline::same_value(float_graph, id, other));
  return found;
}

/// A float network that serves as the reference.
class Reference {
 public:
  Reference(const graph::Graph& graph,
            const std::vector<ValueId>& watched,
            runtime::ExecutorOptions options)
      : watched_(watched), executor_(graph, capturing(std::move(options))) {}

  void run(const data::Batch& batch) { batch_ = pipeline::run_captured(executor_, batch.inputs); }
  /// The watched value at this position.
  [[nodiscard]] const std::vector<float>& value(std::size_t place) const {
    return batch_.values.at(watched_[place]);
  }
  [[nodiscard]] const Tensor& output() const { return batch_.outputs.front(); }

 private:
  [[nodiscard]] runtime::ExecutorOptions capturing(runtime::ExecutorOptions options) const {
    options.captured = watched_;
    return options;
  }

  std::vector<ValueId> watched_;
  runtime::Executor executor_;
  pipeline::CapturedBatch batch_;
};

/// Compares the watched values of a quantized network with those of its reference.
class Comparison {
 public:
  Comparison(const graph::Graph& graph,
             std::vector<ValueId> watched,
             runtime::ExecutorOptions options)
      : watched_(std::move(watched)),
        executor_(graph, capturing(std::move(options))),
        values_(watched_.size()) {
    for (std::size_t place = 0; place < watched_.size(); ++place) place_[watched_[place]] = place;
  }

  void add(const data::Batch& batch, const Reference& reference) {
    const auto outputs = executor_.run(batch.inputs, [&](ValueId id, const MatrixView& rows) {
      const std::size_t place = place_.at(id);
      values_[place].add(reference.value(place), pipeline::floats_of(rows));
    });
    if (outputs.front().type() == DataType::Float32) {
      output_.add(reference.output().data<float>(), outputs.front().data<float>());
    }
  }

  [[nodiscard]] std::optional<double> snr_db(std::size_t place) const {
    return values_[place].snr_db();
  }
  [[nodiscard]] std::optional<double> output_snr_db() const { return output_.snr_db(); }

 private:
  [[nodiscard]] runtime::ExecutorOptions capturing(runtime::ExecutorOptions options) const {
    options.captured = watched_;
    return options;
  }

  std::vector<ValueId> watched_;
  runtime::Executor executor_;
  std::vector<pipeline::ValueComparison> values_;
  std::map<ValueId, std::size_t> place_;
  pipeline::ValueComparison output_;
};

/// All measurements that process batches.
class Measurer {
 public:
  Measurer(const pipeline::Model& model,
           const DiagnosedNetwork& before,
           const DiagnosedNetwork& after,
           const DiagnosisOptions& options)
      : watched_(watched_values(model)), options_(options), same_(&before.graph == &after.graph) {
    const auto& layers = model.discovery.layers;
    const graph::Graph& float_graph = after.reference != nullptr ? *after.reference : model.graph;
    const auto reference_of = [&](const DiagnosedNetwork& network) {
      const graph::Graph& graph = network.reference != nullptr ? *network.reference : model.graph;
      return std::make_unique<Reference>(
          graph, same_values(model.graph, watched_, graph), options.executor);
    };
    const auto comparison_of = [&](const DiagnosedNetwork& network) {
      return std::make_unique<Comparison>(
          network.graph, same_values(model.graph, watched_, network.graph), options.executor);
    };
    reference_ = reference_of(after);
    if (before.reference != after.reference && !same_) before_reference_ = reference_of(before);
    after_ = comparison_of(after);
    if (!same_) before_ = comparison_of(before);
    noise_.emplace(float_graph, layers, after.graph, options.executor);
    const bool judged = float_graph.value(float_graph.outputs().front()).type == DataType::Float32;
    if (options.gain_samples > 0 && judged) {
      gain_.emplace(float_graph, layers, after.graph, options.executor);
    }
  }

  void add(const data::Batch& batch) {
    reference_->run(batch);
    after_->add(batch, *reference_);
    if (before_reference_) before_reference_->run(batch);
    if (before_) before_->add(batch, before_reference_ ? *before_reference_ : *reference_);
    noise_->add_batch(batch.inputs);
    if (gain_ && gain_samples_ < options_.gain_samples) {
      gain_->add_batch(batch.inputs, reference_->output());
      gain_samples_ += batch.size;
    }
    samples_ += batch.size;
  }

  void report(const pipeline::Model& model, report::Diagnosis& result) const {
    result.samples = samples_;
    result.gain_samples = gain_samples_;
    result.output_snr_before_db = before().output_snr_db();
    result.output_snr_after_db = after_->output_snr_db();
    const auto gains = gain_ ? gain_->result() : std::vector<std::optional<double>>{};
    for (std::size_t l = 0; l < result.layers.size(); ++l) {
      report::LayerDiagnosis& row = result.layers[l];
      const ValueId feature = model.discovery.layers[l].feature;
      row.snr_before_db = before().snr_db(place_of(feature));
      row.snr_after_db = after_->snr_db(place_of(feature));
      report_noise(noise_->result()[l], row);
      if (gain_) row.gain_db = gains[l];
    }
    for (std::size_t b = 0; b < result.blocks.size(); ++b) {
      const std::size_t place = place_of(model.discovery.blocks[b].output);
      result.blocks[b].snr_before_db = before().snr_db(place);
      result.blocks[b].snr_after_db = after_->snr_db(place);
    }
  }

  [[nodiscard]] const std::vector<ValueId>& watched() const { return watched_; }
  [[nodiscard]] std::int64_t samples() const { return samples_; }

 private:
  [[nodiscard]] const Comparison& before() const { return before_ ? *before_ : *after_; }

  [[nodiscard]] std::size_t place_of(ValueId id) const {
    return static_cast<std::size_t>(std::lower_bound(watched_.begin(), watched_.end(), id) -
                                    watched_.begin());
  }

  static void report_noise(const LayerNoise& own, report::LayerDiagnosis& row) {
    row.weight_snr_db = own.weights.snr_db();
    row.input_snr_db = own.input.snr_db();
    const InputNoise& input = own.at_input;
    if (input.quantized.elements == 0) return;
    row.channel_spread = input.channel_spread();
    row.peak_to_rms = input.peak_to_rms();
    row.clipped_share =
        static_cast<double>(input.clipped) / static_cast<double>(input.quantized.elements);
    if (input.quantized.noise > 0) {
      row.clipping_noise_share = input.clipping_noise / input.quantized.noise;
    }
  }

  std::vector<ValueId> watched_;  // ascending
  const DiagnosisOptions& options_;
  bool same_;
  std::unique_ptr<Reference> reference_;         // of `after`
  std::unique_ptr<Reference> before_reference_;  // if it is another one
  std::unique_ptr<Comparison> after_;
  std::unique_ptr<Comparison> before_;  // nullptr if both are the same
  std::optional<LayerNoiseMeter> noise_;
  std::optional<FloatLayerGain> gain_;
  std::int64_t gain_samples_ = 0;
  std::int64_t samples_ = 0;
};

std::optional<int> width_of(const std::vector<int>& bits, std::size_t layer) {
  if (bits.empty() || bits.at(layer) == allocation::kFloatBits) return std::nullopt;
  return bits[layer];
}

void describe(const pipeline::Model& model,
              const DiagnosisOptions& options,
              report::Diagnosis& result) {
  const auto& layers = model.discovery.layers;
  for (const auto* bits : {&options.weight_bits, &options.activation_bits}) {
    if (bits->empty() || bits->size() == layers.size()) continue;
    throw ConfigError(
        "diagnosis", fmt::format("{} widths for {} layers; one each", bits->size(), layers.size()));
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const graph::Layer& layer = layers[l];
    result.layers.push_back(
        {.name = layer.name,
         .op_type = layer.op_type,
         .depthwise = layer.groups > 1 && layer.groups == layer.out_channels,
         .weight_bits = width_of(options.weight_bits, l),
         .activation_bits = width_of(options.activation_bits, l),
         .reads_network_input = pipeline::is_network_input(model.graph, layer.input)});
  }
  for (const graph::Block& block : model.discovery.blocks) {
    report::BlockDiagnosis row{.name = block.name};
    for (const graph::LayerId id : block.layers) {
      report::LayerDiagnosis& layer = result.layers.at(static_cast<std::size_t>(id));
      layer.block = block.name;
      row.layers.push_back(layer.name);
    }
    result.blocks.push_back(std::move(row));
  }
}

}  // namespace

report::Diagnosis diagnose(const pipeline::Model& model,
                           const DiagnosedNetwork& before,
                           const DiagnosedNetwork& after,
                           data::Dataset& dataset,
                           const std::vector<std::int64_t>& indices,
                           const DiagnosisOptions& options,
                           const ProgressHandler& progress) {
  report::Diagnosis result;
  describe(model, options, result);
  Measurer measurer(model, before, after, options);
  data::for_each_batch(
      dataset,
      indices,
      pipeline::capture_batch_size(model.graph, measurer.watched(), options.batch_size),
      [&](const data::Batch& batch) { measurer.add(batch); },
      "diagnosis",
      progress);
  if (measurer.samples() == 0) {
    throw DataError("diagnosis", "no sample could be read; give at least one valid sample");
  }
  measurer.report(model, result);
  result.advice = advise(result);
  return result;
}

}  // namespace ompq::diagnosis
