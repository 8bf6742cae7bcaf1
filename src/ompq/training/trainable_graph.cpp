#include "ompq/training/trainable_graph.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/infer.h"
#include "ompq/ops/operator.h"
#include "ompq/quant/short_scale.h"
#include "ompq/rounding/quantizer_limits.h"
#include "ompq/runtime/passes.h"
#include "ompq/targets/target_table.h"
#include "ompq/training/convolution.h"
#include "ompq/training/network_parts.h"
#include "ompq/training/network_plan.h"
#include "ompq/training/operands.h"
#include "ompq/training/product.h"

namespace ompq::training {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

namespace {

using Bindings = std::unordered_map<ValueId, at::Tensor>;

bool reduced_precision(runtime::Precision precision) {
  if (precision == runtime::Precision::BFloat16 && !runtime::has_native_bfloat16()) {
    throw ConfigError("training",
                      "this processor does not support bfloat16 natively; use float32 or auto");
  }
  return precision == runtime::Precision::BFloat16;
}

}  // namespace

struct TrainableGraph::Impl {
  NetworkParts parts;
  bool narrow = false;  ///< bfloat16 in training
  std::vector<PlannedStep> steps;
  std::map<ValueId, ActivationQuantizer>
      activation_quantizers;  ///< without those of `limits.same_as`
  rounding::QuantizerLimits limits;
  std::string target{targets::kDefaultTarget};
  std::map<ValueId, WeightQuantizer> weight_quantizers;
  std::map<NodeId, ConvolutionCache> caches;
  std::vector<Parameter> parameters;
  bool quantized = false;

  /// One pass over the network.
  struct Pass {
    Mode mode = Mode::Training;
    double momentum = 0.1;
    Bindings made;
    Bindings weights;
    std::map<ValueId, WeightSteps> weight_steps;
    [[nodiscard]] bool trains() const { return mode != Mode::Evaluation; }
  };

  Impl(const Graph& graph, const NetworkOptions& options)
      : parts(take_apart(graph, options.norms)), narrow(reduced_precision(options.precision)) {
    plan();
  }

  void plan() {
    std::set<ValueId> quantized_values;
    for (const auto& [value, quantizer] : activation_quantizers) quantized_values.insert(value);
    for (const auto& [value, source] : limits.same_as) quantized_values.insert(value);
    std::map<NodeId, int> norms;
    for (std::size_t i = 0; i < parts.norms.size(); ++i) {
      norms.emplace(parts.norms[i].node, static_cast<int>(i));
    }
    steps = plan_steps({parts.folded, parts.products, norms, quantized_values});
    list_parameters();
  }

  void list_parameters() {
    parameters.clear();
    for (auto& [id, part] : parts.parameters) {
      parameters.push_back({part.name, part.role, part.tensor, {}});
      const auto quantizer = weight_quantizers.find(id);
      if (quantizer == weight_quantizers.end() || !quantizer->second.learned.defined()) continue;
      parameters.push_back(
          {part.name + ".step", Role::Step, quantizer->second.learned, quantizer->second.floor});
    }
    for (NormPart& part : parts.norms) {
      parameters.push_back({part.norm.name + ".scale", Role::Norm, part.norm.scale, {}});
      parameters.push_back({part.norm.name + ".shift", Role::Norm, part.norm.shift, {}});
    }
    for (auto& [id, quantizer] : activation_quantizers) {
      if (!quantizer.learned.defined()) continue;
      const bool clip = quantizer.method->activations == ActivationRange::LearnedClip;
      parameters.push_back({quantizer.name + (clip ? ".clip" : ".input_step"),
                            clip ? Role::Clip : Role::Step,
                            quantizer.learned,
                            {quantizer.floor}});
    }
  }

  // --- weights and biases ------------------------------------------------------------------------

  [[nodiscard]] const NormPart* norm_of(const graph::Layer& layer) const {
    for (const NormPart& part : parts.norms) {
      if (part.node == layer.node) return &part;
    }
    return nullptr;
  }
  [[nodiscard]] std::vector<float> factors_of(const graph::Layer& layer) const {
    const NormPart* part = norm_of(layer);
    return part == nullptr ? std::vector<float>() : folding_factors(part->norm);
  }

