#include "ompq/rounding/calibration.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/graph/taken_branch.h"
#include "ompq/quant/histogram_observer.h"
#include "ompq/quant/short_scale.h"
#include "ompq/rounding/largest_scale.h"
#include "ompq/rounding/operand_codes.h"
#include "ompq/targets/placement.h"

namespace ompq::rounding {
namespace {

struct Observed {
  BitWidth bits{kMinBits};
  quant::HistogramObserver histogram;
};

/// Histograms of the quantizers to be chosen, and which values count for which.
struct Observation {
  std::map<graph::ValueId, Observed> observed;
  std::map<graph::ValueId, graph::ValueId> source;  ///< by observed value, a key of `observed`
};

Observation observation_of(const targets::Placement& placement) {
  Observation observation;
  for (const auto& [value, place] : placement) {
    const bool own = place.same_as == graph::kNoValue;
    const graph::ValueId source = own ? value : place.same_as;
    if (placement.at(source).fixed || !(own || place.has_own_numbers)) continue;
    observation.observed[source].bits = placement.at(source).bits;
    observation.source.emplace(value, source);
  }
  return observation;
}

quant::QuantParams prescribed_params(const targets::Place& place) {
  return {.bits = place.bits,
          .symmetry = quant::Symmetry::Asymmetric,
          .granularity = quant::Granularity::per_tensor(),
          .scale = {place.fixed->scale},
          .zero_point = {place.fixed->zero_point}};
}

/// "the input of layer 'conv1'", or "value 'x'" between operators.
std::string place_of(const graph::Graph& graph,
                     const std::vector<graph::Layer>& layers,
                     graph::ValueId value) {
  for (const graph::Layer& layer : layers) {
    if (layer.activation == value) return fmt::format("the input of layer '{}'", layer.name);
  }
  return fmt::format("value '{}'", graph.value(value).name);
}

graph::ValueId insert_clip(graph::Graph& graph,
                           graph::ValueId value,
                           const std::string& name,
                           const quant::QuantParams& params) {
  const float scale = params.scale.front();
  const auto zero = static_cast<float>(params.zero_point.front());
  const auto top = static_cast<float>(params.bits.levels() - 1);
  const auto low = graph.add_constant(name + "_low", Tensor::scalar<float>(-zero * scale));
  const auto high = graph.add_constant(name + "_high", Tensor::scalar<float>((top - zero) * scale));
  return graph.add_op({.name = name + "_clip", .op_type = "Clip", .inputs = {value, low, high}});
}

struct Constants {
  graph::ValueId scale;
  graph::ValueId zero;
};

/// The fixed axis after the batch with the smallest extent above 1; nullopt if there is none.
std::optional<std::size_t> spreading_axis(const std::optional<graph::Shape>& shape) {
  std::optional<std::size_t> best;
  for (std::size_t axis = 1; shape && axis < shape->size(); ++axis) {
    const graph::Dim& dim = (*shape)[axis];
    if (!dim.is_fixed() || dim.size < 2) continue;
    if (!best || dim.size < (*shape)[*best].size) best = axis;
  }
  return best;
}

/// DequantizeLinear with the scale repeated for each slice of an axis. If a dequantizer with a
/// single scale is before a convolution and a quantizer after it, ONNX Runtime rounds the float
/// weights again, to 8 bits with one scale per tensor, which defeats per-channel quantization.
graph::ValueId add_dequantizer(graph::Graph& graph,
                               const std::string& name,
                               graph::ValueId codes,
                               Constants constants,
                               const std::optional<graph::Shape>& shape) {
  graph::Node node{.name = name + "_dq",
                   .op_type = "DequantizeLinear",
                   .inputs = {codes, constants.scale, constants.zero}};
  if (const auto axis = spreading_axis(shape)) {
    const auto slices = static_cast<std::size_t>((*shape)[*axis].size);
    const float scale = graph.value(constants.scale).constant->data<float>().front();
    const auto zero = graph.value(constants.zero).constant->data<std::uint8_t>().front();
    const std::vector<std::int64_t> extents{static_cast<std::int64_t>(slices)};
    node.inputs[1] = graph.add_constant(name + "_scales",
                                        Tensor::from(extents, std::vector<float>(slices, scale)));
    node.inputs[2] = graph.add_constant(
        name + "_zeros", Tensor::from(extents, std::vector<std::uint8_t>(slices, zero)));
    node.attributes["axis"] = static_cast<std::int64_t>(*axis);
  }
  return graph.add_op(std::move(node));
}

void read_instead(graph::Graph& graph,
                  const std::vector<graph::NodeId>& readers,
                  graph::ValueId value,
                  graph::ValueId quantized) {
  for (const graph::NodeId reader : readers) {
    // The branch that is not taken is not changed.
    if (graph.node(reader).has_attribute(graph::kTakenNote)) continue;
    auto& inputs = graph.mutable_node(reader).inputs;
    std::replace(inputs.begin(), inputs.end(), value, quantized);
  }
}

Constants add_constants(graph::Graph& graph,
                        const std::string& name,
                        const quant::QuantParams& params) {
  const auto scale = graph.add_constant(name + "_scale", Tensor::scalar(params.scale.front()));
  const auto zero = graph.add_constant(
      name + "_zero", Tensor::scalar(static_cast<std::uint8_t>(params.zero_point.front())));
  return {scale, zero};
}

void insert_one(graph::Graph& graph, graph::ValueId value, const quant::QuantParams& params) {
  // add_op adds values and invalidates references into the graph: copy what is needed.
  const std::string name = graph.value(value).name + "_q";
  const std::optional<graph::Shape> shape = graph.value(value).shape;
  const std::vector<graph::NodeId> readers = graph.consumers(value);
  const auto [scale, zero] = add_constants(graph, name, params);
  graph::ValueId source = value;
  if (params.bits < BitWidth(8)) {
    source = insert_clip(graph, value, name, params);
    graph.mutable_value(source).shape = shape;
  }
  const auto codes =
      graph.add_op({.name = name, .op_type = "QuantizeLinear", .inputs = {source, scale, zero}});
  graph.mutable_value(codes).type = DataType::UInt8;
  graph.mutable_value(codes).shape = shape;
  const graph::ValueId real = add_dequantizer(graph, name, codes, {scale, zero}, shape);
  graph.mutable_value(real).shape = shape;
  read_instead(graph, readers, value, real);
}

/// Gives the node that produces the network output `value` another result, which is returned.
graph::ValueId detach_output(graph::Graph& graph, graph::ValueId value) {
  graph::Value inner = graph.value(value);
  inner.name += "_float";
  const graph::NodeId maker = graph.producer(value);
  const graph::ValueId result = graph.add_value(std::move(inner));
  auto& outputs = graph.mutable_node(maker).outputs;
  std::replace(outputs.begin(), outputs.end(), value, result);
  return result;
}

/// One scale, and fewer than 8 bits by a Clip of the codes.
/// @param outputs_too  a network output is quantized, too.
void insert_for_integers(graph::Graph& graph,
                         graph::ValueId value,
                         const quant::QuantParams& params,
                         bool outputs_too) {
  const std::string name = graph.value(value).name + "_q";
  const std::optional<graph::Shape> shape = graph.value(value).shape;
  const std::vector<graph::NodeId> readers = graph.consumers(value);
  const bool is_output =
      outputs_too && graph.is_output(value) && graph.producer(value) != graph::kNoNode;
  const graph::ValueId source = is_output ? detach_output(graph, value) : value;
  const auto [scale, zero] = add_constants(graph, name, params);
  const auto describe_codes = [&](graph::ValueId codes) {
    graph.mutable_value(codes).type = DataType::UInt8;
    graph.mutable_value(codes).shape = shape;
    return codes;
  };
  graph::ValueId codes = describe_codes(
      graph.add_op({.name = name, .op_type = "QuantizeLinear", .inputs = {source, scale, zero}}));
  if (params.bits < BitWidth(8)) {
    const auto most = graph.add_constant(
        name + "_most", Tensor::scalar(static_cast<std::uint8_t>(params.bits.levels() - 1)));
    codes = describe_codes(graph.add_op(
        {.name = name + "_clip", .op_type = "Clip", .inputs = {codes, graph::kNoValue, most}}));
  }
  graph::Node dequantize{
      .name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}};
  if (is_output) {
    dequantize.outputs = {value};
    graph.add_node(std::move(dequantize));
    return;
  }
  const graph::ValueId real = graph.add_op(std::move(dequantize));
  graph.mutable_value(real).shape = shape;
  read_instead(graph, readers, value, real);
}

/// Enlarges the range for samples that calibration does not see. Float kernels get short scales,
/// rounded up by at most 6 %. Between integer layers, short scales would make sums of codes end in
/// ties, which runtimes round differently; inputs have a range of their own, as pixels do.
void leave_room(const graph::Graph& graph,
                graph::ValueId value,
                const targets::TargetRow& target,
                quant::QuantParams& params) {
  constexpr float kRoom = 1.03F;
  if (!target.integer_kernels) {
    quant::shorten_scales(params, quant::Snap::Up);
    return;
  }
  if (graph.producer(value) == graph::kNoNode) return;
  float& scale = params.scale.front();
  const float largest = target.drops_bounds ? largest_scale(graph, value, params)
                                            : std::numeric_limits<float>::infinity();
  scale = std::min(scale * kRoom, std::max(scale, largest));
}

}  // namespace

