#include "support/graph_builder.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include <fmt/format.h>

namespace ompq::testing {

using graph::Dim;
using graph::Node;
using graph::Shape;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

namespace {

/// Entry `index` of a per-channel list that may hold one entry for all.
double at(const std::vector<double>& list, std::size_t index) {
  return list.size() == 1 ? list.front() : list[index];
}

/// Mean and second moment of max(0, x) for normal x.
std::pair<double, double> rectified(double mean, double variance) {
  const double deviation = std::sqrt(std::max(variance, 1e-12));
  const double z = mean / deviation;
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  const double first = mean * below + deviation * density;
  const double second = (mean * mean + variance) * below + mean * deviation * density;
  return {first, std::max(second - first * first, 1e-6)};
}

std::int64_t convolved(std::int64_t extent, std::int64_t pads, const ConvOptions& options) {
  return (extent + pads - options.dilation * (options.kernel - 1) - 1) / options.stride + 1;
}

Ints pads_of(const ConvOptions& options) {
  if (!options.pads.empty()) return options.pads;
  return Ints(4, options.dilation * (options.kernel - 1) / 2);
}

Node conv_node(std::string_view type, const std::string& name, const ConvOptions& options) {
  Node node{.name = name, .op_type = std::string(type)};
  node.attributes["kernel_shape"] = Ints(2, options.kernel);
  node.attributes["strides"] = Ints(2, options.stride);
  node.attributes["pads"] = pads_of(options);
  node.attributes["dilations"] = Ints(2, options.dilation);
  node.attributes["group"] = options.groups;
  return node;
}

}  // namespace

GraphBuilder::GraphBuilder(std::string name, std::uint64_t seed, int opset) : random_(seed) {
  graph_.name = std::move(name);
  graph_.opset = opset;
}

const GraphBuilder::Moments& GraphBuilder::moments(ValueId id) const {
  static const Moments standard;
  const auto index = static_cast<std::size_t>(id);
  return index < moments_.size() ? moments_[index] : standard;
}

void GraphBuilder::set_moments(ValueId id, Moments moments) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= moments_.size()) moments_.resize(index + 1);
  moments_[index] = std::move(moments);
}

const Shape& GraphBuilder::shape(ValueId id) const { return graph_.value(id).shape.value(); }

Tensor GraphBuilder::draw(const std::string& name,
                          Ints shape,
                          double deviation,
                          double mean) const {
  // The sum of four uniform numbers out of one draw is close enough to normal, and networks of
  // 25 million weights are made in every benchmark.
  constexpr double kVariance = 4.0 * (65536.0 * 65536.0 - 1.0) / 12.0;
  const double scale = deviation / std::sqrt(kVariance);
  Random random = random_.split(name);
  Tensor tensor(DataType::Float32, std::move(shape));
  for (float& element : tensor.mutable_data<float>()) {
    const std::uint64_t bits = random.next();
    const auto sum = static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                         (bits >> 32 & 0xffff) + (bits >> 48));
    element = static_cast<float>(mean + scale * (sum - 2.0 * 65535.0));
  }
  return tensor;
}

ValueId GraphBuilder::constant(const std::string& name, Tensor tensor) {
  return graph_.add_constant(name, std::move(tensor));
}

ValueId GraphBuilder::normal_constant(const std::string& name,
                                      Ints shape,
                                      double deviation,
                                      double mean) {
  const ValueId id = constant(name, draw(name, std::move(shape), deviation, mean));
  set_moments(id, {{mean}, {deviation * deviation}});
  return id;
}

ValueId GraphBuilder::op(Node node, Shape shape, DataType type) {
  const ValueId output = graph_.add_value({node.name + "_output", type, std::move(shape), {}});
  node.outputs = {output};
  graph_.add_node(std::move(node));
  return output;
}

ValueId GraphBuilder::input(const std::string& name, Shape shape) {
  return graph_.add_input(name, DataType::Float32, std::move(shape));
}

GraphBuilder::Moments GraphBuilder::weighted(const Moments& x,
                                             std::span<const float> weights,
                                             std::int64_t out,
                                             std::int64_t in,
                                             std::int64_t taps,
                                             std::int64_t groups) const {
  Moments sum{std::vector<double>(out, 0.0), std::vector<double>(out, 0.0)};
  std::size_t next = 0;
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t first = o / (out / groups) * in;
    for (std::int64_t i = 0; i < in; ++i) {
      const double mean = at(x.mean, first + i);
      const double variance = at(x.variance, first + i);
      for (std::int64_t t = 0; t < taps; ++t) {
        const double w = weights[next++];
        sum.mean[o] += w * mean;
        sum.variance[o] += w * w * variance;
      }
    }
  }
  return sum;
}