  void bind_weights(Pass& pass) {
    for (const graph::Layer& layer : parts.layers) {
      if (pass.weights.contains(layer.weight)) continue;
      const at::Tensor& own = parts.parameters.at(layer.weight).tensor;
      const auto quantizer = weight_quantizers.find(layer.weight);
      if (quantizer == weight_quantizers.end()) {
        pass.weights[layer.weight] = own;
        continue;
      }
      const std::vector<float> factors = factors_of(layer);
      pass.weight_steps[layer.weight] = steps_of(quantizer->second, own, factors);
      if (pass.trains() || factors.empty()) {
        pass.weights[layer.weight] =
            quantized_weight(quantizer->second, own, pass.weight_steps[layer.weight]);
      } else {
        pass.weights[layer.weight] =
            ops::to_aten(quant::dequantize(codes_of(quantizer->second, own, factors)));
      }
    }
  }

  /// The bias of the layer, rounded as in the file; undefined if it has none.
  at::Tensor bias_of(const Pass& pass, const graph::Layer& layer) {
    const NormPart* part = norm_of(layer);
    const auto steps = pass.weight_steps.find(layer.weight);
    const bool folded = part != nullptr && !pass.trains() && steps != pass.weight_steps.end();
    at::Tensor bias;
    if (folded) {
      bias = folded_bias(*part, factors_of(layer));
    } else if (const auto own = parts.parameters.find(layer.bias); own != parts.parameters.end()) {
      bias = own->second.tensor;
    }
    const auto quantizer = activation_quantizers.find(limits.source(layer.input));
    const bool rounded = steps != pass.weight_steps.end() &&
                         quantizer != activation_quantizers.end() && (folded || part == nullptr);
    if (!bias.defined() || !rounded) return bias;
    const float step = grid_of(quantizer->second).scale;
    at::Tensor value = bias.detach().contiguous().clone();
    quant::round_biases({value.data_ptr<float>(), static_cast<std::size_t>(value.numel())},
                        step,
                        steps->second.folded);
    return straight_through(bias, value);
  }

  // --- running -----------------------------------------------------------------------------------

  at::Tensor resolve(const Pass& pass, ValueId id) {
    if (id == kNoValue) return {};
    if (const auto found = pass.made.find(id); found != pass.made.end()) return found->second;
    if (const auto found = pass.weights.find(id); found != pass.weights.end()) return found->second;
    if (const auto layer = parts.layer_of_bias.find(id); layer != parts.layer_of_bias.end()) {
      return bias_of(pass, parts.layers[layer->second]);
    }
    if (const auto found = parts.parameters.find(id); found != parts.parameters.end()) {
      return found->second.tensor;
    }
    return parts.constants.at(id);
  }

  at::Tensor run_product(Pass& pass, const PlannedStep& step) {
    const graph::Layer& layer = parts.layers[parts.layer_of_node.at(step.product)];
    // The bias after a MatMul is a separate Add.
    const bool adds_bias =
        layer.bias != kNoValue && parts.folded.node(step.product).input(2) == layer.bias;
    const bool wide = !narrow || pass.mode != Mode::Training || parts.folded.is_output(step.output);
    const at::Tensor x = pass.made.at(layer.input).to(wide ? at::kFloat : at::kBFloat16);
    return multiply({.context = {parts.folded.node(step.product), parts.folded.opset},
                     .x = in_layout(x),
                     .weight = pass.weights.at(layer.weight),
                     .bias = adds_bias ? bias_of(pass, layer) : at::Tensor()},
                    caches[step.product]);
  }

  at::Tensor run_epilogue(Pass& pass, const PlannedStep& step, const at::Tensor& z) {
    const PlannedEpilogue& planned = step.epilogue;
    EpilogueOptions options{.momentum = pass.momentum, .min = planned.min, .max = planned.max};
    if (planned.norm >= 0) {
      NormPart& part = parts.norms[static_cast<std::size_t>(planned.norm)];
      options.batch_statistics = pass.trains() && part.trained;
      options.norm = is_folded(pass, part) ? nullptr : &part.norm;
    }
    if (planned.quantized) {
      options.quantizer = &activation_quantizers.at(limits.source(step.output));
      options.observe = pass.mode == Mode::Training && !limits.is_on_grid(step.output);
    }
    at::Tensor residual;
    if (planned.residual != kNoValue) residual = pass.made.at(planned.residual);
    if (options.norm == nullptr && options.quantizer == nullptr && !planned.any()) return z;
    return apply_epilogue(z, residual, options);
  }

