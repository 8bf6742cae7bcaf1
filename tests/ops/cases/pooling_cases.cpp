#include "ops/op_case.h"

namespace ompq::testing {
namespace {

using Attributes = std::map<std::string, graph::Attribute>;

/// The windows that are hard to get right, for both kinds of pooling.
std::vector<std::pair<std::string, Attributes>> windows() {
  const Ints three{3, 3};
  const Ints two{2, 2};
  return {
      {"kernel 2", {{"kernel_shape", two}}},
      {"ResNet's", {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{1, 1, 1, 1}}}},
      {"ceil_mode", {{"kernel_shape", three}, {"strides", two}, {"ceil_mode", 1}}},
      {"ceil_mode, padded",
       {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{1, 1, 1, 1}}, {"ceil_mode", 1}}},
      {"ceil_mode, last window outside",
       {{"kernel_shape", Ints{1, 1}}, {"strides", two}, {"ceil_mode", 1}}},
      {"ceil_mode, asymmetric",
       {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{0, 1, 1, 0}}, {"ceil_mode", 1}}},
      {"asymmetric pads", {{"kernel_shape", three}, {"strides", two}, {"pads", Ints{0, 0, 1, 1}}}},
      {"wide pads", {{"kernel_shape", three}, {"pads", Ints{2, 2, 2, 2}}}},
      {"SAME_UPPER", {{"kernel_shape", two}, {"auto_pad", "SAME_UPPER"}, {"strides", two}}},
      {"SAME_LOWER", {{"kernel_shape", two}, {"auto_pad", "SAME_LOWER"}, {"strides", two}}},
      {"VALID", {{"kernel_shape", three}, {"auto_pad", "VALID"}, {"strides", Ints{2, 1}}}},
  };
}

}  // namespace

OpCases pooling_cases() {
  const CaseInput x = data(normal({2, 3, 7, 8}, 1));
  const CaseInput line = data(normal({2, 3, 9}, 1));
  const CaseInput volume = data(normal({2, 2, 4, 5, 6}, 1));
  OpCases cases{
      {"MaxPool", 12, "dilated", {{"kernel_shape", Ints{2, 3}}, {"dilations", Ints{2, 2}}}, {x}},
      {"MaxPool",
       12,
       "dilated, padded",
       {{"kernel_shape", Ints{3, 3}}, {"dilations", Ints{2, 2}}, {"pads", Ints{2, 2, 2, 2}}},
       {x}},
      {"MaxPool",
       12,
       "one axis",
       {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{0, 1}}},
       {line}},
      {"MaxPool",
       12,
       "three axes",
       {{"kernel_shape", Ints{2, 2, 3}}, {"strides", Ints{2, 1, 2}}},
       {volume}},
      {"AveragePool",
       11,
       "one axis",
       {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{1, 1}}},
       {line}},
      {"AveragePool",
       11,
       "three axes",
       {{"kernel_shape", Ints{2, 2, 3}}, {"pads", Ints{1, 0, 1, 1, 0, 1}}},
       {volume}},
      {"LpPool", 11, "p 2", {{"kernel_shape", Ints{2, 3}}, {"strides", Ints{2, 2}}}, {x}},
      {"LpPool",
       11,
       "p 3, padded",
       {{"kernel_shape", Ints{3, 3}}, {"p", 3}, {"pads", Ints{1, 1, 1, 1}}},
       {x}},
      {"GlobalAveragePool", 13, "images", {}, {x}},
      {"GlobalAveragePool", 7, "one axis", {}, {line}},
      {"GlobalMaxPool", 13, "images", {}, {x}},
      {"GlobalLpPool", 13, "images", {{"p", 3}}, {x}},
  };
  for (const auto& [title, attributes] : windows()) {
    cases.push_back({"MaxPool", 12, title, attributes, {x}});
    cases.push_back({"AveragePool", 11, title, attributes, {x}});
    Attributes counting_pads = attributes;
    counting_pads["count_include_pad"] = 1;
    cases.push_back({"AveragePool", 11, title + ", pads counted", counting_pads, {x}});
  }
  return cases;
}

}  // namespace ompq::testing
