#include "ompq/diagnosis/layer_matching.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace ompq::diagnosis {
namespace {

using graph::Layer;
using graph::LayerId;
using graph::ValueId;

using NodesByName = std::unordered_map<std::string_view, graph::NodeId>;

NodesByName nodes_by_name(const graph::Graph& graph) {
  NodesByName nodes;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    nodes.emplace(graph.nodes()[n].name, static_cast<graph::NodeId>(n));
  }
  return nodes;
}

/// Extents of one sample, without the batch, which may differ.
std::vector<std::int64_t> extents(const graph::Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).shape;
  std::vector<std::int64_t> sizes;
  for (std::size_t d = 1; shape && d < shape->size(); ++d) sizes.push_back((*shape)[d].size);
  return sizes;
}

bool same_extents(const graph::Graph& a, ValueId x, const graph::Graph& b, ValueId y) {
  return extents(a, x) == extents(b, y);
}

std::string_view maker_type(const graph::Graph& graph, ValueId id) {
  const graph::NodeId maker = graph.producer(id);
  return maker == graph::kNoNode ? std::string_view() : graph.node(maker).op_type;
}

class Matcher {
 public:
  Matcher(const pipeline::Model& a, const pipeline::Model& b)
      : a_(a), b_(b), nodes_a_(nodes_by_name(a.graph)), nodes_b_(nodes_by_name(b.graph)) {
    for (std::size_t l = 0; l < a.discovery.layers.size(); ++l)
      names_a_.emplace(layer_a(l).name, l);
    for (std::size_t l = 0; l < b.discovery.layers.size(); ++l)
      names_b_.emplace(layer_b(l).name, l);
  }

  LayerMatching match() {
    pair_layers();
    trust_names();
    LayerMatching result;
    std::vector<bool> used_a(a_.discovery.layers.size());
    std::vector<bool> used_b(b_.discovery.layers.size());
    for (const auto& [la, lb] : pairs_) {
      const auto matched = match_values(la, lb);
      if (!matched) continue;
      used_a[static_cast<std::size_t>(la)] = true;
      used_b[static_cast<std::size_t>(lb)] = true;
      result.layers.push_back(*matched);
    }
    const auto rest = [](const std::vector<bool>& used, std::vector<LayerId>& into) {
      for (std::size_t l = 0; l < used.size(); ++l) {
        if (!used[l]) into.push_back(static_cast<LayerId>(l));
      }
    };
    rest(used_a, result.only_in_a);
    rest(used_b, result.only_in_b);
    return result;
  }

 private:
  [[nodiscard]] const Layer& layer_a(std::size_t l) const { return a_.discovery.layers[l]; }
  [[nodiscard]] const Layer& layer_b(std::size_t l) const { return b_.discovery.layers[l]; }

  [[nodiscard]] bool alike(const Layer& x, const Layer& y) const {
    return x.op_type == y.op_type &&
           a_.graph.value(x.weight).constant->shape() ==
               b_.graph.value(y.weight).constant->shape() &&
           same_extents(a_.graph, x.output, b_.graph, y.output);
  }

  /// By name, independent of the order, since independent layers may be reordered. The rest by
  /// order.
  void pair_layers() {
    std::vector<std::size_t> rest_a;
    std::vector<std::size_t> rest_b;
    for (std::size_t i = 0; i < a_.discovery.layers.size(); ++i) {
      const auto namesake = names_b_.find(layer_a(i).name);
      if (namesake == names_b_.end()) {
        rest_a.push_back(i);
      } else if (same_extents(
                     a_.graph, layer_a(i).output, b_.graph, layer_b(namesake->second).output)) {
        pairs_.emplace_back(static_cast<LayerId>(i), static_cast<LayerId>(namesake->second));
      }
    }
    for (std::size_t j = 0; j < b_.discovery.layers.size(); ++j) {
      if (!names_a_.contains(layer_b(j).name)) rest_b.push_back(j);
    }
    pair_in_order(rest_a, rest_b);
    std::sort(pairs_.begin(), pairs_.end());
  }

  /// The longest common subsequence of similar layers.
  void pair_in_order(const std::vector<std::size_t>& in_a, const std::vector<std::size_t>& in_b) {
    const auto match = [&](std::size_t i, std::size_t j) {
      return alike(layer_a(in_a[i]), layer_b(in_b[j]));
    };
    std::vector<std::vector<std::int32_t>> longest(in_a.size() + 1,
                                                   std::vector<std::int32_t>(in_b.size() + 1, 0));
    for (std::size_t i = in_a.size(); i-- > 0;) {
      for (std::size_t j = in_b.size(); j-- > 0;) {
        longest[i][j] = match(i, j) ? longest[i + 1][j + 1] + 1
                                    : std::max(longest[i + 1][j], longest[i][j + 1]);
      }
    }
    for (std::size_t i = 0, j = 0; i < in_a.size() && j < in_b.size();) {
      if (match(i, j)) {
        pairs_.emplace_back(static_cast<LayerId>(in_a[i++]), static_cast<LayerId>(in_b[j++]));
      } else if (longest[i + 1][j] >= longest[i][j + 1]) {
        ++i;
      } else {
        ++j;
      }
    }
  }

