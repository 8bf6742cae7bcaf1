#include "support/plain_run.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "ompq/core/random.h"

namespace ompq::testing {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

namespace {

std::int64_t count(const Ints& shape) { return ompq::element_count(shape); }

std::size_t index_of(
    const Array& x, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return static_cast<std::size_t>(((n * x.shape[1] + c) * x.shape[2] + h) * x.shape[3] + w);
}

double& at(Array& x, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return x.elements[index_of(x, n, c, h, w)];
}

double at(const Array& x, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return x.elements[index_of(x, n, c, h, w)];
}

Array zeros(Ints shape) {
  Array array{std::move(shape), {}};
  array.elements.assign(static_cast<std::size_t>(count(array.shape)), 0.0);
  return array;
}

/// Element-wise with broadcasting; `a` has the larger rank or the same.
Array zip(const Array& a, const Array& b, const std::function<double(double, double)>& f) {
  if (a.shape.size() < b.shape.size()) {
    return zip(b, a, [&](double x, double y) { return f(y, x); });
  }
  const std::size_t offset = a.shape.size() - b.shape.size();
  Ints shape = a.shape;
  for (std::size_t i = 0; i < b.shape.size(); ++i) {
    shape[offset + i] = std::max(shape[offset + i], b.shape[i]);
  }
  Array result = zeros(shape);
  for (std::int64_t i = 0; i < count(shape); ++i) {
    std::int64_t rest = i, stride_a = 1, stride_b = 1, index_a = 0, index_b = 0;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      const std::int64_t position = rest % shape[axis];
      rest /= shape[axis];
      index_a += a.shape[axis] == 1 ? 0 : position * stride_a;
      stride_a *= a.shape[axis];
      if (axis < offset) continue;
      index_b += b.shape[axis - offset] == 1 ? 0 : position * stride_b;
      stride_b *= b.shape[axis - offset];
    }
    result.elements[static_cast<std::size_t>(i)] = f(a.elements[static_cast<std::size_t>(index_a)],
                                                     b.elements[static_cast<std::size_t>(index_b)]);
  }
  return result;
}

Array map(Array x, const std::function<double(double)>& f) {
  std::transform(x.elements.begin(), x.elements.end(), x.elements.begin(), f);
  return x;
}

struct Window {
  Ints strides, pads, dilations;
  std::int64_t groups;

  explicit Window(const Node& node)
      : strides(node.ints_attribute("strides", {1, 1})),
        pads(node.ints_attribute("pads", {0, 0, 0, 0})),
        dilations(node.ints_attribute("dilations", {1, 1})),
        groups(node.int_attribute("group", 1)) {}
};

Array convolve(const Node& node, const Array& x, const Array& w) {
  const Window window(node);
  const std::int64_t outs = w.shape[0], ins = w.shape[1], kh = w.shape[2], kw = w.shape[3];
  const auto extent = [&](std::size_t axis, std::int64_t kernel) {
    return (x.shape[axis + 2] + window.pads[axis] + window.pads[axis + 2] -
            window.dilations[axis] * (kernel - 1) - 1) /
               window.strides[axis] +
           1;
  };
  Array y = zeros({x.shape[0], outs, extent(0, kh), extent(1, kw)});
  for (std::int64_t i = 0; i < count(y.shape) * ins * kh * kw; ++i) {
    std::int64_t rest = i;
    const auto next = [&rest](std::int64_t size) {
      const std::int64_t digit = rest % size;
      rest /= size;
      return digit;
    };
    const std::int64_t kx = next(kw), ky = next(kh), c = next(ins);
    const std::int64_t ox = next(y.shape[3]), oy = next(y.shape[2]), o = next(outs), n = rest;
    const std::int64_t iy = oy * window.strides[0] - window.pads[0] + ky * window.dilations[0];
    const std::int64_t ix = ox * window.strides[1] - window.pads[1] + kx * window.dilations[1];
    if (iy < 0 || iy >= x.shape[2] || ix < 0 || ix >= x.shape[3]) continue;
    const std::int64_t channel = o / (outs / window.groups) * ins + c;
    at(y, n, o, oy, ox) += at(w, o, c, ky, kx) * at(x, n, channel, iy, ix);
  }
  return y;
}

Array convolve_transposed(const Node& node, const Array& x, const Array& w) {
  const Window window(node);
  const Ints added = node.ints_attribute("output_padding", {0, 0});
  const std::int64_t ins = w.shape[0], outs = w.shape[1], kh = w.shape[2], kw = w.shape[3];
  const auto extent = [&](std::size_t axis, std::int64_t kernel) {
    return (x.shape[axis + 2] - 1) * window.strides[axis] + window.dilations[axis] * (kernel - 1) +
           1 + added[axis] - window.pads[axis] - window.pads[axis + 2];
  };
  Array y = zeros({x.shape[0], outs * window.groups, extent(0, kh), extent(1, kw)});
  for (std::int64_t i = 0; i < count(x.shape) * outs * kh * kw; ++i) {
    std::int64_t rest = i;
    const auto next = [&rest](std::int64_t size) {
      const std::int64_t digit = rest % size;
      rest /= size;
      return digit;
    };
    const std::int64_t kx = next(kw), ky = next(kh), o = next(outs);
    const std::int64_t ix = next(x.shape[3]), iy = next(x.shape[2]), c = next(ins), n = rest;
    const std::int64_t oy = iy * window.strides[0] - window.pads[0] + ky * window.dilations[0];
    const std::int64_t ox = ix * window.strides[1] - window.pads[1] + kx * window.dilations[1];
    if (oy < 0 || oy >= y.shape[2] || ox < 0 || ox >= y.shape[3]) continue;
    const std::int64_t channel = c / (ins / window.groups) * outs + o;
    at(y, n, channel, oy, ox) += at(w, c, o, ky, kx) * at(x, n, c, iy, ix);
  }
  return y;
}

Array multiply(const Array& a, const Array& b, bool transposed) {
  const std::int64_t inner = a.shape.back();
  const std::int64_t outs = transposed ? b.shape[0] : b.shape[1];
  const std::int64_t rows = count(a.shape) / inner;
  Ints shape = a.shape;
  shape.back() = outs;
  Array y = zeros(std::move(shape));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t o = 0; o < outs; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const std::int64_t index = transposed ? o * inner + i : i * outs + o;
        y.elements[static_cast<std::size_t>(r * outs + o)] +=
            a.elements[static_cast<std::size_t>(r * inner + i)] *
            b.elements[static_cast<std::size_t>(index)];
      }
    }
  }
  return y;
}

