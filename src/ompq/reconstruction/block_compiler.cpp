#include "ompq/reconstruction/block_compiler.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/ops/operator.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/short_scale.h"

namespace ompq::reconstruction {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Cache size for the activations and gradients of a micro-batch.
constexpr std::int64_t kCacheBytes = std::int64_t{2} << 20;

/// The bounds to which the node clips its first operand.
std::optional<Bounds> bounds_at(const Graph& graph, const Node& node) {
  const std::optional<graph::Bounds> bounds = graph::bounds_of(graph, node);
  return bounds ? std::optional(Bounds{bounds->low, bounds->high}) : std::nullopt;
}

/// A product of the program.
struct Product {
  runtime::ConvolutionShape shape;
  ValueId weight = graph::kNoValue;
  std::vector<float> bias;
  ValueId bias_value = graph::kNoValue;
  bool transposed = false;
};

class Compiler {
 public:
  Compiler(const Graph& graph, const LearnedParts& learned, const CompileOptions& options)
      : graph_(graph), learned_(learned), options_(options) {
    context_ = {options.type, options.type == Element::BFloat16 ? at::kBFloat16 : at::kFloat};
    block_.type = context_.scalar;
  }

  CompiledBlock run() {
    check();
    block_.rows = choose_rows();
    const ValueId input = graph_.inputs().front();
    block_.input = add_slot(input, false);
    slot_of_[input] = quantized(input, block_.input, {});
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (!done_.contains(id)) compile(id);
    }
    block_.output = slot_of_.at(graph_.outputs().front());
    for (const ValueId id : options_.features) block_.features.push_back(slot_of_.at(id));
    for (std::size_t i = 0; i < block_.ops.size(); ++i) block_.ops[i]->index = i;
    return std::move(block_);
  }

 private:
  void check() const {
    if (graph_.inputs().size() != 1 || graph_.outputs().size() != 1) {
      throw ConfigError(
          "reconstruction",
          fmt::format("a block must have one input and one output, but this one has {} and {}",
                      graph_.inputs().size(),
                      graph_.outputs().size()));
    }
  }

  // --- extents -----------------------------------------------------------------------------------

  std::vector<std::int64_t> extents(ValueId id) const {
    return graph::extents_at(graph_.value(id).shape.value(), block_.rows);
  }

  bool has_fixed_batch() const {
    const auto& shape = *graph_.value(graph_.inputs().front()).shape;
    return std::none_of(
        shape.begin(), shape.end(), [](const graph::Dim& dim) { return dim.times_batch; });
  }

  /// The number of rows that fit into the cache; more if the weights are larger, since each
  /// micro-batch reads and writes them once.
  std::int64_t choose_rows() const {
    if (has_fixed_batch()) return 1;
    if (options_.rows > 0) return dividing(options_.rows);
    std::int64_t row_bytes = 1;
    std::int64_t weight_bytes = 0;
    for (const graph::Value& value : graph_.values()) {
      if (value.constant) {
        weight_bytes += 4 * value.constant->elements();
      } else if (value.shape) {
        const auto at_one = graph::extents_at(*value.shape, 1);
        row_bytes += 2 * (options_.type == Element::BFloat16 ? 2 : 4) * element_count(at_one);
      }
    }
    const std::int64_t wanted = std::max(kCacheBytes, weight_bytes) / row_bytes;
    return dividing(wanted);
  }

  /// The largest number of rows up to `wanted` that is the same for every thread.
  std::int64_t dividing(std::int64_t wanted) const {
    const std::int64_t max = std::max<std::int64_t>(options_.batch / options_.threads, 1);
    for (std::int64_t rows = std::clamp<std::int64_t>(wanted, 1, max); rows > 1; --rows) {
      if (options_.batch % rows == 0) return rows;
    }
    return 1;
  }

  // --- slots -------------------------------------------------------------------------------------

  Slot add_slot(ValueId id, bool needs_gradient) {
    block_.slots.push_back({extents(id), needs_gradient, std::nullopt});
    return block_.slots.size() - 1;
  }
  bool needs(Slot slot) const { return block_.slots[slot].needs_gradient; }
  bool is_output(ValueId id) const { return graph_.is_output(id); }
  bool is_feature(ValueId id) const {
    return std::ranges::find(options_.features, id) != options_.features.end();
  }
  /// True if exactly one operator of the program reads the value, once, and nothing else does.
  bool read_once(ValueId id) const {
    const auto readers = graph_.consumers(id);
    if (readers.size() != 1 || is_output(id) || is_feature(id)) return false;
    const auto& inputs = graph_.node(readers.front()).inputs;
    return std::count(inputs.begin(), inputs.end(), id) == 1;
  }
  bool is_quantized(ValueId id) const { return learned_.quantizers.contains(id) && !is_output(id); }

