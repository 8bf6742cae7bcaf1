#include "runtime/run_helpers.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "ompq/core/random.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/differentiable.h"

namespace ompq::testing {
namespace {

double largest_magnitude(const std::vector<float>& values) {
  double largest = 0.0;
  for (const float value : values) largest = std::max(largest, std::abs(double{value}));
  return largest;
}

}  // namespace

Tensor normal_tensor(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  for (float& value : values) value = static_cast<float>(random.normal());
  return Tensor::from(std::move(shape), values);
}

std::vector<Tensor> normal_inputs(const graph::Graph& graph,
                                  std::int64_t batch,
                                  std::uint64_t seed) {
  std::vector<Tensor> inputs;
  for (const graph::ValueId id : graph.inputs()) {
    inputs.push_back(normal_tensor(graph::extents_at(*graph.value(id).shape, batch), seed++));
  }
  return inputs;
}

double relative_error(const Tensor& got, const Tensor& expected) {
  const std::vector<float> a = got.to_floats();
  const std::vector<float> b = expected.to_floats();
  if (got.shape() != expected.shape()) return INFINITY;
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(double{a[i]} - double{b[i]}));
    if (std::isnan(a[i]) != std::isnan(b[i])) return INFINITY;
  }
  return worst / std::max(largest_magnitude(b), 1e-30);
}

::testing::AssertionResult near(const Tensor& got, const Tensor& expected, double bound) {
  if (got.shape() != expected.shape()) {
    return ::testing::AssertionFailure() << "got shape " << shape_text(got.shape()) << ", expected "
                                         << shape_text(expected.shape());
  }
  const std::vector<float> a = got.to_floats();
  const std::vector<float> b = expected.to_floats();
  const double allowed = bound * std::max(largest_magnitude(b), 1e-30);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(double{a[i]} - double{b[i]}) <= allowed) continue;
    return ::testing::AssertionFailure()
           << "element " << i << " is " << a[i] << ", expected " << b[i] << " +- " << allowed;
  }
  return ::testing::AssertionSuccess();
}

std::vector<Tensor> run_plain(const graph::Graph& graph, const std::vector<Tensor>& inputs) {
  const at::NoGradGuard no_grad;
  runtime::Bindings bound;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    bound[graph.inputs()[i]] = ops::to_aten(inputs[i]);
  }
  const runtime::DifferentiableGraph network(graph);
  std::vector<Tensor> outputs;
  for (const at::Tensor& output : network.evaluate(bound, graph.outputs())) {
    outputs.push_back(ops::from_aten(output));
  }
  return outputs;
}

std::vector<Tensor> run_executor(const graph::Graph& graph,
                                 const std::vector<Tensor>& inputs,
                                 runtime::ExecutorOptions options) {
  return runtime::Executor(graph, std::move(options)).run(inputs);
}

}  // namespace ompq::testing