Array pool_maximum(const Node& node, const Array& x) {
  const Window window(node);
  const Ints kernel = node.ints_attribute("kernel_shape", {});
  const auto extent = [&](std::size_t axis) {
    return (x.shape[axis + 2] + window.pads[axis] + window.pads[axis + 2] - kernel.at(axis)) /
               window.strides[axis] +
           1;
  };
  Array y = zeros({x.shape[0], x.shape[1], extent(0), extent(1)});
  for (std::int64_t i = 0; i < count(y.shape); ++i) {
    const std::int64_t ox = i % y.shape[3], oy = i / y.shape[3] % y.shape[2];
    const std::int64_t plane = i / (y.shape[3] * y.shape[2]);
    double largest = -std::numeric_limits<double>::infinity();
    for (std::int64_t k = 0; k < kernel[0] * kernel[1]; ++k) {
      const std::int64_t iy = oy * window.strides[0] - window.pads[0] + k / kernel[1];
      const std::int64_t ix = ox * window.strides[1] - window.pads[1] + k % kernel[1];
      if (iy < 0 || iy >= x.shape[2] || ix < 0 || ix >= x.shape[3]) continue;
      largest = std::max(largest, at(x, plane / x.shape[1], plane % x.shape[1], iy, ix));
    }
    y.elements[static_cast<std::size_t>(i)] = largest;
  }
  return y;
}

Array pool_average(const Array& x) {
  Array y = zeros({x.shape[0], x.shape[1], 1, 1});
  const std::int64_t pixels = x.shape[2] * x.shape[3];
  for (std::size_t i = 0; i < x.elements.size(); ++i) {
    y.elements[i / static_cast<std::size_t>(pixels)] += x.elements[i] / static_cast<double>(pixels);
  }
  return y;
}

/// One number per channel, shaped to meet axis 1 of a value of rank `rank`.
Array per_channel(const Array& list, std::size_t rank) {
  Ints shape(rank - 1, 1);
  shape[0] = count(list.shape);
  return {shape, list.elements};
}

class Runner {
 public:
  explicit Runner(const Graph& graph) : graph_(graph) {}

  std::vector<Array> run(const Array& input) {
    arrays_[graph_.inputs().at(0)] = input;
    for (const Node& node : graph_.nodes()) {
      Array result = compute(node);
      if (node.op_type.starts_with("Fused")) result = finish(node, std::move(result));
      arrays_[node.outputs[0]] = std::move(result);
    }
    std::vector<Array> outputs;
    for (const ValueId id : graph_.outputs()) outputs.push_back(get(id));
    return outputs;
  }

 private:
  Array get(ValueId id) const {
    if (!graph_.is_constant(id)) return arrays_.at(id);
    const Tensor& tensor = *graph_.value(id).constant;
    const std::vector<float> floats = tensor.to_floats();
    return {tensor.shape(), {floats.begin(), floats.end()}};
  }