  /// The slot of `id` for readers: the quantized one if there is a quantizer.
  Slot quantized(ValueId id, Slot raw, const Bounds& bounds) {
    if (!is_quantized(id)) return raw;
    const quant::QuantParams& params = learned_.quantizers.at(id);
    const bool learns = learned_.steps.contains(id);
    const Slot slot = add_slot(id, needs(raw) || learns);
    block_.slots[raw].shares_gradient_of = slot;
    block_.slots[raw].needs_gradient = needs(slot);
    auto op = std::make_unique<QuantizeOp>(
        QuantizeSpec{.name = graph_.value(id).name + " (quantizer)",
                     .input = raw,
                     .output = slot,
                     .bounds = bounds,
                     .needs_gradient = needs(slot),
                     .stream = static_cast<std::uint32_t>(block_.quantizers.size()) + 1,
                     .drop_threshold = options_.drop_threshold},
        context_,
        quant::grid_of(params));
    quantizer_of_[id] = block_.quantizers.size();
    block_.quantizers.push_back({id, op.get(), params.scale.front(), 0.0});
    block_.ops.push_back(std::move(op));
    return slot;
  }

  std::size_t weight_index(ValueId id) {
    for (std::size_t w = 0; w < block_.weights.size(); ++w) {
      if (block_.weights[w].value == id) return w;
    }
    const Tensor& constant = *graph_.value(id).constant;
    BlockWeight weight{.value = id, .shape = constant.shape(), .values = constant.to_floats()};
    weight.learned = learned_.weights.contains(id);
    if (weight.learned) weight.gradient.assign(weight.values.size(), 0.0F);
    block_.weights.push_back(std::move(weight));
    return block_.weights.size() - 1;
  }

  // --- nodes -------------------------------------------------------------------------------------

  void compile(NodeId id) {
    const Node& node = graph_.node(id);
    if (auto product = product_of(node)) return compile_product(id, *product);
    if (is_plain_add(node)) return compile_add(id);
    if (const auto bounds = bounds_at(graph_, node)) return compile_bounds(id, *bounds);
    compile_generic(id);
  }

  /// The bounds of the only reader of `value`, which is then fused into the producer; `value` is
  /// set to the reader's output.
  Bounds absorb_bounds(ValueId& value) {
    if (!read_once(value) || is_quantized(value)) return {};
    const NodeId reader = graph_.consumers(value).front();
    const auto bounds = bounds_at(graph_, graph_.node(reader));
    if (!bounds || graph_.node(reader).input(0) != value) return {};
    done_.insert(reader);
    value = graph_.node(reader).outputs[0];
    return *bounds;
  }

  std::optional<Product> product_of(const Node& node) {
    if (!node.domain.empty()) return std::nullopt;
    if (node.is("Conv")) return convolution_of(node);
    if (node.is("Gemm")) return gemm_of(node);
    if (node.is("MatMul")) return matmul_of(node);
    return std::nullopt;
  }

  bool is_float_constant(ValueId id) const {
    return graph_.is_constant(id) && graph_.value(id).type == DataType::Float32;
  }

  std::optional<Product> convolution_of(const Node& node) const {
    const ValueId bias = node.input(2);
    if (extents(node.input(0)).size() != 4 || !is_float_constant(node.input(1))) return {};
    if (bias != graph::kNoValue && !is_float_constant(bias)) return {};
    const auto x = extents(node.input(0));
    const auto w = graph_.value(node.input(1)).constant->shape();
    Product product{.shape = runtime::convolution_shape({node, graph_.opset}, x, w),
                    .weight = node.input(1)};
    if (bias != graph::kNoValue) take_bias(bias, product);
    return product;
  }

  void take_bias(ValueId bias, Product& product) const {
    product.bias = graph_.value(bias).constant->to_floats();
    product.bias_value = bias;
  }

  Product rows_times(ValueId x, ValueId weight, bool transposed) const {
    const auto w = graph_.value(weight).constant->shape();
    const std::int64_t in = transposed ? w[0] : w[1];
    const std::int64_t rows = element_count(extents(x)) / in;
    return {.shape = runtime::product_shape(rows, in, transposed ? w[1] : w[0]),
            .weight = weight,
            .transposed = transposed};
  }

