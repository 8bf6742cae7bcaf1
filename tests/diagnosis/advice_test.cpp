#include "ompq/diagnosis/advice.h"

#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::diagnosis {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Three convolutions of 3 bits on 6-bit inputs that add as much noise as is usual; the middle one
/// is looked at.
report::Diagnosis usual() {
  report::Diagnosis diagnosis{
      .samples = 32, .gain_samples = 32, .output_snr_before_db = 20, .output_snr_after_db = 24};
  for (const char* name : {"first", "middle", "last"}) {
    diagnosis.layers.push_back({.name = name,
                                .op_type = "Conv",
                                .weight_bits = 3,
                                .activation_bits = 6,
                                .weight_snr_db = 18,
                                .input_snr_db = 30,
                                .gain_db = 0,
                                .channel_spread = 2,
                                .peak_to_rms = 6});
  }
  diagnosis.layers[1].gain_db = 2.5;
  return diagnosis;
}

/// The one piece of advice on what `change` makes of the middle layer.
report::Advice on_middle(const std::function<void(report::LayerDiagnosis&)>& change) {
  report::Diagnosis diagnosis = usual();
  change(diagnosis.layers[1]);
  const auto advice = advise(diagnosis);
  EXPECT_THAT(advice, SizeIs(1));
  return advice.empty() ? report::Advice{} : advice.front();
}

void make_input_noisy(report::LayerDiagnosis& layer) { layer.input_snr_db = 12; }

TEST(Advise, LeavesLayersInPeaceThatCostTheOutputNothing) {
  report::Diagnosis diagnosis = usual();
  diagnosis.layers[1].gain_db = 0.05;
  EXPECT_THAT(advise(diagnosis), IsEmpty());
  diagnosis.layers[1].gain_db = -1;
  EXPECT_THAT(advise(diagnosis), IsEmpty());
}

TEST(Advise, PinsALayerWhoseWeightsAreCoarse) {
  const auto advice = on_middle([](auto&) {});
  EXPECT_EQ(advice.layer, "middle");
  EXPECT_THAT(advice.finding,
              AllOf(HasSubstr("3 bits"), HasSubstr("18.0 dB"), HasSubstr("2.5 dB")));
  EXPECT_THAT(advice.remedy,
              AllOf(HasSubstr("--pin 'middle=4'"), HasSubstr("--candidates 'middle=4,5,6,7,8'")));
}

TEST(Advise, NeverAsksForMoreThanEightBits) {
  const auto weights = on_middle([](auto& layer) { layer.weight_bits = 8; });
  EXPECT_THAT(weights.remedy, AllOf(HasSubstr("--exclude 'middle'"), Not(HasSubstr("--pin"))));
  const auto inputs = on_middle([](auto& layer) {
    make_input_noisy(layer);
    layer.activation_bits = 8;
  });
  EXPECT_THAT(inputs.remedy, AllOf(HasSubstr("--exclude 'middle'"), Not(HasSubstr("--act-bits"))));
}

TEST(Advise, TellsFirstAndLastLayerFromOthers) {
  for (const std::size_t end : {std::size_t{0}, std::size_t{2}}) {
    report::Diagnosis diagnosis = usual();
    diagnosis.layers[1].gain_db = 0;
    diagnosis.layers[end].gain_db = 1;
    const auto advice = advise(diagnosis);
    ASSERT_THAT(advice, SizeIs(1));
    EXPECT_THAT(advice[0].finding, HasSubstr(end == 0 ? "first" : "last"));
    EXPECT_THAT(advice[0].remedy, HasSubstr("--first-last 8"));
  }
}

TEST(Advise, GivesDepthwiseWeightsMoreBits) {
  const auto advice = on_middle([](auto& layer) { layer.depthwise = true; });
  EXPECT_THAT(advice.finding, HasSubstr("depthwise"));
  EXPECT_THAT(advice.remedy, HasSubstr("--pin 'middle=5'"));
}

TEST(Advise, EqualizesInputChannelsOfUnlikeRange) {
  const auto advice = on_middle([](auto& layer) {
    make_input_noisy(layer);
    layer.depthwise = true;
    layer.channel_spread = 40;
  });
  EXPECT_THAT(advice.finding, AllOf(HasSubstr("depthwise"), HasSubstr("40 times")));
  EXPECT_THAT(advice.remedy, AllOf(HasSubstr("equalize"), HasSubstr("--act-bits 8")));
}