ValueId GraphBuilder::conv(const std::string& name, ValueId x, const ConvOptions& options) {
  const Shape from = shape(x);
  const std::int64_t in = from.at(1).size / options.groups;
  const std::int64_t taps = options.kernel * options.kernel;
  const ValueId weight = normal_constant(name + ".weight",
                                         {options.out, in, options.kernel, options.kernel},
                                         std::sqrt(2.0 / static_cast<double>(in * taps)));
  Node node = conv_node("Conv", name, options);
  node.inputs = {x, weight};
  if (options.bias) node.inputs.push_back(normal_constant(name + ".bias", {options.out}, 0.05));
  const Ints pads = pads_of(options);
  const ValueId y = op(std::move(node),
                       {from[0],
                        Dim::fixed(options.out),
                        Dim::fixed(convolved(from[2].size, pads[0] + pads[2], options)),
                        Dim::fixed(convolved(from[3].size, pads[1] + pads[3], options))});
  set_moments(y,
              weighted(moments(x),
                       graph_.value(weight).constant->data<float>(),
                       options.out,
                       in,
                       taps,
                       options.groups));
  return y;
}

ValueId GraphBuilder::conv_transpose(const std::string& name,
                                     ValueId x,
                                     const ConvOptions& options) {
  const Shape from = shape(x);
  const std::int64_t in = from.at(1).size;
  const std::int64_t taps = options.kernel * options.kernel;
  // Of the kernel's taps, 1 / stride^2 meet any one output element.
  const double fan_in = static_cast<double>(in * taps) /
                        static_cast<double>(options.groups * options.stride * options.stride);
  ConvOptions resolved = options;
  if (resolved.pads.empty()) resolved.pads = Ints(4, 0);
  Node node = conv_node("ConvTranspose", name, resolved);
  if (options.output_padding != 0)
    node.attributes["output_padding"] = Ints(2, options.output_padding);
  node.inputs = {x,
                 normal_constant(name + ".weight",
                                 {in, options.out / options.groups, options.kernel, options.kernel},
                                 std::sqrt(2.0 / fan_in))};
  if (options.bias) node.inputs.push_back(normal_constant(name + ".bias", {options.out}, 0.05));
  const auto extent = [&](std::size_t axis) {
    return Dim::fixed((from[axis + 2].size - 1) * options.stride +
                      options.dilation * (options.kernel - 1) + 1 + options.output_padding -
                      resolved.pads[axis] - resolved.pads[axis + 2]);
  };
  const ValueId y = op(std::move(node), {from[0], Dim::fixed(options.out), extent(0), extent(1)});
  const Moments& given = moments(x);
  double second = 0.0;
  for (std::size_t i = 0; i < given.mean.size(); ++i) {
    second += (given.mean[i] * given.mean[i] + given.variance[i]) /
              static_cast<double>(given.mean.size());
  }
  set_moments(y, {{0.0}, {2.0 * second}});
  return y;
}

ValueId GraphBuilder::norm(const std::string& name, ValueId x) {
  const Shape same = shape(x);
  const std::int64_t count = same.at(1).size;
  const auto index = static_cast<std::size_t>(count);
  const Moments given = moments(x);
  Random random = random_.split(name);
  std::vector<float> scale(index), shift(index), mean(index), variance(index);
  Moments normed{std::vector<double>(index), std::vector<double>(index)};
  for (std::size_t c = 0; c < index; ++c) {
    scale[c] = static_cast<float>(0.5 + random.uniform());
    shift[c] = static_cast<float>(0.2 * random.normal());
    mean[c] = static_cast<float>(at(given.mean, c));
    variance[c] = static_cast<float>(at(given.variance, c) * (0.8 + 0.4 * random.uniform()));
    normed.mean[c] = shift[c];
    normed.variance[c] = scale[c] * scale[c] * at(given.variance, c) / variance[c];
  }
  Node node{.name = name, .op_type = "BatchNormalization"};
  node.attributes["epsilon"] = 1e-5F;
  node.inputs = {x,
                 constant(name + ".weight", Tensor::from({count}, scale)),
                 constant(name + ".bias", Tensor::from({count}, shift)),
                 constant(name + ".running_mean", Tensor::from({count}, mean)),
                 constant(name + ".running_var", Tensor::from({count}, variance))};
  const ValueId y = op(std::move(node), same);
  set_moments(y, std::move(normed));
  return y;
}

ValueId GraphBuilder::gemm(const std::string& name, ValueId x, std::int64_t out) {
  const Shape from = shape(x);
  const std::int64_t in = from.at(1).size;
  const double deviation = std::sqrt(2.0 / static_cast<double>(in));
  Node node{.name = name, .op_type = "Gemm"};
  node.attributes["transB"] = std::int64_t{1};
  node.inputs = {x,
                 normal_constant(name + ".weight", {out, in}, deviation),
                 normal_constant(name + ".bias", {out}, 0.05)};
  return op(std::move(node), {from[0], Dim::fixed(out)});
}

