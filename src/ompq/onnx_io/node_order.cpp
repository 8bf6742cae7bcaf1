#include "ompq/onnx_io/node_order.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace ompq::onnx_io {
namespace {

/// The names that a node reads, including those read by graphs in its attributes (branches, loop
/// bodies).
void add_names_read(const onnx::NodeProto& node, std::vector<std::string_view>& names) {
  for (const std::string& input : node.input()) names.emplace_back(input);
  for (const auto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    for (const auto& inner : attribute.g().node()) add_names_read(inner, names);
    for (const auto& output : attribute.g().output()) names.emplace_back(output.name());
  }
}

class Walk {
 public:
  explicit Walk(const onnx::GraphProto& graph) : graph_(graph), entered_(nodes(), false) {
    for (std::size_t i = 0; i < nodes(); ++i) {
      for (const std::string& output : node(i).output()) maker_.emplace(output, i);
    }
  }

  std::vector<const onnx::NodeProto*> run() {
    for (const auto& output : graph_.output()) visit(output.name());
    for (std::size_t i = 0; i < nodes(); ++i) {
      if (!entered_[i]) order_.push_back(&node(i));
    }
    return std::move(order_);
  }

 private:
  /// A node whose producers are being visited; `next` is the first unvisited one.
  struct Open {
    std::size_t node;
    std::vector<std::string_view> reads;
    std::size_t next = 0;
  };

  [[nodiscard]] std::size_t nodes() const { return static_cast<std::size_t>(graph_.node_size()); }
  [[nodiscard]] const onnx::NodeProto& node(std::size_t index) const {
    return graph_.node(static_cast<int>(index));
  }

  /// Depth-first without recursion, since networks can be thousands of nodes deep.
  void visit(std::string_view value) {
    enter(value);
    while (!open_.empty()) {
      Open& top = open_.back();
      if (top.next < top.reads.size()) {
        enter(top.reads[top.next++]);
        continue;
      }
      order_.push_back(&node(top.node));
      open_.pop_back();
    }
  }

  void enter(std::string_view value) {
    const auto found = maker_.find(value);
    if (found == maker_.end() || entered_[found->second]) return;
    entered_[found->second] = true;
    Open open{.node = found->second, .reads = {}};
    add_names_read(node(found->second), open.reads);
    open_.push_back(std::move(open));
  }

  const onnx::GraphProto& graph_;
  std::unordered_map<std::string_view, std::size_t> maker_;
  std::vector<bool> entered_;
  std::vector<Open> open_;
  std::vector<const onnx::NodeProto*> order_;
};

}  // namespace

std::vector<const onnx::NodeProto*> in_order_of_use(const onnx::GraphProto& graph) {
  return Walk(graph).run();
}

}  // namespace ompq::onnx_io
