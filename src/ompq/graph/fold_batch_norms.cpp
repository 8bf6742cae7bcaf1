#include <algorithm>
#include <cmath>
#include <optional>

#include "ompq/graph/passes.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

/// A batch norm per channel c: y = scale[c] * x + shift[c].
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

bool is_float_constant(const Graph& graph, ValueId id) {
  return graph.is_constant(id) && graph.value(id).constant->type() == DataType::Float32;
}

std::span<const float> floats(const Graph& graph, ValueId id) {
  return graph.value(id).constant->data<float>();
}

/// Nullopt if the node is not a batch norm in inference mode with constant, valid parameters.
std::optional<Affine> affine_of(const Graph& graph, const Node& node) {
  if (!node.is("BatchNormalization") || node.inputs.size() != 5) return std::nullopt;
  if (node.int_attribute("training_mode", 0) != 0) return std::nullopt;
  if (node.int_attribute("spatial", 1) == 0) return std::nullopt;
  for (std::size_t i = 1; i < 5; ++i) {
    if (!is_float_constant(graph, node.inputs[i])) return std::nullopt;
  }
  const auto scale = floats(graph, node.inputs[1]);
  const auto shift = floats(graph, node.inputs[2]);
  const auto mean = floats(graph, node.inputs[3]);
  const auto variance = floats(graph, node.inputs[4]);
  const std::size_t count = scale.size();
  if (shift.size() != count || mean.size() != count || variance.size() != count)
    return std::nullopt;
  const double epsilon = node.float_attribute("epsilon", 1e-5F);
  Affine affine{std::vector<double>(count), std::vector<double>(count)};
  for (std::size_t c = 0; c < count; ++c) {
    affine.scale[c] = scale[c] / std::sqrt(variance[c] + epsilon);
    affine.shift[c] = shift[c] - mean[c] * affine.scale[c];
    // A negative variance is invalid, so it is not folded.
    if (!std::isfinite(affine.scale[c]) || !std::isfinite(affine.shift[c])) return std::nullopt;
  }
  return affine;
}

/// The layout of an operator's weight: element i has output channel out(i) and input channel in(i).
struct WeightLayout {
  std::int64_t outs = 0;
  std::int64_t ins = 0;
  std::int64_t rows = 0;  ///< first axis
  std::int64_t cols = 0;  ///< second axis
  std::int64_t taps = 1;  ///< the rest
  std::int64_t groups = 1;
  bool out_first = true;  ///< the first axis is that of output channels

  [[nodiscard]] std::int64_t out(std::int64_t row, std::int64_t col) const {
    return out_first ? row : row / (rows / groups) * cols + col;
  }
  [[nodiscard]] std::int64_t in(std::int64_t row, std::int64_t col) const {
    return out_first ? row / (rows / groups) * cols + col : row;
  }
};

std::optional<WeightLayout> layout_of(const Graph& graph, const Node& node) {
  const bool conv = node.is("Conv");
  const bool transposed = node.is("ConvTranspose");
  if (!node.domain.empty() || (!conv && !transposed && !node.is("Gemm"))) return std::nullopt;
  const ValueId weight = node.input(1);
  const ValueId bias = node.input(2);
  if (!is_float_constant(graph, weight)) return std::nullopt;
  if (bias != kNoValue && !is_float_constant(graph, bias)) return std::nullopt;
  const std::vector<std::int64_t>& shape = graph.value(weight).constant->shape();
  if (shape.size() < 2) return std::nullopt;
  WeightLayout layout;
  layout.rows = shape[0];
  layout.cols = shape[1];
  for (std::size_t axis = 2; axis < shape.size(); ++axis) layout.taps *= shape[axis];
  layout.groups = conv || transposed ? node.int_attribute("group", 1) : 1;
  layout.out_first = conv || (!transposed && node.int_attribute("transB", 0) != 0);
  if (layout.groups < 1 || layout.rows % layout.groups != 0) return std::nullopt;
  layout.outs = layout.out_first ? layout.rows : layout.cols * layout.groups;
  layout.ins = layout.out_first ? layout.cols * layout.groups : layout.rows;
  return layout;
}