  /// True if the norm is folded into the weight and bias of this pass.
  [[nodiscard]] bool is_folded(const Pass& pass, const NormPart& part) const {
    const auto layer = parts.layer_of_node.find(part.node);
    return !pass.trains() && layer != parts.layer_of_node.end() &&
           weight_quantizers.contains(parts.layers[layer->second].weight);
  }

  void run_other(Pass& pass, NodeId id) {
    const Node& node = parts.folded.node(id);
    std::vector<at::Tensor> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(resolve(pass, input));
    unify_types(inputs);
    std::vector<at::Tensor> outputs =
        ops::find_operator(node.domain, node.op_type)->run({node, parts.folded.opset}, inputs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      pass.made[node.outputs[i]] = outputs[i];
    }
  }

  /// Number of samples in `inputs`, from the first one with a batch axis.
  [[nodiscard]] std::int64_t samples_in(std::span<const at::Tensor> inputs,
                                        std::optional<std::int64_t> fixed) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const graph::Shape& shape = *parts.folded.value(parts.folded.inputs()[i]).shape;
      if (inputs[i].dim() == 0) continue;
      const std::int64_t rows = inputs[i].size(0);
      const bool more_axes = inputs[i].dim() > static_cast<std::int64_t>(shape.size());
      if (more_axes || shape.empty()) return rows;
      if (shape.front().times_batch) return rows / shape.front().size;
      if (fixed && shape.front().size == *fixed) return rows;
    }
    return 1;
  }

  /// Runs the samples, in several passes if the network has a fixed batch.
  [[nodiscard]] runtime::Passes passes_of(std::span<const at::Tensor> inputs) const {
    const auto fixed = runtime::fixed_batch(parts.folded);
    const std::int64_t samples = samples_in(inputs, fixed);
    return {samples, fixed.value_or(samples), fixed.has_value()};
  }

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, Mode mode, double momentum) {
    require_count(inputs);
    const runtime::Passes passes = passes_of(inputs);
    // A pass counts in running statistics by its share of the batch.
    Pass common{.mode = mode, .momentum = momentum / static_cast<double>(passes.count())};
    bind_weights(common);
    std::vector<std::vector<at::Tensor>> parts_of_outputs;
    for (std::int64_t p = 0; p < passes.count(); ++p) {
      std::vector<at::Tensor> part;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const graph::Value& input = parts.folded.value(parts.folded.inputs()[i]);
        part.push_back(passes.fixed ? runtime::part_of(inputs[i], input, passes, p) : inputs[i]);
      }
      const std::vector<at::Tensor> outputs = run_pass(common, part);
      parts_of_outputs.resize(outputs.size());
      for (std::size_t o = 0; o < outputs.size(); ++o) parts_of_outputs[o].push_back(outputs[o]);
    }
    std::vector<at::Tensor> results;
    for (const auto& output : parts_of_outputs) results.push_back(runtime::joined(output, passes));
    return results;
  }

  std::vector<at::Tensor> run_pass(const Pass& common, std::span<const at::Tensor> inputs) {
    check(inputs);
    Pass pass = common;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      pass.made[parts.folded.inputs()[i]] = in_layout(inputs[i]);
    }
    Bindings outputs;
    for (const PlannedStep& step : steps) {
      if (step.other != kNoNode) {
        run_other(pass, step.other);
      } else {
        const at::Tensor z =
            step.product != kNoNode ? run_product(pass, step) : resolve(pass, step.input);
        pass.made[step.output] = run_epilogue(pass, step, z);
      }
      // An output that is also read quantized is kept unquantized.
      if (parts.folded.is_output(step.output)) outputs.emplace(step.output, pass.made[step.output]);
      for (const ValueId value : step.last_read) pass.made.erase(value);
    }
    std::vector<at::Tensor> results;
    for (const ValueId id : parts.folded.outputs()) {
      const auto found = outputs.find(id);
      const at::Tensor value = found != outputs.end() ? found->second : resolve(pass, id);
      if (parts.folded.value(id).type == DataType::Float32) results.push_back(value.to(at::kFloat));
    }
    return results;
  }

  void require_count(std::span<const at::Tensor> inputs) const {
    const auto& wanted = parts.folded.inputs();
    if (inputs.size() == wanted.size()) return;
    throw ShapeError(
        "training",
        fmt::format("got {} inputs for a network with {}", inputs.size(), wanted.size()));
  }

  void check(std::span<const at::Tensor> inputs) const {
    const auto& wanted = parts.folded.inputs();
    const std::int64_t samples = samples_in(inputs, runtime::fixed_batch(parts.folded));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto& value = parts.folded.value(wanted[i]);
      if (inputs[i].sizes().vec() == graph::extents_at(*value.shape, samples)) continue;
      throw ShapeError("training",
                       fmt::format("input '{}' has shape {}, but the network takes {}",
                                   value.name,
                                   shape_text(inputs[i].sizes().vec()),
                                   graph::to_string(*value.shape)));
    }
  }

  // --- quantization ------------------------------------------------------------------------------

  void quantize(const rounding::NetworkCodes& codes, const QuantizerMethod& method) {
    if (quantized) {
      throw ConfigError("training", "the network is already quantized; create a new one");
    }
    quantized = true;
    std::set<std::string> known;
    for (const graph::Layer& layer : parts.layers) quantize_layer(layer, codes, method, known);
    for (const auto& [name, weight] : codes.weights) {
      if (known.contains(name)) continue;
      throw ConfigError("training",
                        fmt::format("codes for '{}', which is not a layer's weight", name));
    }
    quantize_activations(codes, method);
    plan();
  }

  void quantize_activations(const rounding::NetworkCodes& codes, const QuantizerMethod& method) {
    for (const auto& [value, params] : codes.activations) {
      const bool exists =
          value >= 0 && static_cast<std::size_t>(value) < parts.folded.values().size();
      if (exists && !parts.folded.is_constant(value)) continue;
      throw ConfigError("training",
                        fmt::format("a quantizer for value {}, which is not an activation", value));
    }
    target = codes.target;
    limits = rounding::quantizer_limits(
        parts.folded, parts.layers, codes.activations, targets::target(target));
    for (const auto& [value, params] : codes.activations) {
      if (limits.same_as.contains(value)) continue;
      const std::string& name = parts.folded.value(value).name;
      auto quantizer = make_activation_quantizer(method, name, params, limits.rule(value));
      activation_quantizers.emplace(value, std::move(quantizer));
    }
  }

  void quantize_layer(const graph::Layer& layer,
                      const rounding::NetworkCodes& codes,
                      const QuantizerMethod& method,
                      std::set<std::string>& known) {
    const std::vector<float> factors = factors_of(layer);
    if (const auto bias = layer.bias == kNoValue
                              ? codes.biases.end()
                              : codes.biases.find(parts.folded.value(layer.bias).name);
        bias != codes.biases.end()) {
      replace_bias(layer, bias->second, factors);
    }
    ParameterPart& part = parts.parameters.at(layer.weight);
    const auto found = codes.weights.find(parts.folded.value(layer.weight).name);
    if (found == codes.weights.end() || weight_quantizers.contains(layer.weight)) return;
    known.insert(found->first);
    part.tensor = moved_to_codes(part.tensor, found->second, factors).requires_grad_(true);
    weight_quantizers.emplace(layer.weight,
                              make_weight_quantizer(method, part.name, found->second, factors));
  }

  void replace_bias(const graph::Layer& layer,
                    const std::vector<float>& values,
                    const std::vector<float>& factors) {
    const NormPart* part = norm_of(layer);
    at::Tensor target = part != nullptr ? part->norm.shift : parts.parameters.at(layer.bias).tensor;
    if (target.numel() != static_cast<std::int64_t>(values.size())) {
      throw ShapeError("training",
                       fmt::format("got {} values for the bias of layer '{}', which has {}",
                                   values.size(),
                                   layer.name,
                                   target.numel()));
    }
    const at::NoGradGuard guard;
    at::Tensor moved = at::tensor(at::ArrayRef<float>(values), at::TensorOptions(at::kFloat));
    if (part != nullptr) moved = moved - (folded_bias(*part, factors) - part->norm.shift);
    target.copy_(moved.reshape(target.sizes()));
  }

  [[nodiscard]] rounding::NetworkCodes codes() const {
    rounding::NetworkCodes result{.target = target};
    for (const graph::Layer& layer : parts.layers) {
      const std::vector<float> factors = factors_of(layer);
      const auto quantizer = weight_quantizers.find(layer.weight);
      if (quantizer != weight_quantizers.end()) {
        const std::string& name = parts.folded.value(layer.weight).name;
        if (!result.weights.contains(name)) {
          result.weights.emplace(
              name, codes_of(quantizer->second, parts.parameters.at(layer.weight).tensor, factors));
        }
      }
      if (layer.bias == kNoValue) continue;
      const NormPart* part = norm_of(layer);
      at::Tensor bias = part != nullptr ? folded_bias(*part, factors)
                                        : parts.parameters.at(layer.bias).tensor.detach();
      bias = bias.contiguous();
      const float* b = bias.data_ptr<float>();
      result.biases[parts.folded.value(layer.bias).name] = {b, b + bias.numel()};
    }
    for (const auto& [value, quantizer] : activation_quantizers) {
      ActivationQuantizer copy = quantizer;
      result.activations.emplace(value, params_of(copy));
    }
    limits.repeat(result.activations);
    return result;
  }
};

