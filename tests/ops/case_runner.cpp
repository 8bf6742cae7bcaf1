#include "ops/case_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"

namespace ompq::testing {
namespace {

/// The batch size that comes after N: the greatest common divisor of the data inputs' axis 0.
std::int64_t batch_of(const OpCase& op_case) {
  std::int64_t batch = 0;
  for (const CaseInput& input : op_case.inputs) {
    if (input.present && !input.constant && input.tensor.rank() > 0) {
      batch = std::gcd(batch, input.tensor.shape().front());
    }
  }
  return batch;
}

}  // namespace

PreparedCase::PreparedCase(const OpCase& op_case)
    : source(op_case), op(ops::find_operator(op_case.domain, op_case.op_type)) {
  node.name = "tested";
  node.op_type = op_case.op_type;
  node.domain = op_case.domain;
  node.attributes = op_case.attributes;
  graph::ValueId next = 0;
  for (const CaseInput& input : op_case.inputs) {
    node.inputs.push_back(input.present ? next : graph::kNoValue);
    ++next;
  }
  for (std::size_t i = 0; i < op_case.outputs; ++i) node.outputs.push_back(next++);
}

std::vector<ops::InputFacts> PreparedCase::facts(bool open_batch) const {
  std::vector<ops::InputFacts> facts(source.inputs.size());
  const std::int64_t batch = batch_of(source);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const CaseInput& input = source.inputs[i];
    if (!input.present) continue;
    facts[i].present = true;
    facts[i].type = input.tensor.type();
    facts[i].shape = graph::fixed_shape(input.tensor.shape());
    if (!input.constant) {
      if (open_batch && batch > 0 && !facts[i].shape.empty()) {
        facts[i].shape[0] = graph::Dim::batch(facts[i].shape[0].size / batch);
      }
      continue;
    }
    facts[i].constant = &input.tensor;
    if (ops::is_float(input.tensor.type())) continue;
    facts[i].elements.emplace();
    for (const std::int64_t element : input.tensor.to_int64s()) {
      facts[i].elements->push_back(graph::Dim::fixed(element));
    }
  }
  return facts;
}

std::vector<at::Tensor> PreparedCase::tensors() const {
  std::vector<at::Tensor> tensors;
  for (const CaseInput& input : source.inputs) {
    tensors.push_back(input.present ? ops::to_aten(input.tensor) : at::Tensor());
  }
  return tensors;
}

graph::Graph as_graph(const OpCase& op_case) {
  graph::Graph graph;
  graph.opset = op_case.opset;
  graph::Node node = PreparedCase(op_case).node;
  for (std::size_t i = 0; i < op_case.inputs.size(); ++i) {
    const CaseInput& input = op_case.inputs[i];
    if (!input.present) continue;
    const std::string name = fmt::format("x{}", i);
    node.inputs[i] =
        input.constant
            ? graph.add_constant(name, input.tensor)
            : graph.add_input(name, input.tensor.type(), graph::fixed_shape(input.tensor.shape()));
  }
  const std::vector<Tensor> outputs = run_case(op_case);
  for (std::size_t i = 0; i < op_case.outputs; ++i) {
    graph::Value value;
    value.name = fmt::format("y{}", i);
    value.type = outputs.at(i).type();
    value.shape = graph::fixed_shape(outputs.at(i).shape());
    node.outputs[i] = graph.add_value(std::move(value));
    graph.mark_output(node.outputs[i]);
  }
  graph.add_node(std::move(node));
  return graph;
}

std::vector<Tensor> run_case(const OpCase& op_case) {
  const PreparedCase prepared(op_case);
  const at::NoGradGuard no_grad;
  std::vector<Tensor> outputs;
  for (const at::Tensor& output : prepared.op->run(prepared.context(), prepared.tensors())) {
    outputs.push_back(ops::from_aten(output));
  }
  return outputs;
}

Distance distance(const Tensor& got, const Tensor& expected) {
  if (got.type() != expected.type() || got.shape() != expected.shape()) {
    return {std::numeric_limits<double>::infinity(),
            fmt::format("got {} {}, expected {} {}",
                        name_of(got.type()),
                        shape_text(got.shape()),
                        name_of(expected.type()),
                        shape_text(expected.shape()))};
  }
  const std::vector<float> ours = got.to_floats();
  const std::vector<float> theirs = expected.to_floats();
  double scale = 1.0;
  for (const float value : theirs) {
    if (std::isfinite(value)) scale = std::max(scale, std::abs(double{value}));
  }
  Distance worst;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i] == theirs[i] || (std::isnan(ours[i]) && std::isnan(theirs[i]))) continue;
    double gap = std::abs(double{ours[i]} - double{theirs[i]}) / scale;
    if (std::isnan(gap)) gap = std::numeric_limits<double>::infinity();
    if (gap <= worst.largest) continue;
    worst = {gap, fmt::format("element {}: got {}, expected {}", i, ours[i], theirs[i])};
  }
  return worst;
}

}  // namespace ompq::testing
