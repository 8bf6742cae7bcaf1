#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "ompq/graph/discover_parts.h"
#include "ompq/graph/op_roles.h"

namespace ompq::graph {
namespace {

constexpr int kNoBlock = -1;
/// Limit of a block's nodes: 32 for each of its layers. Bounds the search in networks with much
/// element-wise arithmetic.
constexpr std::size_t kMaxBlockNodes = 32 * kMaxBlockLayers;

/// All nodes between one value and one node, without other connections to the rest of the network.
struct Region {
  ValueId entry = kNoValue;
  std::vector<NodeId> nodes;
  std::vector<int> merged;  ///< indices of blocks that it includes
};

class BlockFinder {
 public:
  explicit BlockFinder(const Scene& scene)
      : scene_(scene), graph_(scene.graph), block_of_(graph_.nodes().size(), kNoBlock) {}

  std::vector<Block> run() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      if (is_residual_add(graph_, graph_.nodes()[i])) residual_block(static_cast<NodeId>(i));
    }
    linear_bottlenecks();
    for (std::size_t i = 0; i < scene_.layers.size(); ++i) single_layer(static_cast<LayerId>(i));
    return finish();
  }

 private:
  /// From the value where the branches split to the Add that joins them, with its activation.
  void residual_block(NodeId add) {
    const NodeId fork = scene_.dominators.immediate(add);
    if (layers_before(fork + 1) == layers_before(add)) return;
    std::optional<Region> region = closed_region(fork, add);
    if (!region) return;
    const std::vector<NodeId> after = activation_after(graph_, scene_.uses, add);
    const NodeId last = after.empty() ? add : after.back();
    region->nodes.insert(region->nodes.end(), after.begin(), after.end());
    claim(std::move(*region), graph_.node(last).outputs[0]);
  }

  /// From one value without activation to the next: expand, depthwise, project.
  void linear_bottlenecks() {
    std::unordered_set<ValueId> linear;
    for (std::size_t i = 0; i < scene_.layers.size(); ++i) {
      const LayerFunction& function = scene_.functions[i];
      const Layer& layer = scene_.layers[i];
      if (!is_conv(layer) || is_fully_connected(layer) || function.activated_before_add) continue;
      if (block_of(layer.node) == kNoBlock) linear_bottleneck(function, layer.node, linear);
      linear.insert(function.before_add);
      if (!function.activated) linear.insert(function.feature);
    }
  }

  void linear_bottleneck(const LayerFunction& function,
                         NodeId layer,
                         const std::unordered_set<ValueId>& linear) {
    const NodeId fork = linear_value_above(layer, linear);
    if (fork == kNoNode) return;
    std::optional<Region> region =
        closed_region(fork, function.nodes[function.nodes_before_add - 1]);
    if (!region || region->nodes.empty() || !linear.contains(region->entry)) return;
    if (!region->merged.empty() || !holds_only_convolutions(*region)) return;
    claim(std::move(*region), function.before_add);
  }

  /// The nearest node on every path to `layer` that produces one of the values `linear`.
  [[nodiscard]] NodeId linear_value_above(NodeId layer,
                                          const std::unordered_set<ValueId>& linear) const {
    std::size_t layers = 1;
    for (NodeId at = scene_.dominators.immediate(layer); at != kNoNode;
         at = scene_.dominators.immediate(at)) {
      const Node& node = graph_.node(at);
      if (linear.contains(node.outputs[0])) return at;
      if (block_of(at) != kNoBlock) return kNoNode;
      layers += layers_at(at);
      if (layers > kMaxBlockLayers) return kNoNode;
    }
    return kNoNode;
  }

  void single_layer(LayerId id) {
    const auto index = static_cast<std::size_t>(id);
    const Layer& layer = scene_.layers[index];
    if (block_of(layer.node) != kNoBlock) return;
    const LayerFunction& function = scene_.functions[index];
    Region region{layer.input, {}, {}};
    const auto end =
        function.nodes.begin() + static_cast<std::ptrdiff_t>(function.nodes_before_add);
    region.nodes.assign(function.nodes.begin(), end);
    claim(std::move(region), function.before_add);
  }

