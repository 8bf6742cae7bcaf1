#include "ompq/runtime/input_sources.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ompq::runtime {
namespace {

/// The names of the network's inputs that `node` depends on.
std::vector<std::string> sources_of(const graph::Graph& graph, const graph::Node& node) {
  std::vector<graph::ValueId> open(node.inputs);
  std::vector<bool> seen(graph.values().size(), false);
  std::vector<std::string> names;
  while (!open.empty()) {
    const graph::ValueId id = open.back();
    open.pop_back();
    if (id == graph::kNoValue || seen[static_cast<std::size_t>(id)]) continue;
    seen[static_cast<std::size_t>(id)] = true;
    const graph::NodeId maker = graph.producer(id);
    if (maker != graph::kNoNode) {
      const auto& inputs = graph.node(maker).inputs;
      open.insert(open.end(), inputs.begin(), inputs.end());
    } else if (!graph.is_constant(id)) {
      names.push_back(fmt::format("'{}'", graph.value(id).name));
    }
  }
  return names;
}

}  // namespace

std::string message_with_sources(const graph::Graph& graph,
                                 const graph::Node& node,
                                 const DataError& error) {
  constexpr std::size_t kBrackets = 3;  // "[where] "
  return fmt::format("{}; it depends on the network's input {}",
                     std::string_view(error.what()).substr(error.where().size() + kBrackets),
                     fmt::join(sources_of(graph, node), ", "));
}

}  // namespace ompq::runtime
