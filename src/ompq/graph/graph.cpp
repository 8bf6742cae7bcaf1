#include "ompq/graph/graph.h"

#include <algorithm>
#include <queue>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::graph {
namespace {

template <typename T>
const T* attribute_as(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(std::string(name));
  if (found == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) {
    throw ImportError(
        "graph",
        fmt::format("attribute '{}' of {} node '{}' has an unexpected type; the file is damaged",
                    name,
                    node.op_type,
                    node.name));
  }
  return value;
}

}  // namespace

std::int64_t Node::int_attribute(std::string_view attribute, std::int64_t fallback) const {
  const auto* found = attribute_as<std::int64_t>(*this, attribute);
  return found != nullptr ? *found : fallback;
}

float Node::float_attribute(std::string_view attribute, float fallback) const {
  const auto* found = attribute_as<float>(*this, attribute);
  return found != nullptr ? *found : fallback;
}

std::string Node::string_attribute(std::string_view attribute, std::string_view fallback) const {
  const auto* found = attribute_as<std::string>(*this, attribute);
  return found != nullptr ? *found : std::string(fallback);
}

std::vector<std::int64_t> Node::ints_attribute(std::string_view attribute,
                                               std::vector<std::int64_t> fallback) const {
  const auto* found = attribute_as<std::vector<std::int64_t>>(*this, attribute);
  return found != nullptr ? *found : std::move(fallback);
}

const Graph* Node::sub_graph(std::string_view attribute) const {
  const auto found = attributes.find(std::string(attribute));
  if (found == attributes.end()) return nullptr;
  const SubGraph* graph = std::get_if<SubGraph>(&found->second);
  return graph != nullptr ? graph->get() : nullptr;
}

bool Node::has_attribute(std::string_view attribute) const {
  return attributes.contains(std::string(attribute));
}

ValueId Graph::find_value(std::string_view value_name) const {
  const auto found = by_name_.find(std::string(value_name));
  return found == by_name_.end() ? kNoValue : found->second;
}

bool Graph::is_constant(ValueId id) const {
  return id != kNoValue && value(id).constant.has_value();
}

void Graph::index_uses() const {
  if (uses_current_) return;
  producers_.assign(values_.size(), kNoNode);
  consumers_.assign(values_.size(), {});
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    for (const ValueId output : nodes_[i].outputs) {
      if (output != kNoValue) producers_[static_cast<std::size_t>(output)] = id;
    }
    for (const ValueId input : nodes_[i].inputs) {
      if (input == kNoValue) continue;
      auto& readers = consumers_[static_cast<std::size_t>(input)];
      if (readers.empty() || readers.back() != id) readers.push_back(id);
    }
  }
  uses_current_ = true;
}

NodeId Graph::producer(ValueId id) const {
  index_uses();
  return producers_.at(static_cast<std::size_t>(id));
}

std::vector<NodeId> Graph::consumers(ValueId id) const {
  index_uses();
  return consumers_.at(static_cast<std::size_t>(id));
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

std::string Graph::fresh_name(std::string_view base) const {
  std::string candidate(base);
  for (std::size_t i = values_.size();
       candidate.empty() || by_name_.contains(candidate) || node_names_.contains(candidate);
       ++i) {
    candidate = fmt::format("{}_{}", base.empty() ? "value" : base, i);
  }
  return candidate;
}

ValueId Graph::add_value(Value value) {
  if (value.name.empty()) value.name = fresh_name("");
  const auto id = static_cast<ValueId>(values_.size());
  if (!by_name_.emplace(value.name, id).second) {
    throw ImportError("graph", fmt::format("two values are named '{}'", value.name));
  }
  values_.push_back(std::move(value));
  invalidate();
  return id;
}

ValueId Graph::add_open_input(std::string input_name) {
  const ValueId id = add_value({std::move(input_name), DataType::Float32, {}, {}});
  inputs_.push_back(id);
  return id;
}

ValueId Graph::add_input(std::string input_name, DataType type, Shape shape) {
  const ValueId id = add_value({std::move(input_name), type, std::move(shape), std::nullopt});
  inputs_.push_back(id);
  return id;
}

ValueId Graph::add_constant(std::string constant_name, Tensor tensor) {
  Value value;
  value.name = by_name_.contains(constant_name) ? fresh_name(constant_name) : constant_name;
  value.type = tensor.type();
  value.shape = fixed_shape(tensor.shape());
  value.constant = std::move(tensor);
  return add_value(std::move(value));
}

void Graph::mark_output(ValueId id) { outputs_.push_back(id); }

void Graph::set_outputs(std::vector<ValueId> ids) { outputs_ = std::move(ids); }

NodeId Graph::add_node(Node node) {
  const auto id = static_cast<NodeId>(nodes_.size());
  std::string base = node.name.empty() ? node.op_type : node.name;
  std::string unique = base;
  for (std::size_t i = nodes_.size(); node_names_.contains(unique); ++i) {
    unique = fmt::format("{}_{}", base, i);
  }
  node.name = unique;
  node_names_.emplace(node.name, id);
  nodes_.push_back(std::move(node));
  invalidate();
  return id;
}

ValueId Graph::add_op(Node node, std::size_t output_count) {
  const NodeId id = add_node(std::move(node));
  const std::string base = nodes_.back().name + "_output";
  for (std::size_t i = 0; i < output_count; ++i) {
    Value value;
    value.name = fresh_name(output_count == 1 ? base : fmt::format("{}_{}", base, i));
    const ValueId output = add_value(std::move(value));
    mutable_node(id).outputs.push_back(output);
  }
  return nodes_.back().outputs.at(nodes_.back().outputs.size() - output_count);
}

Node& Graph::mutable_node(NodeId id) {
  invalidate();
  return nodes_.at(static_cast<std::size_t>(id));
}

Value& Graph::mutable_value(ValueId id) { return values_.at(static_cast<std::size_t>(id)); }

void Graph::replace_uses(ValueId from, ValueId to, bool outputs_too) {
  for (Node& node : nodes_) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  if (outputs_too) std::replace(outputs_.begin(), outputs_.end(), from, to);
  invalidate();
}

void Graph::erase_nodes(std::span<const NodeId> ids) {
  if (ids.empty()) return;
  const std::unordered_set<NodeId> gone(ids.begin(), ids.end());
  std::vector<Node> kept;
  kept.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!gone.contains(static_cast<NodeId>(i))) kept.push_back(std::move(nodes_[i]));
  }
  set_nodes(std::move(kept));
}

