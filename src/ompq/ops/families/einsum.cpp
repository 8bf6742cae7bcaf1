#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

/// "bhid,bhjd->bhij" taken apart.
struct Equation {
  std::vector<std::string> terms;
  std::string result;
};

Equation parse(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  Equation equation;
  const std::size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  std::size_t start = 0;
  for (std::size_t comma = left.find(','); comma != std::string::npos;
       comma = left.find(',', start)) {
    equation.terms.push_back(left.substr(start, comma - start));
    start = comma + 1;
  }
  equation.terms.push_back(left.substr(start));
  if (arrow != std::string::npos) {
    equation.result = text.substr(arrow + 2);
    return equation;
  }
  // Without an arrow: the letters that appear once, in alphabetical order.
  std::map<char, int> seen;
  for (const std::string& term : equation.terms) {
    for (const char letter : term) ++seen[letter];
  }
  for (const auto& [letter, count] : seen) {
    if (count == 1) equation.result += letter;
  }
  return equation;
}

bool repeats_letter(std::string term) {
  std::sort(term.begin(), term.end());
  return std::adjacent_find(term.begin(), term.end()) != term.end();
}

Complaint check_einsum(const OpContext& context, Facts inputs) {
  const std::string text = context.node.string_attribute("equation", "");
  if (text.find('.') != std::string::npos) {
    return fmt::format("equation '{}' leaves axes open with '...'", text);
  }
  const Equation equation = parse(text);
  if (equation.terms.size() != inputs.size()) {
    return fmt::format("equation '{}' does not name its {} inputs", text, inputs.size());
  }
  for (const std::string& term : equation.terms) {
    const bool letters = std::all_of(
        term.begin(), term.end(), [](unsigned char letter) { return std::isalpha(letter) != 0; });
    if (!letters) return fmt::format("equation '{}' cannot be read", text);
    if (repeats_letter(term)) return fmt::format("equation '{}' takes a diagonal", text);
  }
  return needs_float(context, inputs);
}

OutputList infer_einsum(const OpContext& context, Facts inputs) {
  const Equation equation = parse(context.node.string_attribute("equation", ""));
  std::map<char, Dim> extents;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string& term = equation.terms[i];
    if (static_cast<std::int64_t>(term.size()) != rank_of(inputs[i])) {
      fail(context,
           fmt::format("term '{}' does not fit shape {}", term, graph::to_string(inputs[i].shape)));
    }
    for (std::size_t axis = 0; axis < term.size(); ++axis) {
      const auto [known, is_new] = extents.emplace(term[axis], inputs[i].shape[axis]);
      if (is_new || same(known->second, inputs[i].shape[axis])) continue;
      fail(context,
           fmt::format("axis '{}' is {} and {}",
                       term[axis],
                       graph::to_string({known->second}),
                       graph::to_string({inputs[i].shape[axis]})));
    }
  }
  Shape shape;
  for (const char letter : equation.result) {
    if (!extents.contains(letter)) fail(context, fmt::format("axis '{}' has no extent", letter));
    shape.push_back(extents.at(letter));
  }
  return {output(inputs[0].type, std::move(shape))};
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
