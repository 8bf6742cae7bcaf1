#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/row_table.h"
#include "ompq/graph/graph.h"

/// Traits of operators: the columns of the operator table that need no execution. `ops/` has the
/// other columns: check, shape rule, execution.
namespace ompq::graph {

/// The effect of an operator on the elements of its input.
enum class Role {
  Other,        ///< anything else; a layer function ends before it
  Transparent,  ///< moves or re-encodes them without changing their meaning
  Norm,         ///< normalizes them
  Affine,       ///< adds its other operand, or scales by it
  Elementwise,  ///< another element-wise function; exporters compose activations of these
  Activation,   ///< a non-linear function of each element
  Bound,        ///< clips each element: an activation, which may follow another one
};

/// Bounds of clipped values; infinite if there is none.
struct Bounds {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool operator==(const Bounds&) const = default;
};

/// How product kernels compute an activation in the same pass: oneDNN's element-wise post-ops, with
/// their parameters by name.
enum class PostOp {
  None,  ///< not fused: the activation stays a separate node
  Relu,
  LeakyRelu,  ///< `alpha`, the slope of negative numbers
  Clip,       ///< between the operator's bounds
  Sigmoid,
  Tanh,
  HardSwish,
  Swish,  ///< x * sigmoid(`alpha` x)
};

/// A float attribute and its default.
struct Parameter {
  std::string_view name;
  float fallback = 0.0F;
};

/// An activation as stored in the attributes of a fused node.
struct FusedActivation {
  std::string type;  ///< operator; "" for none
  std::string domain{};
  std::map<std::string, Attribute> parameters{};
};

/// How runtimes execute the operator between quantizers (ONNX Runtime 1.32 on a CPU).
enum class IntegerForm {
  Float,        ///< runs in float, or nothing is known
  Product,      ///< sums products of codes in int32: QLinearConv, QLinearMatMul, QGemm
  PassesCodes,  ///< moves or selects numbers, so it may run directly on codes
  Requantizes,  ///< has a kernel that converts codes to another scale: QLinearAdd, ...
};

/// A change of the operator from one opset to the next.
struct OpsetMove {
  int changed_in = 0;  ///< nodes of this opset and newer have the new form
  /// Converts the node to the new form. @return why there is no such form; nullopt on success.
  std::optional<std::string> (*upgrade)(Graph&, NodeId) = nullptr;
};

/// A row of the table. An operator without a row has none of these properties.
struct OperatorTraits {
  std::string_view type;
  std::string_view domain{};
  Role role = Role::Other;
  /// Affine and Bound: either of two operands may be the value, and the other one is constant.
  bool commutes = false;
  /// Transparent: elements are moved.
  bool moves_elements = false;
  /// Activation and Bound: has further operands (a slope, bounds), which must be constant.
  bool constant_operands = false;
  /// f(s x) = s f(x) for s > 0, channel by channel.
  bool homogeneous = false;
  /// The bounds to which the node clips its first operand; nullopt if not known. See bounds_of().
  std::optional<Bounds> (*bounds)(const Graph&, const Node&) = nullptr;
  PostOp post_op = PostOp::None;
  std::vector<Parameter> parameters{};  ///< of the activation, in addition to bounds
  /// The activation x * f(x); empty if there is none.
  std::optional<FusedActivation> (*gate)(const Node&) = nullptr;
  IntegerForm integer = IntegerForm::Float;
  /// Nodes with the integer form; the others run in float. Null: all. See integer_form().
  bool (*has_integer_form)(const Graph&, const Node&) = nullptr;
  /// The integer kernel reads constant operands as codes.
  bool codes_constants = false;
  std::vector<OpsetMove> moves{};  ///< in the order of opsets
};

/// The table of traits.
[[nodiscard]] RowTable<OperatorTraits>& operator_traits();

/// The operator's row; a row without properties if it has none.
[[nodiscard]] const OperatorTraits& traits_of(std::string_view domain, std::string_view type);
[[nodiscard]] const OperatorTraits& traits_of(const Node& node);

/// How runtimes execute the node between quantizers: its row's form, if it meets the row's
/// condition.
[[nodiscard]] IntegerForm integer_form(const Graph& graph, const Node& node);

/// The bounds to which the node clips its first operand, a float32 activation: Relu, a Clip with
/// constants, Min or Max with a constant second operand. Nullopt for a node that does not clip,
/// whose bounds are only known at run time, or with min > max.
[[nodiscard]] std::optional<Bounds> bounds_of(const Graph& graph, const Node& node);

/// True if a quantizer with the levels low .. high performs the bounds: numbers outside of them get
/// the level of the bound.
[[nodiscard]] bool performs(float scale, float low, float high, const Bounds& bounds);

/// The axis of output channels of a product's weight that integer kernels read with one scale per
/// channel: of a Conv, or of a matrix of a MatMul or of a Gemm without factors and transposed data.
/// Nullopt for other nodes.
/// @param op_type  of the node, without the prefix of a fused form.
[[nodiscard]] std::optional<std::int64_t> integer_channel_axis(const Node& node,
                                                               std::string_view op_type,
                                                               std::size_t weight_rank);

/// The activation of the node that a fused layer can compute; nullopt if it cannot.
[[nodiscard]] std::optional<FusedActivation> fused_form(const Graph& graph, const Node& node);
/// Writes an activation to attributes of a fused node, and reads it; absent parameters have their
/// defaults.
void set_activation(Node& fused, const FusedActivation& activation);
[[nodiscard]] FusedActivation activation_of(const Node& fused);

}  // namespace ompq::graph