  std::optional<Product> gemm_of(const Node& node) const {
    const ValueId bias = node.input(2);
    const bool plain = node.int_attribute("transA", 0) == 0 &&
                       node.float_attribute("alpha", 1.0F) == 1.0F &&
                       (bias == graph::kNoValue || node.float_attribute("beta", 1.0F) == 1.0F);
    if (!plain || !is_float_constant(node.input(1)) || graph_.is_constant(node.input(0))) return {};
    Product product =
        rows_times(node.input(0), node.input(1), node.int_attribute("transB", 0) == 0);
    if (bias == graph::kNoValue) return product;
    if (!is_float_constant(bias)) return {};
    take_bias(bias, product);
    if (static_cast<std::int64_t>(product.bias.size()) != product.shape.out_channels) return {};
    return product;
  }

  std::optional<Product> matmul_of(const Node& node) const {
    if (!is_float_constant(node.input(1)) || graph_.is_constant(node.input(0))) return {};
    if (graph_.value(node.input(1)).constant->rank() != 2) return {};
    if (extents(node.input(0)).size() < 2) return {};
    return rows_times(node.input(0), node.input(1), true);
  }

  /// The bias of a MatMul in an Add after it.
  void absorb_added_bias(NodeId id, Product& product, ValueId& value) {
    if (!graph_.node(id).is("MatMul") || !read_once(value) || is_quantized(value)) return;
    const NodeId reader = graph_.consumers(value).front();
    const Node& add = graph_.node(reader);
    if (!add.is("Add")) return;
    const ValueId other = add.input(add.input(0) == value ? 1 : 0);
    if (!is_float_constant(other)) return;
    const Tensor& bias = *graph_.value(other).constant;
    if (bias.elements() != product.shape.out_channels || bias.rank() < 1 ||
        bias.shape().back() != bias.elements()) {
      return;
    }
    take_bias(other, product);
    done_.insert(reader);
    value = add.outputs[0];
  }

  void compile_product(NodeId id, Product product) {
    const Node& node = graph_.node(id);
    ValueId value = node.outputs[0];
    absorb_added_bias(id, product, value);
    const Bounds bounds = absorb_bounds(value);
    const Slot input = slot_of_.at(node.input(0));
    const std::size_t weight = weight_index(product.weight);
    const bool learns = block_.weights[weight].learned;
    const Slot raw = add_slot(value, learns || needs(input));
    auto op = std::make_unique<ProductOp>(
        ProductSpec{.name = node.name,
                    .input = input,
                    .output = raw,
                    .shape = product.shape,
                    .bounds = bounds,
                    .mask_output = !is_quantized(value),
                    .learns_weight = learns,
                    .input_needs_gradient = needs(input),
                    .input_has_other_readers = !read_once(node.input(0)),
                    .transposed = product.transposed,
                    .weight = weight},
        context_);
    ProductEntry entry{
        .op = op.get(), .bias = std::move(product.bias), .bias_value = product.bias_value};
    if (learns) entry.bias_gradient.assign(entry.bias.size(), 0.0F);
    const auto quantizer = quantizer_of_.find(node.input(0));
    if (quantizer != quantizer_of_.end()) entry.quantizer = quantizer->second;
    if (!entry.bias.empty()) op->set_bias(entry.bias);
    block_.products.push_back(std::move(entry));
    block_.ops.push_back(std::move(op));
    slot_of_[value] = quantized(value, raw, bounds);
  }

  bool is_plain_add(const Node& node) const {
    if (!node.domain.empty() || !node.is("Add")) return false;
    if (graph_.is_constant(node.input(0)) || graph_.is_constant(node.input(1))) return false;
    return extents(node.input(0)) == extents(node.input(1)) &&
           graph_.value(node.outputs[0]).type == DataType::Float32;
  }

  void compile_add(NodeId id) {
    const Node& node = graph_.node(id);
    ValueId value = node.outputs[0];
    const Bounds bounds = absorb_bounds(value);
    ValueId first = node.input(0);
    ValueId second = node.input(1);
    // An operand without other readers may share its gradient's memory with the output.
    if (!read_once(first)) std::swap(first, second);
    const Slot a = slot_of_.at(first);
    const Slot b = slot_of_.at(second);
    const Slot raw = add_slot(value, needs(a) || needs(b));
    const bool shares = read_once(first) && needs(a);
    if (shares) block_.slots[a].shares_gradient_of = raw;
    block_.ops.push_back(std::make_unique<AddOp>(AddSpec{.name = node.name,
                                                         .a = a,
                                                         .b = b,
                                                         .output = raw,
                                                         .bounds = bounds,
                                                         .mask_output = !is_quantized(value),
                                                         .a_needs_gradient = needs(a),
                                                         .b_needs_gradient = needs(b),
                                                         .a_shares_gradient = shares},
                                                 context_));
    slot_of_[value] = quantized(value, raw, bounds);
  }

