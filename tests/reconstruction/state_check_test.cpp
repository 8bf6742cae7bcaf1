#include "ompq/reconstruction/state_check.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::reconstruction {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A matrix "fc.weight" of two bits, an activation "x" and a bias "fc.bias".
class StateCheck : public ::testing::Test {
 protected:
  StateCheck() {
    testing::GraphBuilder builder("net");
    const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(3)});
    graph_ = builder.finish({builder.gemm("fc", x, 2)});
    quant::QuantizedTensor codes{.params = {.bits = BitWidth(2),
                                            .granularity = quant::Granularity::along(0),
                                            .scale = {0.5F, 0.25F},
                                            .zero_point = {1, 2}},
                                 .shape = {2, 3},
                                 .codes = {0, 1, 2, 3, 0, 1}};
    initial_.weights["fc.weight"] = codes;
    initial_.activations[graph_.find_value("x")] = {.scale = {0.1F}, .zero_point = {128}};
    state_.name = "block";
    state_.codes["fc.weight"] = codes;
    state_.steps["x"] = 0.2F;
    state_.biases["fc.bias"] = {1.0F, 2.0F};
  }

  [[nodiscard]] std::string refusal(const std::function<void(BlockState&)>& change) const {
    BlockState state = state_;
    change(state);
    try {
      check_state(state, "block", graph_, initial_);
    } catch (const DataError& error) {
      return error.reason();
    }
    return "accepted";
  }
  [[nodiscard]] quant::QuantizedTensor& weight(BlockState& state) const {
    return state.codes["fc.weight"];
  }

  graph::Graph graph_;
  rounding::NetworkCodes initial_;
  BlockState state_;
};

TEST_F(StateCheck, AcceptsCodesScalesAndBiasesInRange) {
  EXPECT_EQ(refusal([](BlockState&) {}), "accepted");
  EXPECT_EQ(refusal([](BlockState& s) {
              s.codes["fc.weight"].params.scale = {3.0F, 1e-6F};
              s.codes["fc.weight"].params.zero_point = {0, 3};
              s.codes["fc.weight"].codes = {3, 3, 3, 3, 3, 3};
              s.report.snr_after_db = std::numeric_limits<double>::infinity();
            }),
            "accepted");
  EXPECT_EQ(refusal([](BlockState& s) {
              s.codes.clear();
              s.steps.clear();
              s.biases.clear();
            }),
            "accepted");
}

TEST_F(StateCheck, KnowsTheZeroPointsOfNormalLevels) {
  initial_.weights["fc.weight"].params.symmetry = quant::Symmetry::Normal;
  weight(state_).params.symmetry = quant::Symmetry::Normal;
  const auto refused = [&](std::int32_t zero_point) {
    return refusal([&](BlockState& s) { weight(s).params.zero_point = {0, zero_point}; });
  };
  for (const std::int32_t zero_point : {-32, -4, 0, 28}) EXPECT_EQ(refused(zero_point), "accepted");
  for (const std::int32_t zero_point : {-36, -1, 2, 32}) {
    EXPECT_THAT(refused(zero_point), HasSubstr("out of range"));
  }
}

TEST_F(StateCheck, RefusesWhatDoesNotFitTheNetworkOrTheInitialCodes) {
  const auto expect = [&](const std::string& reason, const std::function<void(BlockState&)>& f) {
    EXPECT_THAT(refusal(f), HasSubstr(reason));
  };
  expect("of block 'other', not of 'block'", [](BlockState& s) { s.name = "other"; });
  expect("'none', which is not a quantized weight",
         [&](BlockState& s) { s.codes["none"] = weight(s); });
  expect("another shape or width", [&](BlockState& s) { weight(s).params.bits = BitWidth(3); });
  expect("another shape or width", [&](BlockState& s) { weight(s).shape = {3, 2}; });
  expect("another shape or width", [&](BlockState& s) { weight(s).codes.pop_back(); });
  expect("another shape or width", [&](BlockState& s) { weight(s).params.scale.pop_back(); });
  expect("another shape or width",
         [&](BlockState& s) { weight(s).params.zero_point.push_back(0); });
  expect("another shape or width", [&](BlockState& s) { weight(s).params.granularity.axis = 1; });
  expect("another shape or width",
         [&](BlockState& s) { weight(s).params.symmetry = quant::Symmetry::Symmetric; });
  expect("out of range", [&](BlockState& s) { weight(s).codes[5] = 4; });
  expect("out of range", [&](BlockState& s) { weight(s).params.zero_point[0] = -1; });
  expect("out of range", [&](BlockState& s) { weight(s).params.zero_point[1] = 4; });
  for (const float scale :
       {0.0F, -1.0F, kNan, std::numeric_limits<float>::infinity(), 3e38F, 1e30F}) {
    expect("out of range", [&](BlockState& s) { weight(s).params.scale[0] = scale; });
    expect("its scale for 'x'", [&](BlockState& s) { s.steps["x"] = scale; });
  }
  expect("'y', which is not quantized", [](BlockState& s) { s.steps["y"] = 1.0F; });
  expect("'fc.weight', which is not quantized", [](BlockState& s) { s.steps["fc.weight"] = 1.0F; });
  expect("3 biases for 'fc.bias'", [](BlockState& s) { s.biases["fc.bias"].push_back(0); });
  expect("biases for 'x'", [](BlockState& s) { s.biases["x"] = {1.0F}; });
  expect("biases for 'none'", [](BlockState& s) { s.biases["none"] = {}; });
  expect("not finite", [](BlockState& s) { s.biases["fc.bias"][1] = kNan; });
  expect("not numbers", [](BlockState& s) { s.report.loss_after = kNan; });
  expect("not numbers", [](BlockState& s) { s.report.snr_before_db = kNan; });
  expect("not numbers", [](BlockState& s) { s.report.seconds = -1; });
  expect("not numbers", [](BlockState& s) { s.report.iterations = -1; });
}

TEST_F(StateCheck, RefusesEpochsThatWereNotFinished) {
  const auto refusal_of = [&](const std::function<void(DistillationState&)>& change) {
    DistillationState state{.epochs = 2, .steps = 8, .best_epoch = 1, .best = state_};
    state.numbers["weight fc t second"] = {0.0F, 1.0F};
    change(state);
    try {
      check_state(state, 2, graph_, initial_);
    } catch (const DataError& error) {
      return error.reason();
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal_of([](DistillationState&) {}), "accepted");
  EXPECT_THAT(refusal_of([](auto& s) { s.epochs = 3; }), HasSubstr("of epoch 3, not of 2"));
  EXPECT_THAT(refusal_of([](auto& s) { s.best_epoch = 3; }), HasSubstr("not numbers"));
  EXPECT_THAT(refusal_of([](auto& s) { s.best_epoch = -1; }), HasSubstr("not numbers"));
  EXPECT_THAT(refusal_of([](auto& s) { s.steps = -1; }), HasSubstr("not numbers"));
  EXPECT_THAT(refusal_of([](auto& s) { s.loss_best = std::nan(""); }), HasSubstr("not numbers"));
  EXPECT_THAT(refusal_of([](auto& s) { s.best.steps["x"] = -1; }), HasSubstr("its scale for 'x'"));
  EXPECT_THAT(refusal_of([](auto& s) { s.numbers["a"] = {kNan}; }), HasSubstr("'a' is not finite"));
  EXPECT_THAT(refusal_of([](auto& s) { s.numbers["a second"] = {-1.0F}; }),
              HasSubstr("'a second' is negative"));
}

}  // namespace
}  // namespace ompq::reconstruction
