#include "ompq/tables/result_tables.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::tables {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

report::LayerRow layer_row(const std::string& name, std::int64_t weights) {
  return {.name = name,
          .op_type = "Conv",
          .weights = weights,
          .paper_parameters = weights + 64,
          .macs = 2'500'000,
          .output_shape = "Nx64x8x8",
          .block = "block0"};
}

report::Search two_allocations() {
  report::Search search{.model = {.file = "net.onnx", .bytes = 4 << 20},
                        .samples = {.source = "images", .split = "train", .count = 64},
                        .budget = "3.00 bits a weight",
                        .activation_bits = "8",
                        .layers = {layer_row("conv", 27'000), layer_row("fc", 900)}};
  search.losses.push_back({.metric = "output-mse", .unit = "", .widths = {2, 3}, .values = {}});
  search.allocations.push_back({.allocator = "auto",
                                .weight_bits = {3, 8},
                                .average_bits = 2.9996,
                                .bytes = 1536,
                                .paper_mib = 0.5,
                                .gbops = 1.25,
                                .predicted_loss = 0.012345,
                                .solver = {"labels", "optimal", 0.01, 0, 0.02}});
  search.allocations.push_back({.allocator = "projection", .refused = "its list ends at 4 bits"});
  search.seconds = {{"allocation", 0.5}};
  return search;
}

TEST(SearchText, ShowsWidthsCostsAndRefusals) {
  const std::string text = search_text(two_allocations());
  EXPECT_THAT(text,
              HasSubstr("net.onnx: 2 layers, budget 3.00 bits a weight, 64 samples of images "
                        "(train), activations 8 bits\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("27.0 k"), HasSubstr("900"), HasSubstr("2.50 M")));
  EXPECT_THAT(text, AllOf(HasSubstr("3.000"), HasSubstr("1.50 KiB"), HasSubstr("0.500 MiB")));
  EXPECT_THAT(text,
              AllOf(HasSubstr("output-mse"), HasSubstr("0.01235"), HasSubstr("labels, optimal")));
  EXPECT_THAT(text, HasSubstr("projection has no solution: its list ends at 4 bits\n"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("follows")), Not(HasSubstr("gamma"))))
      << "no layer is tied and no importance was computed";
  EXPECT_TRUE(text.ends_with("\nallocation 0.5 s\n")) << text;
}

TEST(SearchText, ShowsTiesImportanceAndTheAllocatorInsteadOfTheRequestedOne) {
  report::Search search = two_allocations();
  search.layers[1].tied_to = "conv";
  search.gamma = {0.25, 1.5};
  search.allocations[0].requested = "orm";
  search.activation_bits = "float";
  const std::string text = search_text(search);
  EXPECT_THAT(text, AllOf(HasSubstr("follows"), HasSubstr("gamma"), HasSubstr("1.50")));
  EXPECT_THAT(text, HasSubstr("auto (for orm)"));
  EXPECT_THAT(text, HasSubstr("activations float\n"));
}

TEST(SearchText, SaysWhatAutoTriedBestFirst) {
  report::Search search = two_allocations();
  search.portfolio = report::Portfolio{.candidates = {{"uniform", {}, 0.5}, {"fisher", {}, 0.25}},
                                       .checked = {{"fisher", 0.375, 0.0625}, {"uniform", 1, 0.5}},
                                       .winner = "fisher",
                                       .steps = {0.25, 0.2, 0.125},
                                       .measure = "divergence, nats",
                                       .time_limit_struck = true};
  EXPECT_THAT(search_text(search),
              HasSubstr("auto tried 2 allocations: fisher 0.25, uniform 0.5\n"
                        "refined in 2 steps: 0.25 -> 0.125\n"
                        "checked on new samples: fisher 0.375 +- 0.062, uniform 1 +- 0.5\n"
                        "chose fisher (divergence, nats); stopped by the time limit\n"));
}

TEST(SearchText, SaysWhatTheSmallestFileWithinALossLoses) {
  report::Search search = two_allocations();
  search.loss_target = report::LossTarget{.max_loss = 1,
                                          .measure = "top-1, percentage points",
                                          .samples = 500,
                                          .loss = 0.6,
                                          .lower = -0.2,
                                          .upper = 1.4,
                                          .trials = {{400'000, 0.2}, {200'000, 1.8}}};
  EXPECT_THAT(search_text(search),
              HasSubstr("smallest file within --max-loss 1, of 2 sizes: loses 0.60 (95 % interval "
                        "-0.20 to 1.40; top-1, percentage points) on 500 samples\n"));
  search.loss_target->measure = "of quality 9";
  search.loss_target->lower.reset();
  EXPECT_THAT(
      search_text(search),
      HasSubstr("smallest file within --max-loss 1, of 2 sizes: loses 0.6 (of quality 9)\n"));
}

TEST(SearchText, SaysWhatTheSearchCostAndWhatTheTimeLimitLeftOut) {
  report::Search search = two_allocations();
  search.portfolio = report::Portfolio{.candidates = {{"uniform", {}, 0.5}},
                                       .winner = "uniform",
                                       .measure = "divergence, nats",
                                       .passes = 12.34,
                                       .time_limit_struck = true,
                                       .left_out = {"measuring fisher", "refinement"}};
  EXPECT_THAT(search_text(search),
              HasSubstr("chose uniform (divergence, nats)\n"
                        "cost: 12.3 forward passes over 256 samples\n"
                        "left out by the time limit: measuring fisher, refinement\n"));
}

TEST(InspectionText, ShowsInputsLayersAndWhatStaysFloat) {
  report::Inspection inspection{.model = {.file = "net.onnx", .bytes = 2048},
                                .opset = 13,
                                .inputs = {{"x", "Nx3x8x8"}},
                                .outputs = {{"scores", "Nx10"}},
                                .layers = {layer_row("conv", 27'000), layer_row("fc", 900)},
                                .blocks = {{"block0", {"conv", "fc"}}},
                                .not_quantizable = {{"gru", "GRU", "its weight is computed"}},
                                .parameters = 28'000,
                                .macs = 5'000'000,
                                .metadata = {{"author", std::string(200, 'a')}}};
  inspection.layers[1].tied_to = "conv";
  inspection.layers[1].float_input = true;
  const std::string text = inspection_text(inspection);
  EXPECT_TRUE(
      text.starts_with("net.onnx: 2.00 KiB, opset 13\n"
                       "  input   x  Nx3x8x8\n  output  scores  Nx10\n"))
      << text;
  EXPECT_THAT(text, HasSubstr("  author  " + std::string(80, 'a') + "...[200 characters]...aaa"));
  EXPECT_THAT(
      text,
      HasSubstr("2 layers (1 tied to another one), 1 blocks, 28.0 k parameters, 5.00 M MACs "
                "for one sample\n"));
  EXPECT_THAT(text, HasSubstr("inputs that always stay float: fc\n"));
  EXPECT_THAT(text, HasSubstr("stays in float:\n  gru (GRU): its weight is computed\n"));
  EXPECT_THAT(text, Not(HasSubstr("not run")));
}

TEST(InspectionText, SaysHowAQuantizedFileWasMade) {
  report::Inspection inspection{.metadata = {{"ompq.version", "0.2.0"}, {"author", "me"}}};
  inspection.quantization = report::FileQuantization{.version = "0.2.0",
                                                     .float_sha256 = "ab12",
                                                     .budget = "1.00 MiB",
                                                     .weight_bits = {8, 3, 32},
                                                     .activation_bits = {8, 8, 8}};
  const std::string text = inspection_text(inspection);
  EXPECT_THAT(text, HasSubstr("made by ompq 0.2.0 from the float network with SHA-256 ab12\n"));
  EXPECT_THAT(text, HasSubstr("  weight bits      8 3 float\n  activation bits  8\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("author  me"), Not(HasSubstr("ompq.version"))))
      << "the same is not shown twice";
}

report::Quantization one_network(bool labelled) {
  report::Quantization result{.search = two_allocations(),
                              .evaluated_on = {.source = "images", .split = "test", .count = 256}};
  result.networks.push_back(
      {.allocator = "auto",
       .method = "brecq",
       .bytes_on_disk = 524288,
       .average_bits = 3,
       .compression = 8,
       .evaluation = {.agreement = 0.97, .divergence = 0.0123, .snr_db = 14.25}});
  if (labelled) {
    result.float_evaluation.top1 = 0.9424;
    result.networks[0].evaluation.top1 = 0.9371;
  }
  return result;
}

TEST(QuantizationText, ComparesWithTheFloatNetwork) {
  const std::string text = quantization_text(one_network(true));
  EXPECT_THAT(text,
              AllOf(HasSubstr("calibrated with 64 samples of images (train)\n"),
                    HasSubstr("measured on 256 samples of images (test)\n")));
  EXPECT_THAT(text, AllOf(HasSubstr("top-1"), HasSubstr("94.24 %"), HasSubstr("93.71 %")));
  EXPECT_THAT(text, AllOf(HasSubstr("97.00 %"), HasSubstr("14.2 dB"), HasSubstr("512 KiB")));
  EXPECT_THAT(text, AllOf(HasSubstr("524288"), HasSubstr("8.0x"), HasSubstr("brecq")));
}

TEST(QuantizationText, WithoutLabelsShowsAgreementAndDivergence) {
  const std::string text = quantization_text(one_network(false));
  EXPECT_THAT(text,
              AllOf(Not(HasSubstr("top-1")), HasSubstr("agreement"), HasSubstr("divergence")));
  EXPECT_THAT(text, AllOf(HasSubstr("97.00 %"), HasSubstr("0.0123")));
}

TEST(QuantizationText, NamesOperatorsThatStayFloatBetweenIntegerLayers) {
  report::Quantization result = one_network(true);
  EXPECT_THAT(quantization_text(result), Not(HasSubstr("run on integers")));
  result.integer_kernels =
      report::IntegerKernels{.layers = 53,
                             .integer_layers = 50,
                             .float_layers = {"up"},
                             .float_operators = {{"HardSwish", {"a", "b"}}, {"Tanh", {"c"}}}};
  EXPECT_THAT(quantization_text(result),
              HasSubstr("50 of 53 layers run on integers; float between them: HardSwish (2), Tanh "
                        "(1)\n"));
  result.integer_kernels->float_operators.clear();
  EXPECT_THAT(quantization_text(result), HasSubstr("run on integers; float between them: none\n"));
}

TEST(QuantizationText, AveragesWhatRoundingGained) {
  report::Quantization result = one_network(true);
  result.reconstruction = report::Reconstruction{.method = "brecq", .samples = 32};
  result.reconstruction->blocks.push_back(
      {.step = "learning", .name = "a", .snr_before_db = 8, .snr_after_db = 14});
  result.reconstruction->blocks.push_back(
      {.step = "learning", .name = "b", .snr_before_db = 10, .snr_after_db = 20});
  EXPECT_THAT(
      quantization_text(result),
      HasSubstr("\nbrecq with 32 samples: 2 blocks at 17.0 dB on average, 9.0 dB before\n"));
}

TEST(EvaluationText, ShowsWhatWasMeasured) {
  EXPECT_EQ(evaluation_text({.samples = 100, .top1 = 0.5, .snr_db = 12.345, .seconds = 2}),
            "samples      100\n"
            "top-1        50.00 %\n"
            "SNR          12.35 dB\n"
            "seconds      2.00 (50 samples/s)\n");
  EXPECT_THAT(evaluation_text({.samples = 1, .skipped = 3, .agreement = 1, .divergence = 0.25}),
              HasSubstr("skipped      3 broken\nagreement    100.00 %\n"
                        "divergence   0.250000 nats\n"));
}

TEST(ComparisonText, AveragesAllocatorsThatHoldEveryBudget) {
  report::Comparison comparison{.model = {.file = "net.onnx"},
                                .samples = {.source = "images", .count = 64},
                                .evaluated_on = {.source = "images", .count = 256},
                                .float_evaluation = {.top1 = 0.9424},
                                .activation_bits = "8",
                                .budgets = {"2 bits", "3 bits"},
                                .allocators = {"auto", "orm"},
                                .rank_correlation = {{"fisher", 0.7, {}}},
                                .random_allocations = 16};
  comparison.rows = {{.budget = "2 bits", .allocator = "auto", .evaluation = {.top1 = 0.5}},
                     {.budget = "2 bits", .allocator = "orm", .refused = "no room"},
                     {.budget = "3 bits", .allocator = "auto", .evaluation = {.top1 = 0.8}},
                     {.budget = "3 bits", .allocator = "orm", .evaluation = {.top1 = 0.75}}};
  comparison.rounding = "gptq";
  comparison.means = {{.allocator = "auto", .top1 = 0.65},
                      {.allocator = "orm",
                       .top1_difference = report::PairedDifference{-0.01, -0.025, 0.005},
                       .agreement_difference = report::PairedDifference{0.02, 0.01, 0.03}}};
  const std::string text = comparison_text(comparison);
  EXPECT_THAT(text, HasSubstr("top-1, gptq rounding:\n"));
  EXPECT_THAT(text, HasSubstr("difference from auto, mean over the budgets on the same samples"));
  EXPECT_THAT(text, HasSubstr("orm        -1.00 (-2.50 to +0.50)  +2.00 (+1.00 to +3.00)\n"));
  EXPECT_THAT(text, HasSubstr("net.onnx: float top-1 94.24 %\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("auto +50.00 % +80.00 % +65.00 %"));
  EXPECT_THAT(text, ::testing::ContainsRegex("orm +refused +75.00 % +-"));
  EXPECT_THAT(text, HasSubstr("orm at 2 bits: no room\n"));
  EXPECT_THAT(text, HasSubstr("16 random allocations per budget:\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("fisher +0.70 +-"));
}

TEST(SweepText, MarksTheKneeAndThePickedPoint) {
  report::Sweep sweep{.model = {.file = "net.onnx"},
                      .samples = {.source = "images", .count = 64},
                      .metric = "output-mse",
                      .requested = "output-kl",
                      .measure = "divergence, nats",
                      .activation_bits = "8",
                      .knee = 1,
                      .picked = 1};
  for (const std::int64_t bytes : {1024, 2048}) {
    sweep.points.push_back({.average_bits = 3, .bytes = bytes, .divergence = 0.5});
  }
  const std::string text = sweep_text(sweep);
  EXPECT_THAT(text, HasSubstr("metric output-mse (for output-kl)\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("2.00 KiB +2048 +3.000 .*<- knee <- picked"));
  EXPECT_EQ(text.find("<- knee"), text.rfind("<- knee")) << text;
  EXPECT_THAT(text, HasSubstr("\ndivergence: divergence, nats\n"));
  EXPECT_EQ(text.find("quality"), std::string::npos) << "none was measured";
  sweep.float_quality = 41.5;
  sweep.points.front().quality = 40.25;
  sweep.points.back().quality = 41;
  const std::string judged = sweep_text(sweep);
  EXPECT_THAT(judged, ::testing::ContainsRegex("0.5 +40.25 "));
  EXPECT_THAT(judged, HasSubstr("\nquality: 41.5 for the float network\n"));
}

}  // namespace
}  // namespace ompq::tables
