#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/display_text.h"
#include "ompq/core/version.h"
#include "ompq/ptq/delivery.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"

namespace ompq::ptq {
namespace {

constexpr std::size_t kNumbersPerLine = 16;

// Identifiers must not depend on the locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// The name in [a-z0-9_], not starting with a digit.
std::string identifier(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  std::string result;
  for (const char c : name.substr(0, kLongest)) {
    const char lower = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    result += is_lower(lower) || is_digit(lower) ? lower : '_';
  }
  if (result.empty() || is_digit(result.front())) result.insert(result.begin(), '_');
  return result;
}

/// The start of all identifiers: one with a leading underscore would be reserved in C.
std::string prefix_of(std::string_view name) {
  const std::string prefix = identifier(name);
  return prefix.front() == '_' ? "n" + prefix : prefix;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// Text from a network for the inside of a comment: it has no newline, so that no line is joined to
/// the next one, and neither opens nor closes a comment nor forms a trigraph ("??/" is a
/// backslash).
std::string comment(std::string_view text) {
  std::string safe;
  for (const char c : display_name(text)) {
    const char last = safe.empty() ? ' ' : safe.back();
    const bool pair =
        (last == '*' && c == '/') || (last == '/' && c == '*') || (last == '?' && c == '?');
    if (pair) safe += ' ';
    safe += c;
  }
  return safe;
}

/// Code i is in bits b i .. b i + b - 1 of the stream; bit k of the stream is bit k % 8 of byte k /
/// 8.
std::vector<std::uint8_t> bit_stream(const quant::QuantizedTensor& weight) {
  const auto bits = static_cast<std::size_t>(weight.params.bits.value());
  std::vector<std::uint8_t> stream((weight.codes.size() * bits + 7) / 8, 0);
  for (std::size_t i = 0; i < weight.codes.size(); ++i) {
    for (std::size_t b = 0; b < bits; ++b) {
      const std::size_t at = i * bits + b;
      const unsigned bit = (weight.codes[i] >> b) & 1U;
      stream[at / 8] = static_cast<std::uint8_t>(stream[at / 8] | (bit << (at % 8)));
    }
  }
  return stream;
}

/// A float literal that reads back bit-identically.
std::string float_text(float value) {
  std::string text = fmt::format("{:.9g}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

template <typename T, typename Text>
std::string array(std::string_view type,
                  const std::string& name,
                  const std::vector<T>& values,
                  Text text) {
  std::string result = fmt::format("static const {} {}[{}] = {{", type, name, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    result += i % kNumbersPerLine == 0 ? "\n  " : " ";
    result += text(values[i]) + ",";
  }
  return result + "\n};\n";
}

std::string number(std::int64_t value) { return std::to_string(value); }

constexpr std::string_view kReader =
    "/* Code `index` of a stream of `bits` bits each (1 to 8). Reads no byte beyond the stream. "
    "*/\n"
    "static inline uint8_t ompq_code(const uint8_t *stream, uint32_t index, uint32_t bits) {\n"
    "  uint32_t at = index * bits;\n"
    "  uint32_t low = at % 8;\n"
    "  uint32_t value = (uint32_t)stream[at / 8] >> low;\n"
    "  if (low + bits > 8) value |= (uint32_t)stream[at / 8 + 1] << (8 - low);\n"
    "  return (uint8_t)(value & ((1u << bits) - 1u));\n"
    "}\n";

class HeaderWriter {
 public:
  HeaderWriter(const pipeline::Model& model,
               const rounding::NetworkCodes& codes,
               std::string prefix)
      : model_(model), codes_(codes), prefix_(std::move(prefix)) {}

  std::string layer(const graph::Layer& layer) {
    const std::string& weight_name = model_.graph.value(layer.weight).name;
    const auto found = codes_.weights.find(weight_name);
    if (found == codes_.weights.end()) {
      return fmt::format(
          "\n/* {} {} stays float. */\n", comment(layer.op_type), comment(layer.name));
    }
    const quant::QuantizedTensor& weight = found->second;
    const std::string name = fresh(prefix_ + "_" + identifier(layer.name));
    const std::string macro = upper(name);
    // Levels between integers are odd multiples of half the scale.
    const bool between = quant::level_shift(weight.params) > 0.0F;
    const quant::LevelSet* set = quant::level_set(weight.params.bits, weight.params.symmetry);
    quant::QuantParams params = weight.params;
    if (between) {
      for (float& scale : params.scale) scale /= 2;
      for (std::int32_t& zero : params.zero_point) zero = params.bits.levels() - 1;
    }
    std::string text = fmt::format(
        "\n/* {} {}: weight [{}], real = scale[c] * ({} - zero_point[c]), c along axis {}. */\n",
        comment(layer.op_type),
        comment(layer.name),
        fmt::join(weight.shape, ", "),
        set != nullptr ? "level[code]" : "STRIDE * code",
        weight.params.granularity.axis);
    text += fmt::format("#define {}_BITS {}\n", macro, weight.params.bits.value());
    text += fmt::format("#define {}_COUNT {}\n", macro, weight.codes.size());
    if (set == nullptr) text += fmt::format("#define {}_STRIDE {}\n", macro, between ? 2 : 1);
    text += array("uint8_t", name + "_codes", bit_stream(weight), number);
    text += array("float", name + "_scale", params.scale, float_text);
    if (set != nullptr) {
      const std::vector<std::int64_t> levels(
          set->level.begin(), set->level.begin() + static_cast<std::ptrdiff_t>(set->count));
      text += array("int8_t", name + "_level", levels, number);
    }
    text += array(
        set != nullptr ? "int8_t" : "uint8_t", name + "_zero_point", params.zero_point, number);
    text += attributes_of(model_.graph.node(layer.node));
    const auto input = codes_.activations.find(layer.activation);
    const bool integers = input != codes_.activations.end();
    if (integers) text += input_of(macro, input->second);
    if (layer.bias != graph::kNoValue) {
      text += integers ? integer_bias(name, layer, weight, input->second, between ? 2 : 1)
                       : float_bias(name, layer);
    }
    return text;
  }

 private:
  /// "/* group=1, pads=[1, 1, 1, 1] */": the attributes of the operator.
  static std::string attributes_of(const graph::Node& node) {
    std::vector<std::string> words;
    for (const auto& [raw, attribute] : node.attributes) {
      if (raw.starts_with(graph::kNotePrefix)) continue;
      const std::string name = comment(raw);
      if (const auto* number = std::get_if<std::int64_t>(&attribute)) {
        words.push_back(fmt::format("{}={}", name, *number));
      } else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&attribute)) {
        words.push_back(fmt::format("{}=[{}]", name, fmt::join(*numbers, ", ")));
      } else if (const auto* real = std::get_if<float>(&attribute)) {
        words.push_back(fmt::format("{}={}", name, *real));
      }
    }
    return words.empty() ? "" : fmt::format("/* {} */\n", fmt::join(words, ", "));
  }

  static std::string input_of(const std::string& macro, const quant::QuantParams& params) {
    return fmt::format(
        "#define {0}_INPUT_BITS {1}\n#define {0}_INPUT_SCALE {2}\n"
        "#define {0}_INPUT_ZERO_POINT {3}\n",
        macro,
        params.bits.value(),
        float_text(params.scale.front()),
        params.zero_point.front());
  }

  [[nodiscard]] std::vector<float> bias_of(const graph::Layer& layer) const {
    const graph::Value& value = model_.graph.value(layer.bias);
    if (const auto found = codes_.biases.find(value.name); found != codes_.biases.end()) {
      return found->second;
    }
    const auto values = value.constant->data<float>();
    return {values.begin(), values.end()};
  }

  [[nodiscard]] std::string integer_bias(const std::string& name,
                                         const graph::Layer& layer,
                                         const quant::QuantizedTensor& weight,
                                         const quant::QuantParams& input,
                                         int stride) const {
    const std::vector<float> bias = bias_of(layer);
    std::vector<std::int64_t> steps;
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const auto& scales = weight.params.scale;
      const float step = input.scale.front() * scales[c % scales.size()];
      steps.push_back(stride * std::llround(quant::short_bias(bias[c], step) / step));
    }
    return array("int32_t", name + "_bias", steps, number);
  }

  [[nodiscard]] std::string float_bias(const std::string& name, const graph::Layer& layer) const {
    return array("float", name + "_bias", bias_of(layer), float_text);
  }

  /// A name of which no suffix (_bits, _input_bits, ...) gives an identifier of another layer.
  std::string fresh(const std::string& wanted) {
    int& next = next_number_[wanted];
    for (;; ++next) {
      std::string name = next == 0 ? wanted : fmt::format("{}_{}", wanted, next + 1);
      const std::string input = name + "_input";
      if (taken_.contains(name) || taken_.contains(input)) continue;
      taken_.insert({name, input});
      return name;
    }
  }

  const pipeline::Model& model_;
  const rounding::NetworkCodes& codes_;
  std::string prefix_;
  std::set<std::string> taken_;
  std::map<std::string, int> next_number_;
};

}  // namespace

std::string c_header(const pipeline::Model& model,
                     const std::vector<int>& weight_bits,
                     const rounding::NetworkCodes& codes,
                     const std::string& name) {
  const std::string prefix = prefix_of(name);
  const std::string guard = fmt::format("OMPQ_{}_H", upper(prefix));
  std::string text = fmt::format(
      "/* Made by ompq {} of a float network with SHA-256\n   {}.\n   Layers are in the order of "
      "`ompq inspect`. With the input's codes x,\n"
      "   sum = bias[c] + sum over the kernel of\n"
      "   (STRIDE * code - zero_point[c]) * (x - INPUT_ZERO_POINT)\n"
      "   is whole, and the layer's output is sum * INPUT_SCALE * scale[c]. */\n"
      "#ifndef {}\n#define {}\n\n#include <stdint.h>\n\n",
      version(),
      model.sha256,
      guard,
      guard);
  text += fmt::format("#ifndef OMPQ_CODE\n#define OMPQ_CODE\n{}#endif\n", kReader);
  HeaderWriter writer(model, codes, prefix);
  for (std::size_t l = 0; l < weight_bits.size(); ++l) {
    text += writer.layer(model.discovery.layers[l]);
  }
  return text + fmt::format("\n#endif /* {} */\n", guard);
}

}  // namespace ompq::ptq