  /// All nodes on the paths from node `from` (or the network's inputs) to node `to`. Nullopt if
  /// several values enter, an inner value is read outside or is a network output, another block has
  /// a part of it (one that starts at the same value is included instead), or there is no layer or
  /// too many.
  [[nodiscard]] std::optional<Region> closed_region(NodeId from, NodeId to) const {
    Region region;
    std::unordered_set<NodeId> inside{to};
    std::vector<NodeId> open{to};
    std::size_t layers = 0;
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      region.nodes.push_back(id);
      if (!may_hold(id, region)) return std::nullopt;
      layers += layers_at(id);
      if (layers > kMaxBlockLayers) return std::nullopt;
      if (region.nodes.size() > kMaxBlockNodes) return std::nullopt;
      for (const ValueId input : graph_.node(id).inputs) {
        if (input == kNoValue || graph_.is_constant(input)) continue;
        const NodeId maker = scene_.uses.producer(input);
        if (maker == from || maker == kNoNode) {
          if (region.entry != kNoValue && region.entry != input) return std::nullopt;
          region.entry = input;
        } else if (inside.insert(maker).second) {
          open.push_back(maker);
        }
      }
    }
    if (layers == 0 || region.entry == kNoValue || !is_closed(region, inside, to)) {
      return std::nullopt;
    }
    for (const int block : region.merged) {
      if (blocks_[static_cast<std::size_t>(block)].input != region.entry) return std::nullopt;
    }
    return region;
  }

  [[nodiscard]] bool may_hold(NodeId id, Region& region) const {
    const int block = block_of(id);
    if (block == kNoBlock) return true;
    const bool known =
        std::find(region.merged.begin(), region.merged.end(), block) != region.merged.end();
    if (!known) region.merged.push_back(block);
    // A single nested block is a chain of Adds over one fork; several are separate blocks.
    return region.merged.size() == 1;
  }

  [[nodiscard]] bool is_closed(const Region& region,
                               const std::unordered_set<NodeId>& inside,
                               NodeId to) const {
    for (const NodeId id : region.nodes) {
      if (id == to) continue;
      for (const ValueId output : graph_.node(id).outputs) {
        if (output == kNoValue) continue;
        if (scene_.uses.is_visible(output)) return false;
        for (const NodeId reader : scene_.uses.readers(output)) {
          if (!inside.contains(reader)) return false;
        }
      }
    }
    return true;
  }

  void claim(Region region, ValueId output) {
    for (const int block : region.merged) blocks_[static_cast<std::size_t>(block)].nodes.clear();
    std::sort(region.nodes.begin(), region.nodes.end());
    Block block;
    block.input = region.entry;
    block.output = output;
    for (const NodeId id : region.nodes) {
      block_of_[static_cast<std::size_t>(id)] = static_cast<int>(blocks_.size());
      for (LayerId l = layer_at(id); is_layer_of(l, id); ++l) block.layers.push_back(l);
    }
    block.nodes = std::move(region.nodes);
    blocks_.push_back(std::move(block));
  }

  std::vector<Block> finish() {
    std::erase_if(blocks_, [](const Block& block) { return block.nodes.empty(); });
    std::sort(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) {
      return a.layers.front() < b.layers.front();
    });
    std::set<std::string> taken;
    for (Block& block : blocks_) {
      block.name = name_of_block(block);
      if (!taken.insert(block.name).second) {
        block.name = fmt::format(
            "{}..{}", layer_name(block.layers.front()), layer_name(block.layers.back()));
      }
    }
    return std::move(blocks_);
  }

  /// The common prefix of its layers' names, up to a separator.
  [[nodiscard]] std::string name_of_block(const Block& block) const {
    const std::string& first = layer_name(block.layers.front());
    const std::string& last = layer_name(block.layers.back());
    if (block.layers.size() == 1) return first;
    std::size_t common = first.size();
    for (const LayerId id : block.layers) {
      const std::string& name = layer_name(id);
      const auto differs = std::mismatch(first.begin(), first.end(), name.begin(), name.end());
      common = std::min(common, static_cast<std::size_t>(differs.first - first.begin()));
    }
    const std::size_t cut = common == 0 ? std::string::npos : first.find_last_of("./", common - 1);
    if (cut == std::string::npos || cut == 0) return fmt::format("{}..{}", first, last);
    return first.substr(0, cut);
  }

  [[nodiscard]] bool holds_only_convolutions(const Region& region) const {
    return std::all_of(region.nodes.begin(), region.nodes.end(), [&](NodeId id) {
      const LayerId layer = layer_at(id);
      return layer < 0 || is_conv(scene_.layers[static_cast<std::size_t>(layer)]);
    });
  }

  static bool is_conv(const Layer& layer) { return layer.use == WeightUse::Convolution; }
  [[nodiscard]] const std::string& layer_name(LayerId id) const {
    return scene_.layers[static_cast<std::size_t>(id)].name;
  }
  /// Number of layers whose operator is before node `id`.
  [[nodiscard]] std::ptrdiff_t layers_before(NodeId id) const {
    const auto found = std::lower_bound(
        scene_.layers.begin(), scene_.layers.end(), id, [](const Layer& layer, NodeId node) {
          return layer.node < node;
        });
    return found - scene_.layers.begin();
  }
  [[nodiscard]] LayerId layer_at(NodeId id) const {
    return scene_.layer_at[static_cast<std::size_t>(id)];
  }
  /// True if `layer` is a weight of node `id`; layers of one node are consecutive.
  [[nodiscard]] bool is_layer_of(LayerId layer, NodeId id) const {
    return layer >= 0 && static_cast<std::size_t>(layer) < scene_.layers.size() &&
           scene_.layers[static_cast<std::size_t>(layer)].node == id;
  }
  [[nodiscard]] std::size_t layers_at(NodeId id) const {
    std::size_t count = 0;
    for (LayerId l = layer_at(id); is_layer_of(l, id); ++l) ++count;
    return count;
  }
  [[nodiscard]] int block_of(NodeId id) const { return block_of_[static_cast<std::size_t>(id)]; }

  const Scene& scene_;
  const Graph& graph_;
  std::vector<int> block_of_;  // by NodeId
  std::vector<Block> blocks_;
};

}  // namespace

std::vector<Block> discover_blocks(const Scene& scene) { return BlockFinder(scene).run(); }

}  // namespace ompq::graph