  /// True if value names are reliable: most layers' outputs have the same name in both networks.
  void trust_names() {
    std::size_t same = 0;
    for (const auto& [la, lb] : pairs_) {
      const Layer& x = layer_a(static_cast<std::size_t>(la));
      const Layer& y = layer_b(static_cast<std::size_t>(lb));
      same += a_.graph.value(x.output).name == b_.graph.value(y.output).name ? 1 : 0;
    }
    trusted_ = 2 * same > pairs_.size();
  }

  [[nodiscard]] std::optional<MatchedLayer> match_values(LayerId la, LayerId lb) const {
    const Layer& x = layer_a(static_cast<std::size_t>(la));
    const Layer& y = layer_b(static_cast<std::size_t>(lb));
    MatchedLayer matched{.layer_a = la, .layer_b = lb};
    const auto take = [&](ValueId in_a, ValueId in_b, MatchedBy by) {
      if (in_a == graph::kNoValue || in_b == graph::kNoValue) return false;
      if (!same_extents(a_.graph, in_a, b_.graph, in_b)) return false;
      matched.value_a = in_a;
      matched.value_b = in_b;
      matched.by = by;
      return true;
    };
    const MatchedBy by = x.name == y.name ? MatchedBy::NodeName : MatchedBy::Order;
    const ValueId before_clip_a = before_clip(a_.graph, x.feature);
    const ValueId before_clip_b = before_clip(b_.graph, y.feature);
    const bool done =
        (trusted_ &&
         take(x.feature, namesake(a_.graph, x.feature, b_.graph), MatchedBy::ValueName)) ||
        (trusted_ &&
         take(namesake(b_.graph, y.feature, a_.graph), y.feature, MatchedBy::ValueName)) ||
        take(x.feature, made_alike(a_.graph, x.feature, b_.graph, nodes_b_), MatchedBy::NodeName) ||
        take(made_alike(b_.graph, y.feature, a_.graph, nodes_a_), y.feature, MatchedBy::NodeName) ||
        (same_makers(x.feature, y.feature) && take(x.feature, y.feature, by)) ||
        (same_makers(x.feature, before_clip_b) && take(x.feature, before_clip_b, by)) ||
        (same_makers(before_clip_a, y.feature) && take(before_clip_a, y.feature, by)) ||
        take(x.output, y.output, by);
    return done ? std::optional(matched) : std::nullopt;
  }

  [[nodiscard]] bool same_makers(ValueId in_a, ValueId in_b) const {
    return maker_type(a_.graph, in_a) == maker_type(b_.graph, in_b);
  }

  /// The value of the same name, if it is produced by the same operator.
  static ValueId namesake(const graph::Graph& from, ValueId id, const graph::Graph& to) {
    const ValueId found = to.find_value(from.value(id).name);
    if (found == graph::kNoValue || maker_type(from, id) != maker_type(to, found)) {
      return graph::kNoValue;
    }
    return found;
  }

  /// The output of the node with the name and operator of the producer of `id`.
  static ValueId made_alike(const graph::Graph& from,
                            ValueId id,
                            const graph::Graph& to,
                            const NodesByName& nodes) {
    const graph::NodeId maker = from.producer(id);
    if (maker == graph::kNoNode) return graph::kNoValue;
    const graph::Node& node = from.node(maker);
    const auto found = nodes.find(node.name);
    if (found == nodes.end() || !to.node(found->second).is(node.op_type)) return graph::kNoValue;
    const auto& outputs = to.node(found->second).outputs;
    const auto place = static_cast<std::size_t>(
        std::find(node.outputs.begin(), node.outputs.end(), id) - node.outputs.begin());
    return place < outputs.size() ? outputs[place] : graph::kNoValue;
  }

  /// Skips a Clip before a quantizer with fewer bits than its storage type.
  static ValueId before_clip(const graph::Graph& graph, ValueId id) {
    const graph::NodeId maker = graph.producer(id);
    return maker != graph::kNoNode && graph.node(maker).is("Clip")
               ? graph.node(maker).inputs.front()
               : id;
  }

  const pipeline::Model& a_;
  const pipeline::Model& b_;
  NodesByName nodes_a_;
  NodesByName nodes_b_;
  std::unordered_map<std::string_view, std::size_t> names_a_;
  std::unordered_map<std::string_view, std::size_t> names_b_;
  std::vector<std::pair<LayerId, LayerId>> pairs_;
  bool trusted_ = false;
};

}  // namespace

std::string_view text_of(MatchedBy matched_by) {
  constexpr std::array<std::string_view, 3> kTexts{"value name", "node name", "order"};
  return kTexts.at(static_cast<std::size_t>(matched_by));
}

LayerMatching match_layers(const pipeline::Model& a, const pipeline::Model& b) {
  return Matcher(a, b).match();
}

}  // namespace ompq::diagnosis
