#include <memory>

#include "ops/op_case.h"

namespace ompq::testing {
namespace {

using graph::Graph;
using graph::ValueId;

/// The sub-network whose inputs and outputs `build` names.
template <typename Build>
graph::Attribute sub_network(Build build) {
  auto inside = std::make_shared<Graph>();
  build(*inside);
  return graph::SubGraph(std::move(inside));
}

ValueId open_input(Graph& graph, const std::string& name) { return graph.add_open_input(name); }

ValueId add(Graph& graph, const std::string& type, std::vector<ValueId> inputs) {
  return graph.add_op({.name = "",
                       .op_type = type,
                       .domain = "",
                       .inputs = std::move(inputs),
                       .outputs = {},
                       .attributes = {}});
}

graph::Attribute branch(const std::string& type) {
  return sub_network([&](Graph& graph) {
    const ValueId x = open_input(graph, "x");
    graph.mark_output(add(graph, type, {x}));
  });
}

/// Turns a state into its product with a captured matrix, and shows it each time.
graph::Attribute products() {
  return sub_network([](Graph& graph) {
    const ValueId turn = open_input(graph, "turn");
    const ValueId going = open_input(graph, "going");
    const ValueId state = open_input(graph, "state");
    const ValueId matrix = open_input(graph, "matrix");
    (void)turn;
    graph.mark_output(add(graph, "Identity", {going}));
    const ValueId next = add(graph, "Tanh", {add(graph, "MatMul", {state, matrix})});
    graph.mark_output(next);
    graph.mark_output(add(graph, "Neg", {next}));
  });
}

/// Doubles a state until its largest element is no longer less than a limit.
graph::Attribute doubling() {
  return sub_network([](Graph& graph) {
    (void)open_input(graph, "turn");
    (void)open_input(graph, "going");
    const ValueId state = open_input(graph, "state");
    const ValueId limit = open_input(graph, "limit");
    const ValueId next = add(graph, "Add", {state, state});
    graph.mark_output(add(graph, "Less", {add(graph, "ReduceMax", {next}), limit}));
    graph.mutable_node(1).attributes["keepdims"] = std::int64_t{0};
    graph.mark_output(next);
  });
}

graph::Attribute running_sum() {
  return sub_network([](Graph& graph) {
    const ValueId sum = open_input(graph, "sum");
    const ValueId element = open_input(graph, "element");
    const ValueId next = add(graph, "Add", {sum, element});
    graph.mark_output(next);
    graph.mark_output(add(graph, "Tanh", {next}));
  });
}

}  // namespace

OpCases control_flow_cases() {
  const CaseInput x = data(normal({3, 4}, 1));
  const CaseInput matrix = constant(normal({4, 4}, 2));
  const CaseInput yes = constant(Tensor::scalar(true));
  const CaseInput three = constant(Tensor::scalar<std::int64_t>(3));
  const std::map<std::string, graph::Attribute> choice{{"then_branch", branch("Exp")},
                                                       {"else_branch", branch("Neg")},
                                                       {"ompq_captures", std::int64_t{1}}};
  const std::int64_t one = 1;
  return {
      {"If", 13, "a computed condition that holds", choice, {data(Tensor::scalar(true)), x}},
      {"If", 16, "a computed condition that does not", choice, {data(Tensor::scalar(false)), x}},
      OpCase{"Loop",
             13,
             "a number of turns",
             {{"body", products()}, {"ompq_captures", one}},
             {three, yes, x, matrix}}
          .with_outputs(2),
      OpCase{
          "Loop",
          16,
          "as long as a condition holds",
          {{"body", doubling()}, {"ompq_captures", one}},
          {absent(), yes, data(uniform({3, 4}, 0.5F, 1.0F, 1)), constant(Tensor::scalar(20.0F))}},
      OpCase{"Scan",
             16,
             "forwards",
             {{"body", running_sum()}, {"num_scan_inputs", one}},
             {data(normal({4}, 1)), data(normal({3, 4}, 2))}}
          .with_outputs(2)
          .fixed_batch(),
      OpCase{"Scan",
             11,
             "backwards along the second axis",
             {{"body", running_sum()},
              {"num_scan_inputs", one},
              {"scan_input_axes", Ints{1}},
              {"scan_input_directions", Ints{1}},
              {"scan_output_axes", Ints{1}},
              {"scan_output_directions", Ints{1}}},
             {data(normal({3}, 1)), data(normal({3, 4}, 2))}}
          .with_outputs(2)
          .fixed_batch(),
  };
}

}  // namespace ompq::testing
