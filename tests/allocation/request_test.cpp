#include "ompq/allocation/request.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/six_layers.h"
#include "ompq/allocation/decision_model.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Candidates, OfTheFirstAndLastLayerYieldToTheirOwnLists) {
  AllocationRequest request = six_layers();
  request.first_last_bits = 8;
  EXPECT_EQ(candidates_of(request, 0), std::vector<int>{8});
  EXPECT_EQ(candidates_of(request, 1), request.candidates);
  EXPECT_EQ(candidates_of(request, 5), std::vector<int>{8});
  request.layer_candidates.resize(6);
  request.layer_candidates[5] = {4, 6};
  EXPECT_EQ(candidates_of(request, 5), (std::vector<int>{4, 6}));
}

TEST(Candidates, OfTiedLayersNeedSomethingInCommon) {
  AllocationRequest request = six_layers();
  request.layers[3].tied_to = 2;
  request.layer_candidates.resize(6);
  request.layer_candidates[2] = {2, 3, 4};
  request.layer_candidates[3] = {3, 4, 5};
  EXPECT_EQ(candidates_of(request, 2), (std::vector<int>{3, 4}));
  EXPECT_EQ(candidates_of(request, 3), (std::vector<int>{3, 4}));
  request.layer_candidates[3] = {kFloatBits};
  EXPECT_THAT(message_of<ConfigError>([&] { (void)candidates_of(request); }),
              AllOf(HasSubstr("2,3,4 for 'conv2'"), HasSubstr("float for 'conv3'")));
}

TEST(Candidates, RefuseListsThatAreNone) {
  for (const std::vector<int>& list :
       std::vector<std::vector<int>>{{0}, {9}, {4, 3}, {4, 4}, {8, kFloatBits}}) {
    AllocationRequest request = six_layers();
    request.layer_candidates.resize(6);
    request.layer_candidates[1] = list;
    EXPECT_THAT(message_of<ConfigError>([&] { (void)make_model(request); }),
                HasSubstr("of layer 'conv1' must be ascending and in 1..8"))
        << ::testing::PrintToString(list);
  }
  AllocationRequest request = six_layers();
  request.layer_candidates.resize(5);
  EXPECT_THROW((void)make_model(request), ConfigError);
  request = six_layers();
  request.layers[2].activation = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { (void)make_model(request); }),
              HasSubstr("layer 'conv2' reads activation 0 of 0"));
}

TEST(ActivationCandidates, FollowReadersAndFirstAndLast) {
  AllocationRequest request = six_layers();
  for (int t = 0; t < 4; ++t) request.activations.push_back({"t" + std::to_string(t), 100, {}});
  request.layers[0].activation = 0;
  request.layers[1].activation = 1;
  request.layers[2].activation = request.layers[3].activation = 2;
  request.layers[4].activation = 3;
  request.layer_candidates.resize(6);
  request.layer_candidates[1] = request.layer_candidates[2] = {kFloatBits};
  request.first_last_bits = 8;
  request.activation_candidates = {4, 6};
  request.activations[3].candidates = {5};
  EXPECT_EQ(activation_candidates_of(request),
            (std::vector<std::vector<int>>{{8}, {kFloatBits}, {4, 6}, {5}}));
  EXPECT_EQ(fixed_activation_bits(request)[5], 8);
  request.activation_candidates = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request)[0], std::vector<int>{kFloatBits});
}

TEST(ActivationCandidates, OfNetworkInputsHaveAWidthOfTheirOwn) {
  AllocationRequest request = six_layers();
  request.activations = {{"image", 100, {}, true}, {"t", 100, {}}, {"mask", 100, {}, true}};
  for (std::int32_t l = 0; l < 6; ++l) request.layers[static_cast<std::size_t>(l)].activation = 1;
  request.layers[0].activation = 0;
  request.layers[3].activation = 2;
  request.activation_candidates = {4};
  using Widths = std::vector<std::vector<int>>;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{4}, {4}, {4}}));
  request.input_bits = 8;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{8}, {4}, {8}}));
  EXPECT_THAT(widest_activation_bits(request), ::testing::ElementsAre(8, 4, 4, 8, 4, 4));
  request.first_last_bits = 6;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{6}, {6}, {8}}));
  request.first_last_bits.reset();
  request.layer_candidates.resize(6);
  request.layer_candidates[0] = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request)[0], std::vector<int>{kFloatBits});
  request.layer_candidates.clear();
  request.activation_candidates = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request), (Widths(3, {kFloatBits})));
}

}  // namespace
}  // namespace ompq::allocation