  void compile_bounds(NodeId id, const Bounds& bounds) {
    const Node& node = graph_.node(id);
    const ValueId value = node.outputs[0];
    const Slot input = slot_of_.at(node.input(0));
    const Slot raw = add_slot(value, needs(input));
    block_.ops.push_back(std::make_unique<BoundsOp>(BoundsSpec{.name = node.name,
                                                               .input = input,
                                                               .output = raw,
                                                               .bounds = bounds,
                                                               .mask_output = !is_quantized(value),
                                                               .needs_gradient = needs(input)},
                                                    context_));
    slot_of_[value] = quantized(value, raw, bounds);
  }

  void compile_generic(NodeId id) {
    const Node& node = graph_.node(id);
    if (ops::find_operator(node.domain, node.op_type) == nullptr) {
      throw UnsupportedOp(
          "reconstruction",
          fmt::format("node '{}' is a {}, which is not supported", node.name, node.op_type));
    }
    GenericSpec spec{.graph = &graph_, .node = id};
    bool gradient = false;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId value = node.inputs[i];
      const bool constant = value == graph::kNoValue || graph_.is_constant(value);
      spec.inputs.push_back(constant ? std::nullopt : std::optional(slot_of_.at(value)));
      spec.needs_gradient.push_back(!constant && needs(slot_of_.at(value)));
      if (constant && learned_.weights.contains(value)) {
        spec.learned_input = i;
        spec.weight = weight_index(value);
      }
      gradient = gradient || spec.needs_gradient.back() || spec.learned_input == i;
    }
    std::vector<std::pair<ValueId, Slot>> made;
    for (const ValueId value : node.outputs) {
      const bool used = value != graph::kNoValue;
      spec.outputs.push_back(used ? std::optional(add_generic_slot(value, gradient))
                                  : std::nullopt);
      if (used) made.emplace_back(value, *spec.outputs.back());
    }
    auto op = std::make_unique<GenericOp>(std::move(spec), context_);
    block_.generics.push_back(op.get());
    block_.ops.push_back(std::move(op));
    for (const auto& [value, raw] : made) slot_of_[value] = quantized(value, raw, {});
  }

  Slot add_generic_slot(ValueId id, bool gradient) {
    const bool is_float = graph_.value(id).type == DataType::Float32;
    return add_slot(id, gradient && is_float);
  }

  const Graph& graph_;
  const LearnedParts& learned_;
  CompileOptions options_;
  OpContext context_;
  CompiledBlock block_;
  std::set<NodeId> done_;
  std::map<ValueId, Slot> slot_of_;  ///< slot of a value for its readers
  std::map<ValueId, std::size_t> quantizer_of_;
};

at::Tensor activation(const std::vector<std::int64_t>& extents, at::ScalarType type) {
  const auto format =
      extents.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return at::zeros(extents, at::TensorOptions().dtype(type)).contiguous(format);
}

}  // namespace

CompiledBlock compile_block(const Graph& block,
                            const LearnedParts& learned,
                            const CompileOptions& options) {
  return Compiler(block, learned, options).run();
}

void prepare_lane(const CompiledBlock& compiled, Lane& lane) {
  const std::size_t slots = compiled.slots.size();
  const std::size_t ops = compiled.ops.size();
  lane.values.resize(slots);
  lane.gradients.resize(slots);
  lane.written.assign(slots, false);
  lane.weight_gradients.resize(ops);
  lane.bias_gradients.resize(ops);
  lane.step_gradients.assign(ops, 0.0);
  lane.scratch.resize(ops);
  lane.leaves.resize(ops);
  lane.saved.resize(ops);
  // A sharing slot is before the one whose memory it uses.
  for (std::size_t s = slots; s-- > 0;) {
    const SlotSpec& spec = compiled.slots[s];
    lane.values[s] = activation(spec.extents, compiled.type);
    if (!spec.needs_gradient && s != compiled.output) continue;
    lane.gradients[s] = spec.shares_gradient_of ? lane.gradients[*spec.shares_gradient_of]
                                                : activation(spec.extents, compiled.type);
  }
  for (const auto& op : compiled.ops) op->prepare(lane);
}

}  // namespace ompq::reconstruction
