#include "ompq/onnx_io/function_inliner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/unknown_field_set.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/onnx_io/model_structure.h"

namespace ompq::onnx_io {
namespace {

using google::protobuf::Message;
using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

/// Domain, name and overload.
using Key = std::tuple<std::string, std::string, std::string>;

/// Exporters nest functions as deep as modules.
constexpr std::size_t kMaxCallDepth = 100;
/// The parsed node and its copies in the network, and the names and parameters of a call.
constexpr std::int64_t kCopiesOfNode = 4;

std::string plain_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

/// The values of a text field or of a field of messages, which are serialized. The headers of ONNX
/// may be older than the field; then protobuf keeps it as unknown.
std::vector<std::string> field_values(const Message& message, int number) {
  std::vector<std::string> found;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (const auto* known = message.GetDescriptor()->FindFieldByNumber(number)) {
    if (known->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, known); ++i) {
        found.push_back(reflection.GetRepeatedMessage(message, known, i).SerializeAsString());
      }
    } else if (reflection.HasField(message, known)) {
      found.push_back(reflection.GetString(message, known));
    }
    return found;
  }
  const auto& fields = reflection.GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    const bool wanted = field.number() == number &&
                        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED;
    if (wanted) found.push_back(field.length_delimited());
  }
  return found;
}

std::string overload_of(const Message& message, int number) {
  const std::vector<std::string> found = field_values(message, number);
  return found.empty() ? "" : found.back();
}

Key key_of(const onnx::FunctionProto& function) {
  constexpr int kOverload = 13;
  return {plain_domain(function.domain()), function.name(), overload_of(function, kOverload)};
}

Key key_of(const onnx::NodeProto& node) {
  constexpr int kOverload = 8;
  return {plain_domain(node.domain()), node.op_type(), overload_of(node, kOverload)};
}

std::optional<std::int64_t> onnx_opset(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  for (const auto& import : imports) {
    if (plain_domain(import.domain()).empty()) return import.version();
  }
  return std::nullopt;
}

using Attributes = std::map<std::string, onnx::AttributeProto>;

/// The default values of a function's parameters.
Attributes default_attributes(const onnx::FunctionProto& function) {
  constexpr int kAttributeProto = 11;
  Attributes defaults;
  for (const std::string& bytes : field_values(function, kAttributeProto)) {
    onnx::AttributeProto attribute;
    if (attribute.ParseFromString(bytes)) defaults[attribute.name()] = attribute;
  }
  return defaults;
}

/// One call of a function: maps the names and parameters of its body.
class Call {
 public:
  Call(const onnx::FunctionProto& function, const onnx::NodeProto& node, std::string prefix)
      : prefix_(std::move(prefix)), parameters_(default_attributes(function)) {
    for (int i = 0; i < function.input_size(); ++i) {
      names_[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    }
    for (int i = 0; i < function.output_size() && i < node.output_size(); ++i) {
      if (node.output(i).empty()) continue;
      const auto [known, is_new] = names_.emplace(function.output(i), node.output(i));
      // An output that is also an input, or a second name of another output.
      if (!is_new) copies_.emplace_back(known->second, node.output(i));
    }
    for (const auto& attribute : node.attribute()) parameters_[attribute.name()] = attribute;
  }

  /// A node of the body with the network's names and the call's attributes.
  onnx::NodeProto bind(onnx::NodeProto node) {
    if (!node.name().empty()) node.set_name(prefix_ + node.name());
    for (std::string& name : *node.mutable_input()) name = renamed(name);
    for (std::string& name : *node.mutable_output()) name = renamed(name);
    bind_attributes(node);
    return node;
  }

  /// Identity nodes for outputs that no node of the body produces under their own name.
  [[nodiscard]] Nodes copies() const {
    Nodes nodes;
    for (const auto& [from, to] : copies_) {
      onnx::NodeProto& node = *nodes.Add();
      node.set_op_type("Identity");
      node.add_input(from);
      node.add_output(to);
    }
    return nodes;
  }

 private:
  std::string renamed(const std::string& name) {
    if (name.empty()) return "";
    const auto [known, is_new] = names_.emplace(name, prefix_ + name);
    return known->second;
  }

  void bind_attributes(onnx::NodeProto& node) {
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> bound;
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (!attribute.ref_attr_name().empty()) {
        const auto given = parameters_.find(attribute.ref_attr_name());
        if (given == parameters_.end()) continue;  // omitted: the operator's default
        *bound.Add() = given->second;
        bound[bound.size() - 1].set_name(attribute.name());
        continue;
      }
      if (attribute.has_g()) bind_graph(*attribute.mutable_g());
      for (onnx::GraphProto& graph : *attribute.mutable_graphs()) bind_graph(graph);
      *bound.Add() = std::move(attribute);
    }
    node.mutable_attribute()->Swap(&bound);
  }

  void bind_graph(onnx::GraphProto& graph) {
    for (auto& info : *graph.mutable_input()) info.set_name(renamed(info.name()));
    for (auto& info : *graph.mutable_output()) info.set_name(renamed(info.name()));
    for (auto& tensor : *graph.mutable_initializer()) tensor.set_name(renamed(tensor.name()));
    for (onnx::NodeProto& node : *graph.mutable_node()) node = bind(std::move(node));
  }

  std::string prefix_;
  std::map<std::string, std::string> names_;
  Attributes parameters_;
  std::vector<std::pair<std::string, std::string>> copies_;
};

class Inliner {
 public:
  Inliner(onnx::ModelProto& model, const ModelPlace& place) : model_(model), place_(place) {
    for (const auto& function : model.functions()) functions_.emplace(key_of(function), &function);
    note_names(model.graph());
  }