ValueId GraphBuilder::linear(const std::string& name, ValueId x, std::int64_t out, bool bias) {
  Shape to = shape(x);
  const std::int64_t in = to.back().size;
  to.back() = Dim::fixed(out);
  const double deviation = std::sqrt(1.0 / static_cast<double>(in));
  const ValueId y = op({.name = name,
                        .op_type = "MatMul",
                        .inputs = {x, normal_constant(name + ".weight", {in, out}, deviation)}},
                       std::move(to));
  if (!bias) return y;
  return add(name + ".add", y, normal_constant(name + ".bias", {out}, 0.05));
}

ValueId GraphBuilder::matmul(const std::string& name, ValueId a, ValueId b) {
  Shape to = shape(a);
  to.back() = shape(b).back();
  return op({.name = name, .op_type = "MatMul", .inputs = {a, b}}, std::move(to));
}

ValueId GraphBuilder::relu(const std::string& name, ValueId x) { return unary("Relu", name, x); }

ValueId GraphBuilder::clip(const std::string& name, ValueId x, float low, float high) {
  const auto bound = [&](float value) {
    const std::string bound_name = fmt::format("clip_{}", value);
    const ValueId known = graph_.find_value(bound_name);
    return known != graph::kNoValue ? known : constant(bound_name, Tensor::scalar(value));
  };
  const Moments before = moments(x);
  const ValueId y =
      op({.name = name, .op_type = "Clip", .inputs = {x, bound(low), bound(high)}}, shape(x));
  Moments after = before;
  for (std::size_t c = 0; c < before.mean.size() && low == 0.0F; ++c) {
    std::tie(after.mean[c], after.variance[c]) = rectified(before.mean[c], before.variance[c]);
  }
  set_moments(y, std::move(after));
  return y;
}

ValueId GraphBuilder::unary(const std::string& op_type, const std::string& name, ValueId x) {
  Moments after = moments(x);
  for (std::size_t c = 0; c < after.mean.size(); ++c) {
    if (op_type == "Sigmoid") {
      std::tie(after.mean[c], after.variance[c]) = std::pair(0.5, 0.04);
    } else if (op_type == "Relu" || op_type == "HardSwish" || op_type == "LeakyRelu") {
      std::tie(after.mean[c], after.variance[c]) = rectified(after.mean[c], after.variance[c]);
    }
  }
  const ValueId y = op({.name = name, .op_type = op_type, .inputs = {x}}, shape(x));
  set_moments(y, std::move(after));
  return y;
}

Shape GraphBuilder::broadcast(ValueId a, ValueId b) const {
  Shape large = shape(a);
  Shape small = shape(b);
  if (large.size() < small.size()) std::swap(large, small);
  const std::size_t offset = large.size() - small.size();
  for (std::size_t i = 0; i < small.size(); ++i) {
    Dim& dim = large[offset + i];
    if (dim == Dim::fixed(1)) dim = small[i];
  }
  return large;
}

ValueId GraphBuilder::binary(const std::string& op_type,
                             const std::string& name,
                             ValueId a,
                             ValueId b) {
  const Moments left = moments(a);
  const Moments right = moments(b);
  const std::size_t count = std::max(left.mean.size(), right.mean.size());
  Moments both{std::vector<double>(count), std::vector<double>(count)};
  for (std::size_t c = 0; c < count; ++c) {
    const double m = at(left.mean, c);
    const double n = at(right.mean, c);
    const double v = at(left.variance, c);
    const double w = at(right.variance, c);
    both.mean[c] = op_type == "Mul" ? m * n : op_type == "Sub" ? m - n : m + n;
    both.variance[c] = op_type == "Mul" ? v * w + v * n * n + w * m * m : v + w;
  }
  const ValueId y = op({.name = name, .op_type = op_type, .inputs = {a, b}}, broadcast(a, b));
  set_moments(y, std::move(both));
  return y;
}

ValueId GraphBuilder::max_pool(const std::string& name,
                               ValueId x,
                               std::int64_t kernel,
                               std::int64_t stride,
                               std::int64_t pad) {
  const Shape from = shape(x);
  Node node{.name = name, .op_type = "MaxPool", .inputs = {x}};
  node.attributes["kernel_shape"] = Ints(2, kernel);
  node.attributes["strides"] = Ints(2, stride);
  node.attributes["pads"] = Ints(4, pad);
  const auto extent = [&](std::size_t axis) {
    return Dim::fixed((from[axis].size + 2 * pad - kernel) / stride + 1);
  };
  Moments after = moments(x);
  for (std::size_t c = 0; c < after.mean.size(); ++c) {
    after.mean[c] += std::sqrt(after.variance[c]);
    after.variance[c] *= 0.6;
  }
  const ValueId y = op(std::move(node), {from[0], from[1], extent(2), extent(3)});
  set_moments(y, std::move(after));
  return y;
}