ActivationQuantizers calibrate_activations(const graph::Graph& graph,
                                           const std::vector<graph::Layer>& layers,
                                           const std::vector<BitWidth>& activation_bits,
                                           data::Dataset& dataset,
                                           const std::vector<std::int64_t>& indices,
                                           const CalibrationOptions& options,
                                           const ProgressHandler& progress,
                                           ActivationHistograms* histograms) {
  const targets::TargetRow& target = targets::target(options.target);
  const auto placement = targets::place_quantizers(graph, layers, activation_bits, target);
  auto [observed, source] = observation_of(placement);
  runtime::ExecutorOptions executor_options = options.executor;
  for (const auto& entry : source) executor_options.captured.push_back(entry.first);
  runtime::Executor executor(graph, executor_options);
  const auto capture = [&](graph::ValueId value, const MatrixView& values) {
    try {
      observed.at(source.at(value)).histogram.observe(values);
    } catch (const DataError& error) {
      throw DataError(
          "calibration",
          fmt::format("{} cannot be observed: {}", place_of(graph, layers, value), error.what()));
    }
  };
  data::for_each_batch(
      dataset,
      indices,
      options.batch_size,
      [&](const data::Batch& batch) { (void)executor.run(batch.inputs, capture); },
      "calibration",
      progress);
  ActivationQuantizers quantizers;
  const quant::Symmetry symmetry =
      target.symmetric_activations ? quant::Symmetry::Symmetric : quant::Symmetry::Asymmetric;
  for (const auto& [value, entry] : observed) {
    quant::QuantParams params = entry.histogram.choose_qparams({.bits = entry.bits,
                                                                .symmetry = symmetry,
                                                                .method = options.range,
                                                                .percentile = options.percentile});
    leave_room(graph, value, target, params);
    quantizers.emplace(value, std::move(params));
    if (histograms == nullptr) continue;
    const quant::HistogramObserver& seen = entry.histogram;
    histograms->insert_or_assign(
        value, ActivationHistogram{seen.lower_edge(), seen.bin_width(), seen.bins()});
  }
  for (const auto& [value, place] : placement) {
    const bool own = place.same_as == graph::kNoValue;
    if (own && place.fixed) quantizers.emplace(value, prescribed_params(place));
  }
  for (const auto& [value, place] : placement) {
    if (place.same_as == graph::kNoValue) continue;
    quantizers.emplace(value, quantizers.at(place.same_as));
    if (histograms == nullptr) continue;
    // A prescribed quantizer has none.
    const auto seen = histograms->find(place.same_as);
    if (seen != histograms->end()) histograms->emplace(value, seen->second);
  }
  return quantizers;
}

void insert_activation_quantizers(graph::Graph& graph,
                                  const ActivationQuantizers& quantizers,
                                  const targets::TargetRow& target) {
  const bool outputs_too = target.between == targets::Between::Everything;
  if (target.integer_kernels && target.constants_as_codes) {
    insert_operand_codes(graph, [&](graph::ValueId value) { return quantizers.contains(value); });
  }
  for (const auto& [value, params] : quantizers) {
    if (target.integer_kernels) {
      insert_for_integers(graph, value, params, outputs_too);
    } else {
      insert_one(graph, value, params);
    }
  }
  graph.sort();
}

}  // namespace ompq::rounding