TEST(Advise, WidensARangeThatClips) {
  const auto advice = on_middle([](auto& layer) {
    make_input_noisy(layer);
    layer.clipped_share = 0.03;
    layer.clipping_noise_share = 0.8;
  });
  EXPECT_THAT(advice.finding, AllOf(HasSubstr("3 %"), HasSubstr("80 %")));
  EXPECT_THAT(advice.remedy, HasSubstr("--act-range minmax"));
}

TEST(Advise, CutsALongTailOff) {
  const auto advice = on_middle([](auto& layer) {
    make_input_noisy(layer);
    layer.peak_to_rms = 50;
  });
  EXPECT_THAT(advice.finding, HasSubstr("50 times"));
  EXPECT_THAT(advice.remedy, HasSubstr("--act-range percentile"));
}

TEST(Advise, GivesACoarseInputMoreBits) {
  const auto advice = on_middle(make_input_noisy);
  EXPECT_THAT(advice.finding, AllOf(HasSubstr("input"), HasSubstr("6 bits")));
  EXPECT_THAT(advice.remedy, HasSubstr("--act-bits 8"));
}

TEST(Advise, NamesTheOptionOfTheNetworksInputs) {
  const auto advice = on_middle([](auto& layer) {
    make_input_noisy(layer);
    layer.reads_network_input = true;
  });
  EXPECT_THAT(advice.remedy, AllOf(HasSubstr("--input-bits 8"), Not(HasSubstr("--act-bits"))));
}

TEST(Advise, BlamesWeightsWhereTheInputIsUnevenButAddsLittle) {
  const auto advice = on_middle([](auto& layer) { layer.channel_spread = 40; });
  EXPECT_THAT(advice.remedy, HasSubstr("--pin"));
}

TEST(Advise, SpeaksOfTheWorstLayersFirstAndOfTenAtMost) {
  report::Diagnosis diagnosis = usual();
  for (int l = 0; l < 20; ++l) {
    report::LayerDiagnosis layer = diagnosis.layers[1];
    layer.name = "layer" + std::to_string(l);
    layer.gain_db = 1 + 0.1 * l;
    diagnosis.layers.push_back(layer);
  }
  const auto advice = advise(diagnosis);
  ASSERT_THAT(advice, SizeIs(10));
  EXPECT_EQ(advice[0].layer, "layer19");
  EXPECT_EQ(advice[1].layer, "layer18");
}

TEST(Advise, GoesByOwnNoiseWhereGainsWereNotMeasured) {
  report::Diagnosis diagnosis = usual();
  diagnosis.gain_samples = 0;
  for (auto& layer : diagnosis.layers) {
    layer.gain_db.reset();
    layer.weight_snr_db = 35;
  }
  EXPECT_THAT(advise(diagnosis), IsEmpty());
  diagnosis.layers[1].weight_snr_db = 8;
  const auto advice = advise(diagnosis);
  ASSERT_THAT(advice, SizeIs(1));
  EXPECT_EQ(advice[0].layer, "middle");
}

TEST(Advise, SaysThatAnOutputIsNoisyBeforeAllElse) {
  report::Diagnosis diagnosis = usual();
  diagnosis.output_snr_after_db = 6.25;
  diagnosis.output_snr_before_db = 5;
  auto advice = advise(diagnosis);
  ASSERT_THAT(advice, SizeIs(2));
  EXPECT_EQ(advice[0].layer, "");
  EXPECT_THAT(advice[0].finding, HasSubstr("6.2 dB"));
  EXPECT_THAT(advice[0].remedy, HasSubstr("--avg-bits"));
  diagnosis.output_snr_before_db = 7;
  advice = advise(diagnosis);
  ASSERT_THAT(advice, SizeIs(3));
  EXPECT_THAT(advice[1].finding, HasSubstr("nearest rounding"));
}

TEST(AdviceRules, HaveNamesOfTheirOwnAndEveryPart) {
  std::set<std::string_view> names;
  for (const AdviceRule& rule : advice_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_NE(rule.applies, nullptr) << rule.name;
    EXPECT_NE(rule.finding, nullptr) << rule.name;
    EXPECT_NE(rule.remedy, nullptr) << rule.name;
  }
}

TEST(AdviceRules, ApplyToNoLayerThatAddsNoNoise) {
  report::Diagnosis diagnosis = usual();
  report::LayerDiagnosis& layer = diagnosis.layers[1];
  layer.weight_snr_db.reset();
  layer.input_snr_db.reset();
  layer.channel_spread = 100;
  layer.peak_to_rms = 100;
  layer.clipping_noise_share = 1;
  for (const AdviceRule& rule : advice_rules()) {
    EXPECT_FALSE(rule.applies({diagnosis, layer, 1})) << rule.name;
  }
}

}  // namespace
}  // namespace ompq::diagnosis
