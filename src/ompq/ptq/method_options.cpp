#include "ompq/ptq/method_options.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ompq::ptq {
namespace {

constexpr std::array<std::pair<std::string_view, bool Preparation::*>, 4> kPreparations{{
    {"equalize", &Preparation::equalize},
    {"bias-correction", &Preparation::correct_bias},
    {"analytic-bias-correction", &Preparation::analytic_bias},
    {"norm-reestimation", &Preparation::reestimate_norms},
}};

}  // namespace

Preparation preparation_of(const std::vector<std::string>& steps) {
  Preparation preparation;
  for (const std::string& step : steps) {
    for (const auto& [name, member] : kPreparations) {
      if (step == name) preparation.*member = true;
    }
  }
  return preparation;
}

std::string option_text(const Preparation& preparation) {
  std::string text;
  for (const auto& [name, member] : kPreparations) {
    if (preparation.*member) text += fmt::format("{}{}", text.empty() ? "" : ",", name);
  }
  return text.empty() ? "none" : text;
}

reconstruction::ErrorWeight error_weight_of(bool fisher) {
  return fisher ? reconstruction::ErrorWeight::Fisher : reconstruction::ErrorWeight::Plain;
}

}  // namespace ompq::ptq
