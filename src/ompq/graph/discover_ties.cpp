#include <numeric>
#include <unordered_map>

#include "ompq/graph/discover_parts.h"
#include "ompq/graph/op_roles.h"

namespace ompq::graph {
namespace {

/// Groups of layers, identified by their leaders.
class Groups {
 public:
  explicit Groups(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  LayerId leader(LayerId id) {
    while (parent(id) != id) {
      parent(id) = parent(parent(id));
      id = parent(id);
    }
    return id;
  }
  void follow(LayerId follower, LayerId followed) { parent(leader(follower)) = leader(followed); }

 private:
  LayerId& parent(LayerId id) { return parent_[static_cast<std::size_t>(id)]; }
  std::vector<LayerId> parent_;
};

/// By NodeId: the number of layers on every path to a node, including the node.
std::vector<int> layers_on_the_way(const Scene& scene) {
  std::vector<int> count(scene.graph.nodes().size(), 0);
  for (std::size_t i = 0; i < count.size(); ++i) {
    const NodeId above = scene.dominators.immediate(static_cast<NodeId>(i));
    if (above != kNoNode) count[i] = count[static_cast<std::size_t>(above)];
    if (scene.layer_at[i] >= 0) ++count[i];
  }
  return count;
}

/// Ties two layers that directly feed one Add, if one of them is the only layer on its branch.
void tie_projections(const Scene& scene, Groups& groups) {
  const std::vector<int> passed = layers_on_the_way(scene);
  std::unordered_map<NodeId, LayerId> waiting;  // by Add: the first layer that feeds it
  for (std::size_t i = 0; i < scene.layers.size(); ++i) {
    const auto id = static_cast<LayerId>(i);
    const NodeId add = scene.functions[i].residual;
    if (add == kNoNode || scene.functions[i].activated_before_add) continue;
    // A sum of embeddings is not a shortcut, nor are two weights of one operator.
    if (scene.layers[i].use == WeightUse::Lookup) continue;
    const auto [found, first] = waiting.emplace(add, id);
    if (first ||
        scene.layers[static_cast<std::size_t>(found->second)].node == scene.layers[i].node) {
      continue;
    }
    const LayerId other = found->second;
    const NodeId fork = scene.dominators.immediate(add);
    const int before = fork == kNoNode ? 0 : passed[static_cast<std::size_t>(fork)];
    const auto length = [&](LayerId layer) {
      const NodeId node = scene.layers[static_cast<std::size_t>(layer)].node;
      return passed[static_cast<std::size_t>(node)] - before;
    };
    const auto weights = [&](LayerId layer) {
      return scene.layers[static_cast<std::size_t>(layer)].weight_count;
    };
    if (length(id) != 1 && length(other) != 1) continue;
    const bool other_leads =
        length(other) != length(id) ? length(other) > length(id) : weights(other) > weights(id);
    other_leads ? groups.follow(id, other) : groups.follow(other, id);
  }
}

void tie_shared_weights(const Scene& scene, Groups& groups) {
  std::unordered_map<ValueId, LayerId> first_reader;
  for (std::size_t i = 0; i < scene.layers.size(); ++i) {
    const auto id = static_cast<LayerId>(i);
    const auto [found, first] = first_reader.emplace(scene.layers[i].weight, id);
    if (!first) groups.follow(id, found->second);
  }
}

}  // namespace

std::vector<Tie> discover_ties(const Scene& scene) {
  Groups groups(scene.layers.size());
  tie_projections(scene, groups);
  tie_shared_weights(scene, groups);
  std::vector<Tie> ties;
  std::unordered_map<LayerId, std::size_t> tie_of;
  for (std::size_t i = 0; i < scene.layers.size(); ++i) {
    const auto id = static_cast<LayerId>(i);
    const LayerId leader = groups.leader(id);
    if (leader == id) continue;
    const auto [found, first] = tie_of.emplace(leader, ties.size());
    if (first) ties.push_back({leader, {}});
    ties[found->second].followers.push_back(id);
  }
  return ties;
}

}  // namespace ompq::graph
