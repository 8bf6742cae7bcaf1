#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/row_table.h"
#include "ompq/graph/operator_traits.h"

/// Where a written file will run, and what follows from it: which values are quantized, in which
/// form, and how layers are written.
namespace ompq::targets {

/// Which values are quantized besides the inputs of layers, for targets with integer kernels.
enum class Between {
  Paths,       ///< operators on the way from one integer layer to another, and results of layers
  Residuals,   ///< the other operand of an Add of a layer's result, which kernels add in one pass
  Everything,  ///< all operators, from the network's inputs to its outputs
};

/// How the bias of a layer with quantized input is stored.
enum class BiasForm {
  Int32,    ///< multiples of activation scale x weight scale
  Float32,  ///< not quantized
};

/// The quantizer that a kernel prescribes for its result.
struct FixedQuantizer {
  std::string_view op_type;
  float scale = 1.0F;
  std::int32_t zero_point = 0;  ///< of codes 0 .. 255
};

/// A row of the table of targets. docs/targets.md shows it with the sources of its rules.
struct TargetRow {
  std::string_view name;
  /// Layers with quantized inputs are written for integer kernels: weights as int8 levels, biases
  /// as int32, one scale for each activation, and quantizers also between operators. Otherwise
  /// layers run in float between quantizers, with the same result to the bit in every runtime.
  bool integer_kernels = false;
  /// Only weights are quantized.
  bool weights_only = false;
  /// With integer kernels: the largest absolute value of a weight's level. int8 holds 128; without
  /// VNNI, sums of two products of uint8 and int8 are only safe from overflow of 16 bits up to 64.
  int largest_level = 128;
  /// Activations are int8 codes instead of uint8.
  bool signed_codes = false;
  /// The zero point of each activation is the middle of its codes.
  bool symmetric_activations = false;
  /// Fewer bits than 8 need a Clip of codes, which not every runtime reads.
  int least_activation_bits = 2;
  BiasForm bias = BiasForm::Int32;
  /// The weight of a Gemm needs explicit zero points.
  bool gemm_zero_points = false;
  Between between = Between::Paths;
  /// Operators with integer kernels. Empty: as in the column `integer` of the operator table.
  std::vector<std::string_view> operators{};
  /// Those of `operators` whose inputs and results have one common quantizer.
  std::vector<std::string_view> shared{};
  std::vector<FixedQuantizer> fixed{};
  /// Constants of Add, Mul, ... become uint8 codes; otherwise such an operator stays float.
  bool constants_as_codes = true;
  /// Relu and Clip that the quantizer after them performs are not written.
  bool drops_bounds = true;
  /// --format qdq by default, with every parameter in an initializer, for converters that fold no
  /// constants.
  bool plain = false;
  /// Packed files are read, and float ones with quantizers.
  bool reads_packed = true;
  int least_opset = 13;
  int largest_opset = 28;

  /// False if levels of `bits` bits may be larger than largest_level.
  [[nodiscard]] bool supports(BitWidth bits) const {
    return !integer_kernels || bits.levels() / 2 <= largest_level;
  }
  /// True if only symmetric levels of `bits` bits cannot be larger than largest_level.
  [[nodiscard]] bool needs_symmetric(BitWidth bits) const {
    return integer_kernels && bits.levels() - 1 > largest_level;
  }
  /// True if levels may be any integers of int8 (quant::Symmetry::Normal).
  [[nodiscard]] bool supports_normal_levels() const {
    return !plain && (!integer_kernels || largest_level >= 128);
  }
  [[nodiscard]] bool supports_activations(BitWidth bits) const {
    return !weights_only && (!integer_kernels || bits.value() >= least_activation_bits);
  }
  /// How the target executes the operator between quantizers.
  [[nodiscard]] graph::IntegerForm form_of(const graph::Node& node) const;
  /// The same, with the conditions of graph::integer_form().
  [[nodiscard]] graph::IntegerForm form_of(const graph::Graph& graph,
                                           const graph::Node& node) const;
  /// The prescribed quantizer of the node's result; null if there is none.
  [[nodiscard]] const FixedQuantizer* fixed_quantizer(const graph::Node& node) const;
};

/// exact first.
[[nodiscard]] RowTable<TargetRow>& target_table();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const TargetRow& target(std::string_view name);
/// The widths that the target's kernels support; 32 (float) always is.
/// @param whose  for the error, such as "layer 'conv1'". @throws ConfigError if none is left.
[[nodiscard]] std::vector<int> supported_widths(const TargetRow& target,
                                                const std::vector<int>& widths,
                                                const std::string& whose);
/// @param option  that gives the widths of activations, such as "--act-bits".
/// @throws ConfigError if the target does not support one of them; 32 (float) always is.
void require_activation_widths(const TargetRow& target,
                               const std::vector<int>& widths,
                               std::string_view option);
/// @throws ConfigError if the target does not read files of this opset.
void require_opset(const TargetRow& target, int opset);

inline constexpr std::string_view kExactTarget = "exact";
inline constexpr std::string_view kWeightsTarget = "weights";
inline constexpr std::string_view kDefaultTarget = "onnxruntime";

}  // namespace ompq::targets
