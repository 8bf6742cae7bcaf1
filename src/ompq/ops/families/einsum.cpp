#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

/// This letter stands for the axes of "...".
constexpr char kOpen = '.';

/// The parsed equation "bhid,bhjd->bhij"; "..." becomes one kOpen.
struct Equation {
  std::vector<std::string> terms;
  std::string result;
};

std::string with_short_dots(std::string term) {
  const std::size_t at = term.find("...");
  return at == std::string::npos ? term : term.replace(at, 3, 1, kOpen);
}

/// Without an arrow: the open axes, then the letters that appear once, in alphabetical order.
std::string implicit_result(const std::vector<std::string>& terms) {
  std::map<char, int> seen;
  for (const std::string& term : terms) {
    for (const char letter : term) ++seen[letter];
  }
  std::string result;
  if (seen.contains(kOpen)) result = std::string(1, kOpen);
  for (const auto& [letter, count] : seen) {
    if (count == 1 && letter != kOpen) result += letter;
  }
  return result;
}

Equation parse(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  Equation equation;
  const std::size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  std::size_t start = 0;
  for (std::size_t comma = left.find(','); comma != std::string::npos;
       comma = left.find(',', start)) {
    equation.terms.push_back(with_short_dots(left.substr(start, comma - start)));
    start = comma + 1;
  }
  equation.terms.push_back(with_short_dots(left.substr(start)));
  equation.result = arrow == std::string::npos ? implicit_result(equation.terms)
                                               : with_short_dots(text.substr(arrow + 2));
  return equation;
}

bool repeats_letter(std::string term) {
  std::sort(term.begin(), term.end());
  return std::adjacent_find(term.begin(), term.end()) != term.end();
}

bool is_readable(const std::string& term) {
  return std::all_of(term.begin(), term.end(), [](unsigned char letter) {
    return std::isalpha(letter) != 0 || letter == kOpen;
  });
}

UnsupportedReason check_einsum(const OpContext& context, Facts inputs) {
  const std::string text = context.node.string_attribute("equation", "");
  const Equation equation = parse(text);
  if (equation.terms.size() != inputs.size()) {
    return fmt::format("equation '{}' does not name its {} inputs", text, inputs.size());
  }
  for (const std::string& term : equation.terms) {
    if (!is_readable(term)) return fmt::format("equation '{}' is not valid", text);
    if (std::count(term.begin(), term.end(), kOpen) > 1) {
      return fmt::format("equation '{}' has '...' twice in a term", text);
    }
    if (repeats_letter(term)) return fmt::format("equation '{}' takes a diagonal", text);
  }
  if (!is_readable(equation.result)) return fmt::format("equation '{}' is not valid", text);
  return needs_float(context, inputs);
}

/// The extent of every letter, and those of the open axes, broadcast against each other.
class AxisExtents {
 public:
  explicit AxisExtents(const OpContext& context) : context_(context) {}

  void read(const std::string& term, const Shape& shape) {
    const bool open = term.find(kOpen) != std::string::npos;
    const std::size_t letters = term.size() - (open ? 1 : 0);
    if (shape.size() < letters || (!open && shape.size() != letters)) {
      fail(context_, fmt::format("term '{}' does not fit shape {}", term, graph::to_string(shape)));
    }
    const auto unnamed = static_cast<std::ptrdiff_t>(shape.size() - letters);
    auto axis = shape.begin();
    for (const char letter : term) {
      if (letter == kOpen) {
        open_ = broadcast(context_, open_, Shape(axis, axis + unnamed));
        axis += unnamed;
      } else {
        note(letter, *axis++);
      }
    }
  }

  [[nodiscard]] Shape shape_of(const std::string& term) const {
    Shape shape;
    for (const char letter : term) {
      if (letter == kOpen) {
        shape.insert(shape.end(), open_.begin(), open_.end());
        continue;
      }
      const auto known = letters_.find(letter);
      if (known == letters_.end()) fail(context_, fmt::format("axis '{}' has no extent", letter));
      shape.push_back(known->second);
    }
    return shape;
  }

 private:
  void note(char letter, Dim extent) {
    const auto [known, is_new] = letters_.emplace(letter, extent);
    if (is_new || same(known->second, extent)) return;
    fail(context_,
         fmt::format("axis '{}' is {} and {}",
                     letter,
                     graph::to_string({known->second}),
                     graph::to_string({extent})));
  }

  const OpContext& context_;
  std::map<char, Dim> letters_;
  Shape open_;
};

OutputList infer_einsum(const OpContext& context, Facts inputs) {
  const Equation equation = parse(context.node.string_attribute("equation", ""));
  AxisExtents extents(context);
  for (std::size_t i = 0; i < inputs.size(); ++i) extents.read(equation.terms[i], inputs[i].shape);
  return {output(inputs[0].type, extents.shape_of(equation.result))};
}

Outputs run_einsum(const OpContext& context, Inputs inputs) {
  std::vector<at::Tensor> factors;
  for (const at::Tensor& factor : inputs) factors.push_back(factor.to(inputs[0].scalar_type()));
  return {at::einsum(context.node.string_attribute("equation", ""), factors)};
}

}  // namespace

std::span<const Operator> einsum_operators() {
  static constexpr Operator kRows[] = {
      {"Einsum", "", 12, 1, 1, check_einsum, infer_einsum, in_bfloat16<run_einsum>},
  };
  return kRows;
}

}  // namespace ompq::ops
