#include "ops/op_case.h"

namespace ompq::testing {
namespace {

using Attributes = std::map<std::string, graph::Attribute>;

/// Sizes to which the 4 x 6 images of these cases are brought.
const std::vector<std::pair<std::string, Ints>> kSizes{
    {"twice", {8, 12}}, {"odd growth", {7, 11}}, {"shrunk", {3, 4}}, {"to one row", {1, 5}}};

OpCases sized_cases() {
  const CaseInput x = data(normal({2, 3, 4, 6}, 1));
  OpCases cases;
  for (const auto& [extent, size] : kSizes) {
    const CaseInput sizes = constant_ints({2, 3, size[0], size[1]});
    const std::vector<CaseInput> inputs{x, absent(), absent(), sizes};
    const auto add = [&](const std::string& title, const Attributes& attributes) {
      cases.push_back(
          OpCase{"Resize", 13, title + ", " + extent, attributes, inputs}.fixed_batch());
    };
    for (const std::string coordinates :
         {"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"}) {
      for (const std::string mode : {"nearest", "linear", "cubic"}) {
        add(mode + ", " + coordinates,
            {{"mode", mode}, {"coordinate_transformation_mode", coordinates}});
      }
    }
    for (const std::string nearest : {"round_prefer_ceil", "floor", "ceil"}) {
      for (const std::string coordinates : {"half_pixel", "asymmetric"}) {
        add(nearest + ", " + coordinates,
            {{"coordinate_transformation_mode", coordinates}, {"nearest_mode", nearest}});
      }
    }
    add("tf_half_pixel_for_nn",
        {{"coordinate_transformation_mode", "tf_half_pixel_for_nn"}, {"nearest_mode", "floor"}});
    add("cubic, exclude_outside", {{"mode", "cubic"}, {"exclude_outside", 1}});
    add("cubic, -0.5", {{"mode", "cubic"}, {"cubic_coeff_a", -0.5F}});
  }
  for (const std::string mode : {"nearest", "linear"}) {
    const Attributes attributes{{"mode", mode},
                                {"coordinate_transformation_mode", "tf_crop_and_resize"},
                                {"extrapolation_value", 7.0F}};
    const CaseInput part = constant_floats({0, 0, 0.2F, 0.1F, 1, 1, 0.8F, 0.6F});
    const CaseInput beyond = constant_floats({0, 0, -0.3F, 0.5F, 1, 1, 1.2F, 1.5F});
    const CaseInput sizes = constant_ints({2, 3, 5, 7});
    cases.push_back(OpCase{"Resize", 13, mode + ", a crop", attributes, {x, part, absent(), sizes}}
                        .fixed_batch());
    cases.push_back(OpCase{
        "Resize", 13, mode + ", a crop beyond the image", attributes, {x, beyond, absent(), sizes}}
                        .fixed_batch());
  }
  return cases;
}

OpCases scaled_cases() {
  const CaseInput x = data(normal({2, 3, 4, 6}, 1));
  const CaseInput twice = constant_floats({1, 1, 2, 2});
  const CaseInput odd = constant_floats({1, 1, 1.6F, 0.7F});
  const Attributes linear{{"mode", "linear"}};
  const CaseInput sizes = constant_ints({9, 5});
  return {
      {"Resize", 13, "nearest by two", {}, {x, absent(), twice}},
      {"Resize", 13, "linear by two", linear, {x, absent(), twice}},
      {"Resize", 13, "linear by fractions", linear, {x, absent(), odd}},
      {"Resize", 13, "nearest by fractions", {}, {x, absent(), odd}},
      {"Resize", 13, "cubic by fractions", {{"mode", "cubic"}}, {x, absent(), odd}},
      {"Resize", 10, "opset 10, nearest", {}, {x, twice}},
      {"Resize", 10, "opset 10, linear by fractions", linear, {x, odd}},
      {"Resize", 10, "opset 10, nearest by fractions", {}, {x, odd}},
      {"Resize",
       18,
       "named axes",
       {{"axes", Ints{2, 3}}, {"mode", "linear"}},
       {x, absent(), absent(), sizes}},
      {"Resize",
       18,
       "antialiased linear",
       {{"axes", Ints{2, 3}}, {"mode", "linear"}, {"antialias", 1}},
       {x, absent(), constant_floats({0.5F, 0.4F})}},
      {"Resize",
       18,
       "antialiased cubic",
       {{"axes", Ints{2, 3}}, {"mode", "cubic"}, {"antialias", 1}},
       {x, absent(), constant_floats({0.5F, 0.4F})}},
      {"Resize",
       18,
       "antialiased cubic, exclude_outside",
       {{"axes", Ints{2, 3}}, {"mode", "cubic"}, {"antialias", 1}, {"exclude_outside", 1}},
       {x, absent(), constant_floats({0.5F, 0.4F})}},
      {"Resize",
       18,
       "not_larger",
       {{"axes", Ints{2, 3}}, {"keep_aspect_ratio_policy", "not_larger"}},
       {x, absent(), absent(), sizes}},
      {"Resize",
       18,
       "not_smaller",
       {{"axes", Ints{2, 3}}, {"keep_aspect_ratio_policy", "not_smaller"}},
       {x, absent(), absent(), sizes}},
      {"Resize",
       19,
       "half_pixel_symmetric",
       {{"coordinate_transformation_mode", "half_pixel_symmetric"}, {"mode", "linear"}},
       {x, absent(), odd}},
      {"Resize",
       13,
       "linear, one axis",
       linear,
       {data(normal({2, 3, 5}, 1)), absent(), constant_floats({1, 1, 1.5F})}},
      {"Upsample", 7, "scales in an attribute", {{"scales", Floats{1, 1, 2, 3}}}, {x}},
      {"Upsample", 9, "nearest", {}, {x, twice}},
      {"Upsample", 9, "linear", linear, {x, twice}},
      {"GridSample", 16, "bilinear", {}, {x, data(uniform({2, 3, 4, 2}, -1.2F, 1.2F, 2))}},
      {"GridSample",
       16,
       "nearest, border",
       {{"mode", "nearest"}, {"padding_mode", "border"}},
       {x, data(uniform({2, 3, 4, 2}, -1.2F, 1.2F, 2))}},
      {"GridSample",
       16,
       "bicubic, reflection, corners",
       {{"mode", "bicubic"}, {"padding_mode", "reflection"}, {"align_corners", 1}},
       {x, data(uniform({2, 3, 4, 2}, -1.2F, 1.2F, 2))}},
  };
}

}  // namespace

OpCases resize_cases() {
  OpCases all = sized_cases();
  const OpCases more = scaled_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace ompq::testing