ValueId GraphBuilder::global_average_pool(const std::string& name, ValueId x) {
  const Shape from = shape(x);
  const ValueId y = op({.name = name, .op_type = "GlobalAveragePool", .inputs = {x}},
                       {from[0], from[1], Dim::fixed(1), Dim::fixed(1)});
  set_moments(y, moments(x));
  return y;
}

ValueId GraphBuilder::flatten(const std::string& name, ValueId x) {
  const Shape from = shape(x);
  std::int64_t rest = 1;
  for (std::size_t axis = 1; axis < from.size(); ++axis) rest *= from[axis].size;
  Node node{.name = name, .op_type = "Flatten", .inputs = {x}};
  node.attributes["axis"] = std::int64_t{1};
  return op(std::move(node), {from[0], Dim::fixed(rest)});
}

ValueId GraphBuilder::concat(const std::string& name,
                             const std::vector<ValueId>& parts,
                             std::int64_t axis) {
  Shape to = shape(parts.front());
  const auto index = static_cast<std::size_t>(axis);
  to.at(index).size = 0;
  Moments all{{}, {}};
  for (const ValueId part : parts) {
    to[index].size += shape(part)[index].size;
    const Moments& given = moments(part);
    for (std::int64_t c = 0; c < shape(part)[index].size; ++c) {
      all.mean.push_back(at(given.mean, static_cast<std::size_t>(c)));
      all.variance.push_back(at(given.variance, static_cast<std::size_t>(c)));
    }
  }
  Node node{.name = name, .op_type = "Concat", .inputs = parts};
  node.attributes["axis"] = axis;
  const ValueId y = op(std::move(node), std::move(to), graph_.value(parts.front()).type);
  if (axis == 1 && shape(y).size() == 4) set_moments(y, std::move(all));
  return y;
}

ValueId GraphBuilder::transpose(const std::string& name, ValueId x, const Ints& perm) {
  Node node{.name = name, .op_type = "Transpose", .inputs = {x}};
  node.attributes["perm"] = perm;
  Shape to;
  for (const std::int64_t axis : perm) to.push_back(shape(x).at(static_cast<std::size_t>(axis)));
  return op(std::move(node), std::move(to));
}

ValueId GraphBuilder::reshape(const std::string& name, ValueId x, const Ints& target, Shape to) {
  const auto rank = static_cast<std::int64_t>(target.size());
  const ValueId wanted = constant(name + ".shape", Tensor::from({rank}, target));
  return op({.name = name, .op_type = "Reshape", .inputs = {x, wanted}}, std::move(to));
}

ValueId GraphBuilder::pad(const std::string& name, ValueId x, const Ints& sides) {
  const Ints all{0, 0, sides.at(0), sides.at(1), 0, 0, sides.at(2), sides.at(3)};
  Shape to = shape(x);
  to.at(2).size += sides[0] + sides[2];
  to.at(3).size += sides[1] + sides[3];
  const Moments same = moments(x);
  const ValueId y = op({.name = name,
                        .op_type = "Pad",
                        .inputs = {x, constant(name + ".pads", Tensor::from({8}, all))}},
                       std::move(to));
  set_moments(y, same);
  return y;
}

ValueId GraphBuilder::quantize_dequantize(const std::string& name,
                                          ValueId x,
                                          float scale,
                                          std::uint8_t zero_point) {
  const Moments same = moments(x);
  const ValueId step = constant(name + ".scale", Tensor::scalar(scale));
  const ValueId zero = constant(name + ".zero_point", Tensor::scalar(zero_point));
  const ValueId codes =
      op({.name = name + ".quantize", .op_type = "QuantizeLinear", .inputs = {x, step, zero}},
         shape(x),
         DataType::UInt8);
  const ValueId y = op(
      {.name = name + ".dequantize", .op_type = "DequantizeLinear", .inputs = {codes, step, zero}},
      shape(x));
  set_moments(y, same);
  return y;
}

graph::Graph GraphBuilder::finish(const std::vector<ValueId>& outputs) {
  for (const ValueId output : outputs) graph_.mark_output(output);
  return std::move(graph_);
}

const graph::Node& node_named(const graph::Graph& graph, const std::string& name) {
  for (const graph::Node& node : graph.nodes()) {
    if (node.name == name) return node;
  }
  throw std::out_of_range("no node is named " + name);
}

}  // namespace ompq::testing