TrainableGraph::TrainableGraph(const Graph& graph, const NetworkOptions& options)
    : impl_(std::make_unique<Impl>(graph, options)) {}
TrainableGraph::~TrainableGraph() = default;
TrainableGraph::TrainableGraph(TrainableGraph&&) noexcept = default;

void TrainableGraph::quantize(const rounding::NetworkCodes& codes, std::string_view method) {
  impl_->quantize(codes, find_quantizer_method(method));
}

std::vector<at::Tensor> TrainableGraph::forward(std::span<const at::Tensor> inputs,
                                                Mode mode,
                                                double momentum) {
  if (mode == Mode::Training) return impl_->run(inputs, mode, momentum);
  const at::NoGradGuard guard;
  return impl_->run(inputs, mode, momentum);
}

at::Tensor TrainableGraph::forward(const at::Tensor& input, Mode mode) {
  return forward({&input, 1}, mode).front();
}

std::vector<Parameter>& TrainableGraph::parameters() { return impl_->parameters; }

std::vector<Buffer> TrainableGraph::buffers() {
  std::vector<Buffer> buffers;
  for (NormPart& part : impl_->parts.norms) {
    buffers.push_back({part.norm.name + ".mean", part.norm.mean});
    buffers.push_back({part.norm.name + ".variance", part.norm.variance});
  }
  for (auto& [id, quantizer] : impl_->activation_quantizers) {
    if (quantizer.range.defined()) buffers.push_back({quantizer.name + ".range", quantizer.range});
  }
  return buffers;
}

void TrainableGraph::project() {
  for (Parameter& parameter : impl_->parameters) {
    if (parameter.floor.empty()) continue;
    float* values = parameter.tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < parameter.tensor.numel(); ++i) {
      const auto at = static_cast<std::size_t>(i) % parameter.floor.size();
      values[i] = std::max(values[i], parameter.floor[at]);
    }
  }
}

const Graph& TrainableGraph::folded_graph() const { return impl_->parts.folded; }
const std::vector<graph::Layer>& TrainableGraph::layers() const { return impl_->parts.layers; }
Graph TrainableGraph::float_graph() const { return put_together(impl_->parts); }
Graph TrainableGraph::unfolded_graph() const { return with_norms(impl_->parts); }
rounding::NetworkCodes TrainableGraph::codes() const { return impl_->codes(); }

}  // namespace ompq::training
