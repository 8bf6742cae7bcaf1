#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/row_table.h"
#include "ompq/graph/graph.h"

/// What operators mean for the network around them: the columns of the operator table that need no
/// execution. `ops/` has the other columns: check, shape rule, execution.
namespace ompq::graph {

/// What an operator does to the elements of the value that it reads.
enum class Role {
  Other,        ///< anything else; what belongs to a layer ends before it
  Transparent,  ///< moves or re-encodes them and leaves their meaning
  Norm,         ///< normalizes them
  Affine,       ///< adds its other operand, or scales by it
  Elementwise,  ///< another function of each element; exporters build activations of these
  Activation,   ///< a non-linear function of each element
  Bound,        ///< cuts each element off: an activation, and may follow another one
};

/// Bounds that a value is cut to; infinite where there is none.
struct Bounds {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool operator==(const Bounds&) const = default;
};

/// How the product kernels compute an activation in their own pass: oneDNN's element-wise post-ops,
/// with their parameters by name.
enum class PostOp {
  None,  ///< not at all: the activation stays a node of its own
  Relu,
  LeakyRelu,  ///< `alpha`, the slope of negative numbers
  Clip,       ///< between the operator's bounds
  Sigmoid,
  Tanh,
  HardSwish,
  Swish,  ///< x * sigmoid(`alpha` x)
};

/// A float attribute and what it is where it is absent.
struct Parameter {
  std::string_view name;
  float fallback = 0.0F;
};

/// An activation as the attributes of a fused node tell it.
struct FusedActivation {
  std::string type;  ///< operator; "" for none
  std::string domain{};
  std::map<std::string, Attribute> parameters{};
};

/// What runtimes do with the operator between quantizers (ONNX Runtime 1.32 on a CPU).
enum class IntegerForm {
  Float,        ///< runs in float, or nothing is known
  Product,      ///< sums products of codes in int32: QLinearConv, QLinearMatMul, QGemm
  PassesCodes,  ///< moves or picks numbers, so that it may run on the codes as they are
  Requantizes,  ///< has a kernel from codes to codes of another scale: QLinearAdd, ...
};

/// A change of the operator from one opset to the next.
struct OpsetMove {
  int changed_in = 0;  ///< nodes of this opset and newer have the new form
  /// Converts the node to the new form. @return why there is no such form; nullopt on success.
  std::optional<std::string> (*upgrade)(Graph&, NodeId) = nullptr;
};

/// A row. An operator without one has none of these properties.
struct OperatorTraits {
  std::string_view type;
  std::string_view domain{};
  Role role = Role::Other;
  /// Affine and Bound: either of two operands may be the value, and the other one is constant.
  bool commutes = false;
  /// Transparent: elements go to other places.
  bool moves_elements = false;
  /// Activation and Bound: further operands (a slope, bounds) are there, and must be constant.
  bool constant_operands = false;
  /// f(s x) = s f(x) for s > 0, channel by channel.
  bool homogeneous = false;
  /// What the node cuts its first operand to; nothing where that is not known. See bounds_of().
  std::optional<Bounds> (*bounds)(const Graph&, const Node&) = nullptr;
  PostOp post_op = PostOp::None;
  std::vector<Parameter> parameters{};  ///< of the activation, besides bounds
  /// What x * f(x) is as one activation; nothing where it is none.
  std::optional<FusedActivation> (*gate)(const Node&) = nullptr;
  IntegerForm integer = IntegerForm::Float;
  std::vector<OpsetMove> moves{};  ///< in the order of opsets
};

/// The one table of traits.
[[nodiscard]] RowTable<OperatorTraits>& operator_traits();

/// The operator's row; one without any property where it has none.
[[nodiscard]] const OperatorTraits& traits_of(std::string_view domain, std::string_view type);
[[nodiscard]] const OperatorTraits& traits_of(const Node& node);

/// What the node cuts its first operand, a float32 activation, to: Relu, a Clip by constants, Min
/// or Max with a constant second operand. Nothing for a node that cuts nothing, or by what is only
/// known when it runs, or whose bounds are the wrong way round.
[[nodiscard]] std::optional<Bounds> bounds_of(const Graph& graph, const Node& node);

/// The activation that a fused layer can compute for the node; nothing where it cannot.
[[nodiscard]] std::optional<FusedActivation> fused_form(const Graph& graph, const Node& node);
/// Writes it to attributes of a fused node, and reads it from there; parameters that are absent
/// have their defaults.
void set_activation(Node& fused, const FusedActivation& activation);
[[nodiscard]] FusedActivation activation_of(const Node& fused);

}  // namespace ompq::graph