  void run() {
    settle_opset();
    inline_graph(*model_.mutable_graph());
    model_.clear_functions();
  }

 private:
  /// A model whose nodes are all function calls may import no ONNX opset; its functions do.
  void settle_opset() {
    opset_ = onnx_opset(model_.opset_import());
    if (opset_) return;
    for (const auto& function : model_.functions()) {
      const auto theirs = onnx_opset(function.opset_import());
      if (theirs) opset_ = std::max(opset_.value_or(*theirs), *theirs);
    }
    if (!opset_) return;
    auto* import = model_.add_opset_import();
    import->set_version(*opset_);
  }

  /// Names of the network's existing values, which no prefixed name may equal.
  void note_names(const onnx::GraphProto& graph) {
    for (const auto& info : graph.input()) taken_.insert(info.name());
    for (const auto& tensor : graph.initializer()) taken_.insert(tensor.name());
    for (const auto& node : graph.node()) {
      taken_.insert(node.output().begin(), node.output().end());
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) note_names(attribute.g());
      }
    }
  }

  void inline_graph(onnx::GraphProto& graph) {
    Nodes nodes;
    for (onnx::NodeProto& node : *graph.mutable_node()) add(std::move(node), nodes);
    graph.mutable_node()->Swap(&nodes);
  }

  void add(onnx::NodeProto node, Nodes& nodes) {
    const auto found = functions_.find(key_of(node));
    if (found != functions_.end()) {
      expand(*found->second, node, nodes);
      return;
    }
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) inline_graph(*attribute.mutable_g());
      for (onnx::GraphProto& graph : *attribute.mutable_graphs()) inline_graph(graph);
    }
    count(node);
    *nodes.Add() = std::move(node);
  }

  /// Calls that multiply at each level make a network of any size, or of no nodes in any time.
  void count(const onnx::NodeProto& node) {
    ++made_;
    const auto bytes = static_cast<std::int64_t>(node.ByteSizeLong());
    needed_ = saturated_sum(needed_, (kBytesPerNode + bytes) * kCopiesOfNode);
    const std::int64_t file_bytes = place_.source != nullptr ? place_.source->model : 0;
    if (needed_ <= allowed_bytes(file_bytes)) return;
    throw ImportError(
        place_.name,
        fmt::format(
            "with its functions inlined, the network has {} calls and nodes and more, and {}",
            made_,
            over_memory_limit(needed_, file_bytes, "save the model with its functions inlined")));
  }

  void expand(const onnx::FunctionProto& function, const onnx::NodeProto& node, Nodes& nodes) {
    if (std::find(open_.begin(), open_.end(), &function) != open_.end()) {
      throw ImportError(
          place_.name,
          fmt::format("function '{}' calls itself; recursive functions cannot be inlined",
                      function.name()));
    }
    if (open_.size() >= kMaxCallDepth) {
      throw ImportError(place_.name,
                        fmt::format("function '{}' is called through {} other functions, and ompq "
                                    "reads {} levels; save the model with its functions inlined",
                                    function.name(),
                                    open_.size(),
                                    kMaxCallDepth));
    }
    count(node);
    open_.push_back(&function);
    Call call(function, node, prefix_for(node));
    for (const onnx::NodeProto& inner : function.node()) {
      onnx::NodeProto bound = call.bind(inner);
      note_opset(function, bound);
      add(std::move(bound), nodes);
    }
    for (const onnx::NodeProto& copy : call.copies()) {
      count(copy);
      *nodes.Add() = copy;
    }
    open_.pop_back();
  }

  void note_opset(const onnx::FunctionProto& function, onnx::NodeProto& node) const {
    const auto theirs = onnx_opset(function.opset_import());
    if (!theirs || theirs == opset_) return;
    if (plain_domain(node.domain()).empty() && node.op_type() != "Constant") {
      auto* note = node.add_attribute();
      note->set_name(std::string(kOpsetNote));
      note->set_type(onnx::AttributeProto::INT);
      note->set_i(*theirs);
    }
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (!attribute.has_g()) continue;
      for (auto& inner : *attribute.mutable_g()->mutable_node()) note_opset(function, inner);
    }
  }

  /// "block_1/" for a call named block_1; the function's name and a number for a call without name.
  std::string prefix_for(const onnx::NodeProto& node) {
    const std::string& base = node.name().empty() ? node.op_type() : node.name();
    std::string prefix = node.name().empty() ? fmt::format("{}_0/", base) : base + "/";
    // Numbers go on where the last call of that name stopped, since there can be many calls.
    int& last = last_numbers_[base];
    while (leads_to_a_name(prefix) || !prefixes_.insert(prefix).second) {
      prefix = fmt::format("{}_{}/", base, ++last);
    }
    return prefix;
  }

  [[nodiscard]] bool leads_to_a_name(const std::string& prefix) const {
    const auto next = taken_.lower_bound(prefix);
    return next != taken_.end() && next->starts_with(prefix);
  }

  onnx::ModelProto& model_;
  const ModelPlace& place_;
  std::map<Key, const onnx::FunctionProto*> functions_;
  std::vector<const onnx::FunctionProto*> open_;  ///< functions being inlined, outermost first
  std::set<std::string> prefixes_;
  std::map<std::string, int> last_numbers_;  ///< of the prefixes, by the name of the call
  std::set<std::string> taken_;
  std::optional<std::int64_t> opset_;  ///< of the model itself
  std::size_t made_ = 0;
  std::int64_t needed_ = 0;  ///< bytes for these nodes
};

}  // namespace

void inline_functions(onnx::ModelProto& model, const ModelPlace& place) {
  if (model.functions().empty()) return;
  Inliner(model, place).run();
}

}  // namespace ompq::onnx_io
