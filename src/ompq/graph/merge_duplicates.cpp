#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/graph/passes.h"

namespace ompq::graph {
namespace {

/// A text that is equal for equal attributes; nullopt for attributes that are not compared.
std::optional<std::string> attribute_text(const Attribute& attribute) {
  return std::visit(
      [](const auto& value) -> std::optional<std::string> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, float>) {
          return fmt::format("{}", value);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return fmt::format("{}:{}", value.size(), value);
        } else if constexpr (std::is_same_v<T, std::vector<std::int64_t>> ||
                             std::is_same_v<T, std::vector<float>>) {
          return fmt::format("[{}]", fmt::join(value, ","));
        } else {
          return std::nullopt;
        }
      },
      attribute);
}

std::optional<std::string> key_of(const Node& node) {
  std::string key =
      fmt::format("{} {} [{}]", node.domain, node.op_type, fmt::join(node.inputs, ","));
  for (const ValueId output : node.outputs) key += output == kNoValue ? " -" : " o";
  for (const auto& [name, attribute] : node.attributes) {
    const auto text = attribute_text(attribute);
    if (!text) return std::nullopt;
    key += fmt::format(" {}={}", name, *text);
  }
  return key;
}

}  // namespace

int merge_constant_duplicates(Graph& graph) {
  std::vector<bool> constant(graph.values().size());
  for (std::size_t i = 0; i < constant.size(); ++i) {
    constant[i] = graph.is_constant(static_cast<ValueId>(i));
  }
  std::map<std::string, NodeId> first;
  std::vector<NodeId> gone;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    bool derived = !node.inputs.empty();
    for (const ValueId input : node.inputs) {
      derived = derived && (input == kNoValue || constant[static_cast<std::size_t>(input)]);
    }
    if (!derived) continue;
    bool visible = false;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      constant[static_cast<std::size_t>(output)] = true;
      visible = visible || graph.is_output(output);
    }
    const auto key = key_of(node);
    if (!key || visible) continue;
    const auto [kept, is_first] = first.emplace(*key, id);
    if (is_first) continue;
    const std::vector<ValueId> mine = node.outputs;
    const std::vector<ValueId> theirs = graph.node(kept->second).outputs;
    for (std::size_t o = 0; o < mine.size(); ++o) {
      if (mine[o] != kNoValue) graph.replace_uses(mine[o], theirs[o]);
    }
    gone.push_back(id);
  }
  graph.erase_nodes(gone);
  return static_cast<int>(gone.size());
}

}  // namespace ompq::graph