/// The constant that the operator adds, one value per output channel; nullopt if it is not such a
/// constant.
std::optional<std::vector<double>> bias_of(const Graph& graph,
                                           const Node& node,
                                           const WeightLayout& layout) {
  const auto count = static_cast<std::size_t>(layout.outs);
  std::vector<double> bias(count, 0.0);
  const ValueId id = node.input(2);
  if (id == kNoValue) return bias;
  const Tensor& given = *graph.value(id).constant;
  const double beta = node.is("Gemm") ? node.float_attribute("beta", 1.0F) : 1.0;
  const bool per_channel =
      given.elements() == layout.outs && given.rank() >= 1 && given.shape().back() == layout.outs;
  if (!per_channel && given.elements() != 1) return std::nullopt;
  const auto elements = given.data<float>();
  for (std::size_t c = 0; c < count; ++c) bias[c] = beta * elements[per_channel ? c : 0];
  return bias;
}

class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph), uses_(graph) {}

  int run() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      const std::optional<Affine> affine = affine_of(graph_, graph_.node(id));
      if (affine && (fold_into_producer(id, *affine) || fold_into_reader(id, *affine))) {
        gone_.push_back(id);
      }
    }
    graph_.erase_nodes(gone_);
    return static_cast<int>(gone_.size());
  }

 private:
  bool fold_into_producer(NodeId norm, const Affine& affine) {
    const ValueId between = graph_.node(norm).inputs[0];
    const NodeId maker = uses_.producer(between);
    if (maker == kNoNode || uses_.sole_reader(between) != norm) return false;
    const Node& node = graph_.node(maker);
    const std::optional<WeightLayout> layout = layout_of(graph_, node);
    if (!layout || layout->outs != static_cast<std::int64_t>(affine.scale.size())) return false;
    std::optional<std::vector<double>> bias = bias_of(graph_, node, *layout);
    if (!bias) return false;
    for (std::size_t c = 0; c < bias->size(); ++c) {
      (*bias)[c] = (*bias)[c] * affine.scale[c] + affine.shift[c];
    }
    scale_weight(maker, *layout, affine.scale, true);
    set_bias(maker, *bias);
    const ValueId output = graph_.node(norm).outputs[0];
    graph_.mutable_node(maker).outputs[0] = output;
    graph_.mutable_node(maker).attributes[std::string(kFoldedNormAttribute)] = std::int64_t{1};
    note_statistics(graph_.node(norm), maker);
    uses_.set_producer(output, maker);
    return true;
  }

  void note_statistics(const Node& norm, NodeId maker) {
    const auto scale = floats(graph_, norm.inputs[1]);
    const auto shift = floats(graph_, norm.inputs[2]);
    std::vector<float> deviation(scale.size());
    std::transform(
        scale.begin(), scale.end(), deviation.begin(), [](float s) { return std::abs(s); });
    auto& attributes = graph_.mutable_node(maker).attributes;
    attributes[std::string(kNormMeanAttribute)] = std::vector<float>(shift.begin(), shift.end());
    attributes[std::string(kNormDeviationAttribute)] = std::move(deviation);
  }

  bool fold_into_reader(NodeId norm, const Affine& affine) {
    const ValueId between = graph_.node(norm).outputs[0];
    const NodeId reader = uses_.sole_reader(between);
    if (reader == kNoNode || !reads_plainly(graph_.node(reader), between)) return false;
    const Node& node = graph_.node(reader);
    const std::optional<WeightLayout> layout = layout_of(graph_, node);
    if (!layout || layout->ins != static_cast<std::int64_t>(affine.scale.size())) return false;
    std::optional<std::vector<double>> bias = bias_of(graph_, node, *layout);
    if (!bias) return false;
    add_shift_through_weight(node, *layout, affine.shift, *bias);
    scale_weight(reader, *layout, affine.scale, false);
    set_bias(reader, *bias);
    graph_.mutable_node(reader).inputs[0] = graph_.node(norm).inputs[0];
    return true;
  }

  /// Padding adds zeros where the norm would give its shift, so folding is exact only without
  /// padding.
  static bool reads_plainly(const Node& node, ValueId x) {
    if (node.input(0) != x || node.input(1) == x || node.input(2) == x) return false;
    if (node.is("Gemm")) return node.int_attribute("transA", 0) == 0;
    if (!node.is("Conv")) return false;
    const std::string auto_pad = node.string_attribute("auto_pad", "NOTSET");
    if (auto_pad != "NOTSET" && auto_pad != "VALID") return false;
    for (const std::int64_t side : node.ints_attribute("pads", {})) {
      if (side != 0) return false;
    }
    return true;
  }

  void add_shift_through_weight(const Node& node,
                                const WeightLayout& layout,
                                const std::vector<double>& shift,
                                std::vector<double>& bias) const {
    const double alpha = node.is("Gemm") ? node.float_attribute("alpha", 1.0F) : 1.0;
    const auto weight = floats(graph_, node.inputs[1]);
    std::size_t next = 0;
    for (std::int64_t row = 0; row < layout.rows; ++row) {
      for (std::int64_t col = 0; col < layout.cols; ++col) {
        const double moved = alpha * shift[static_cast<std::size_t>(layout.in(row, col))];
        double& sum = bias[static_cast<std::size_t>(layout.out(row, col))];
        for (std::int64_t tap = 0; tap < layout.taps; ++tap) sum += moved * weight[next++];
      }
    }
  }

  void scale_weight(NodeId id,
                    const WeightLayout& layout,
                    const std::vector<double>& scale,
                    bool per_output) {
    const ValueId old = graph_.node(id).inputs[1];
    Tensor tensor = *graph_.value(old).constant;
    const auto weight = tensor.mutable_data<float>();
    std::size_t next = 0;
    for (std::int64_t row = 0; row < layout.rows; ++row) {
      for (std::int64_t col = 0; col < layout.cols; ++col) {
        const std::int64_t channel = per_output ? layout.out(row, col) : layout.in(row, col);
        const double factor = scale[static_cast<std::size_t>(channel)];
        for (std::int64_t tap = 0; tap < layout.taps; ++tap, ++next) {
          weight[next] = static_cast<float>(weight[next] * factor);
        }
      }
    }
    replace_constant(id, 1, std::move(tensor), graph_.value(old).name);
  }

  void set_bias(NodeId id, const std::vector<double>& bias) {
    Tensor tensor(DataType::Float32, {static_cast<std::int64_t>(bias.size())});
    const auto elements = tensor.mutable_data<float>();
    for (std::size_t c = 0; c < bias.size(); ++c) elements[c] = static_cast<float>(bias[c]);
    const std::string name = graph_.node(id).name + ".bias";
    replace_constant(id, 2, std::move(tensor), name);
    if (graph_.node(id).is("Gemm")) graph_.mutable_node(id).attributes["beta"] = 1.0F;
  }

  /// Changes the constant in place if only this node reads it, else adds a new value.
  void replace_constant(NodeId id, std::size_t slot, Tensor tensor, const std::string& name) {
    const ValueId old = graph_.node(id).input(slot);
    if (old != kNoValue && owned(old, id)) {
      Value& value = graph_.mutable_value(old);
      value.shape = fixed_shape(tensor.shape());
      value.constant = std::move(tensor);
      return;
    }
    const ValueId fresh = graph_.add_constant(name, std::move(tensor));
    own_.resize(graph_.values().size(), kNoNode);
    own_[static_cast<std::size_t>(fresh)] = id;
    Node& node = graph_.mutable_node(id);
    if (node.inputs.size() <= slot) node.inputs.resize(slot + 1, kNoValue);
    node.inputs[slot] = fresh;
  }

  [[nodiscard]] bool owned(ValueId value, NodeId id) const {
    const auto index = static_cast<std::size_t>(value);
    if (index < own_.size() && own_[index] == id) return true;
    // A constant read by two operands of one node would change for both.
    const Node& node = graph_.node(id);
    return index < known_ && uses_.sole_reader(value) == id &&
           std::count(node.inputs.begin(), node.inputs.end(), value) == 1;
  }

  Graph& graph_;
  Uses uses_;
  std::size_t known_ = graph_.values().size();  // number of values known to uses_
  std::vector<NodeId> own_;  // for each new constant, the node that it was made for
  std::vector<NodeId> gone_;
};

}  // namespace

int fold_batch_norms(Graph& graph) { return Folder(graph).run(); }

}  // namespace ompq::graph