void Graph::set_nodes(std::vector<Node> nodes) {
  nodes_ = std::move(nodes);
  node_names_.clear();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    node_names_.emplace(nodes_[i].name, static_cast<NodeId>(i));
  }
  invalidate();
}

void Graph::erase_dead_nodes() {
  index_uses();
  std::vector<std::size_t> readers(values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) readers[i] = consumers_[i].size();
  for (const ValueId output : outputs_) ++readers[static_cast<std::size_t>(output)];
  const auto unread = [&](const Node& node) {
    return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return output == kNoValue || readers[static_cast<std::size_t>(output)] == 0;
    });
  };
  std::vector<bool> dead(nodes_.size(), false);
  std::vector<NodeId> open;
  const auto bury = [&](NodeId id) {
    const auto index = static_cast<std::size_t>(id);
    if (dead[index] || !unread(nodes_[index])) return;
    dead[index] = true;
    open.push_back(id);
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) bury(static_cast<NodeId>(i));
  std::vector<NodeId> gone;
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    gone.push_back(id);
    std::unordered_set<ValueId> seen;
    for (const ValueId input : nodes_[static_cast<std::size_t>(id)].inputs) {
      if (input == kNoValue || !seen.insert(input).second) continue;
      --readers[static_cast<std::size_t>(input)];
      const NodeId maker = producers_[static_cast<std::size_t>(input)];
      if (maker != kNoNode) bury(maker);
    }
  }
  if (!gone.empty()) erase_nodes(gone);
}

std::vector<std::size_t> Graph::count_makers() const {
  std::vector<bool> given(values_.size(), false);
  for (const ValueId input : inputs_) given[static_cast<std::size_t>(input)] = true;
  std::vector<bool> made(values_.size(), false);
  for (const Node& node : nodes_) {
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      const auto index = static_cast<std::size_t>(output);
      if (made[index] || given[index]) {
        throw ImportError("graph",
                          fmt::format("'{}' is produced twice, the second time by {} node '{}'",
                                      values_[index].name,
                                      node.op_type,
                                      node.name));
      }
      made[index] = true;
    }
  }
  std::vector<std::size_t> count(nodes_.size(), 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::unordered_set<NodeId> makers;
    for (const ValueId input : nodes_[i].inputs) {
      if (input == kNoValue) continue;
      const auto index = static_cast<std::size_t>(input);
      if (!made[index] && !given[index] && !is_constant(input)) {
        throw ImportError("graph",
                          fmt::format("{} node '{}' reads '{}', which no node produces",
                                      nodes_[i].op_type,
                                      nodes_[i].name,
                                      values_[index].name));
      }
      if (made[index]) makers.insert(producers_[index]);
    }
    count[i] = makers.size();
  }
  return count;
}

void Graph::throw_cycle(const std::vector<std::size_t>& missing) const {
  std::vector<std::string> stuck;
  for (std::size_t i = 0; i < nodes_.size() && stuck.size() < 5; ++i) {
    if (missing[i] > 0) stuck.push_back("'" + nodes_[i].name + "'");
  }
  throw ImportError("graph",
                    fmt::format("the network has a cycle through or before node {}; "
                                "only feed-forward networks are supported",
                                fmt::join(stuck, ", ")));
}

void Graph::sort() {
  index_uses();
  std::vector<std::size_t> missing = count_makers();
  // The smallest index first keeps the file's order if it is valid.
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<Node> sorted;
  sorted.reserve(nodes_.size());
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t next = ready.top();
    ready.pop();
    order.push_back(next);
    std::unordered_set<NodeId> readers;
    for (const ValueId output : nodes_[next].outputs) {
      if (output == kNoValue) continue;
      const auto& found = consumers_[static_cast<std::size_t>(output)];
      readers.insert(found.begin(), found.end());
    }
    for (const NodeId reader : readers) {
      const auto index = static_cast<std::size_t>(reader);
      if (--missing[index] == 0) ready.push(index);
    }
  }
  if (order.size() != nodes_.size()) throw_cycle(missing);
  for (const std::size_t index : order) sorted.push_back(std::move(nodes_[index]));
  set_nodes(std::move(sorted));
}

}  // namespace ompq::graph