  Array compute(const Node& node) const {
    const std::string type =
        node.op_type.starts_with("Fused") ? node.op_type.substr(5) : node.op_type;
    const Array x = get(node.inputs.at(0));
    if (type == "Identity" || type == "Dropout") return x;
    if (type == "Flatten") return {{x.shape[0], count(x.shape) / x.shape[0]}, x.elements};
    if (type == "MaxPool") return pool_maximum(node, x);
    if (type == "GlobalAveragePool") return pool_average(x);
    if (type == "BatchNormalization") return normalize(node, x);
    if (type == "Relu" || type == "Sigmoid") return activate(type, x, 0.0, 0.0);
    if (type == "Clip")
      return activate(type, x, get(node.inputs[1]).elements[0], get(node.inputs[2]).elements[0]);
    const Array w = get(node.inputs.at(1));
    if (type == "Add") return zip(x, w, std::plus<>());
    if (type == "Mul") return zip(x, w, std::multiplies<>());
    if (type == "MatMul") return with_bias(node, multiply(x, w, false), 0);
    if (type == "Conv") return with_bias(node, convolve(node, x, w), 1);
    if (type == "ConvTranspose") return with_bias(node, convolve_transposed(node, x, w), 1);
    if (type == "Gemm") return gemm(node, x, w);
    throw std::runtime_error("run_plainly knows no " + node.op_type);
  }

  Array with_bias(const Node& node, Array y, std::size_t axis) const {
    if (node.input(2) == kNoValue) return y;
    const Array bias = get(node.inputs[2]);
    return zip(y, axis == 1 ? per_channel(bias, y.shape.size()) : bias, std::plus<>());
  }

  Array gemm(const Node& node, const Array& x, const Array& w) const {
    const double alpha = node.float_attribute("alpha", 1.0F);
    const double beta = node.float_attribute("beta", 1.0F);
    Array y = map(multiply(x, w, node.int_attribute("transB", 0) != 0),
                  [&](double v) { return alpha * v; });
    if (node.input(2) == kNoValue) return y;
    return zip(y, get(node.inputs[2]), [&](double v, double c) { return v + beta * c; });
  }

  Array normalize(const Node& node, const Array& x) const {
    const std::size_t rank = x.shape.size();
    const double epsilon = node.float_attribute("epsilon", 1e-5F);
    const auto list = [&](std::size_t i) { return per_channel(get(node.inputs[i]), rank); };
    Array y = zip(x, list(3), std::minus<>());
    y = zip(y, list(4), [&](double v, double var) { return v / std::sqrt(var + epsilon); });
    return zip(zip(y, list(1), std::multiplies<>()), list(2), std::plus<>());
  }

  Array finish(const Node& node, Array y) const {
    if (node.input(3) != kNoValue) y = zip(y, get(node.inputs[3]), std::plus<>());
    const std::string activation = node.string_attribute("activation", "");
    if (activation.empty()) return y;
    return activate(activation,
                    std::move(y),
                    node.float_attribute("activation_min", 0.0F),
                    node.float_attribute("activation_max", 0.0F));
  }

  static Array activate(const std::string& type, Array x, double low, double high) {
    if (type == "Relu") return map(std::move(x), [](double v) { return std::max(v, 0.0); });
    if (type == "Clip")
      return map(std::move(x), [&](double v) { return std::clamp(v, low, high); });
    const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
    if (type == "Sigmoid") return map(std::move(x), sigmoid);
    if (type == "Swish") return map(std::move(x), [&](double v) { return v * sigmoid(v); });
    throw std::runtime_error("run_plainly knows no activation " + type);
  }

  const Graph& graph_;
  std::map<ValueId, Array> arrays_;
};

}  // namespace

std::vector<Array> run_plainly(const Graph& graph, const Array& input) {
  return Runner(graph).run(input);
}

void expect_same_outputs(const Graph& before, const Graph& after, const Array& input) {
  const std::vector<Array> expected = run_plainly(before, input);
  const std::vector<Array> got = run_plainly(after, input);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t o = 0; o < got.size(); ++o) {
    ASSERT_EQ(got[o].shape, expected[o].shape) << "output " << o;
    double largest = 0.0;
    for (const double element : expected[o].elements) {
      largest = std::max(largest, std::abs(element));
    }
    for (std::size_t i = 0; i < got[o].elements.size(); ++i) {
      ASSERT_NEAR(got[o].elements[i], expected[o].elements[i], largest * std::ldexp(1.0, -14))
          << "output " << o << " element " << i;
    }
  }
}

Array normal_array(Ints shape, std::uint64_t seed) {
  Array array = zeros(std::move(shape));
  Random random(seed);
  for (double& element : array.elements) element = random.normal();
  return array;
}

}  // namespace ompq::testing
