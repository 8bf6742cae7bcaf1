#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/diagnosis/diff.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/report/json.h"
#include "ompq/search/features.h"
#include "ompq/search/search.h"
#include "ompq/search/sweep.h"
#include "pipeline/small_model.h"

namespace ompq::ptq {
namespace {

using graph::Dim;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Convolutions, a Reshape that repeats the batch, and two fully connected layers; inputs
/// [batch, 3, 8, 8], 5 classes.
/// @param batch  0: open.
pipeline::Model reshaping_model(std::int64_t batch) {
  const Dim samples = batch > 0 ? Dim::fixed(batch) : Dim::batch();
  testing::GraphBuilder builder("reshaping");
  auto x = builder.input("x", {samples, Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  x = builder.relu("relu1", builder.conv("conv1", x, {.out = 6, .kernel = 3, .bias = true}));
  x = builder.relu(
      "relu2",
      builder.conv(
          "conv2", x, {.out = 4, .kernel = 3, .stride = 2, .pads = {1, 1, 1, 1}, .bias = true}));
  x = builder.reshape("flat", x, {batch > 0 ? batch : -1, 64}, {samples, Dim::fixed(64)});
  x = builder.relu("relu3", builder.gemm("fc1", x, 12));
  pipeline::Model model;
  model.file = "reshaping.onnx";
  model.sha256 = "0";
  model.graph = builder.finish({builder.gemm("fc2", x, 5)});
  model.discovery = graph::discover(model.graph);
  for (const auto& layer : model.discovery.layers) model.file_bytes += layer.weight_count * 4;
  return model;
}

/// Not a multiple of 3 or 8.
constexpr std::int64_t kFixedSamples = 20;

report::Search searched(const pipeline::Model& model,
                        const std::string& allocator,
                        std::int64_t batch = 64) {
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  search::SearchOptions options;
  options.allocator = allocator;
  options.beside = {};
  options.request.budget.average_bits = 4;
  options.request.candidates = {2, 3, 4, 5, 6, 7, 8};
  options.executor.precision = runtime::Precision::Float32;
  options.batch_size = batch;
  return search::search(model, samples, options).report;
}

class FixedBatch : public ::testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, FixedBatch, ::testing::Values(1, 2, 3, 8));

TEST_P(FixedBatch, IsMeasuredAndAllocatedAsTheOpenNetwork) {
  for (const std::string allocator :
       {"output-mse", "output-kl", "local-error", "orm", "pairwise"}) {
    const report::Search open = searched(reshaping_model(0), allocator);
    const report::Search fixed = searched(reshaping_model(GetParam()), allocator);
    EXPECT_THAT(fixed.dropped, IsEmpty()) << allocator;
    EXPECT_EQ(fixed.allocations.front().weight_bits, open.allocations.front().weight_bits)
        << allocator;
    ASSERT_EQ(fixed.orm.size(), open.orm.size());
    for (std::size_t i = 0; i < open.orm.size(); ++i) EXPECT_NEAR(fixed.orm[i], open.orm[i], 1e-4);
  }
}

TEST_P(FixedBatch, EveryAllocatorHasAnAnswer) {
  const pipeline::Model model = reshaping_model(GetParam());
  for (const search::AllocatorRow& row : search::allocator_table()) {
    const report::Search found = searched(model, std::string(row.name));
    EXPECT_THAT(found.dropped, IsEmpty()) << row.name;
    EXPECT_EQ(found.allocations.front().allocator, row.name);
  }
}

TEST_P(FixedBatch, IsEvaluatedAndComparedAsTheOpenNetwork) {
  const pipeline::Model open = reshaping_model(0);
  const pipeline::Model fixed = reshaping_model(GetParam());
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const auto evaluation =
      pipeline::evaluate(fixed.graph, *samples.dataset, samples.indices, {}, &open.graph)
          .evaluation;
  EXPECT_EQ(evaluation.samples, kFixedSamples);
  EXPECT_EQ(*evaluation.agreement, 1.0);
  EXPECT_LT(*evaluation.divergence, 1e-6);
  const report::Diff difference = diagnosis::diff(open, fixed, samples, {});
  EXPECT_EQ(first_diverged(difference), nullptr);
  EXPECT_EQ(*difference.agreement, 1.0);
}

TEST_P(FixedBatch, ActivationsAreCalibratedOnTheSamplesAlone) {
  const pipeline::Model open = reshaping_model(0);
  const pipeline::Model fixed = reshaping_model(GetParam());
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const std::vector<std::optional<int>> bits(4, 8);
  const auto expected = pipeline::calibrate(open, bits, samples, {}, {});
  const auto got = pipeline::calibrate(fixed, bits, samples, {}, {});
  for (const auto& [value, params] : expected) {
    EXPECT_NEAR(got.at(value).scale.front(), params.scale.front(), 0.01 * params.scale.front());
  }
}

TEST_P(FixedBatch, EveryMethodRoundsIt) {
  const pipeline::Model model = reshaping_model(GetParam());
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const std::vector<int> bits(4, 3);
  const auto activations = pipeline::calibrate(model, {8, 8, 8, 8}, samples, {}, {});
  const rounding::NetworkCodes nearest = pipeline::nearest_codes(model, bits, activations, {});
  const auto snr = [&](const rounding::NetworkCodes& codes) {
    const pipeline::QuantizedNetwork network = pipeline::assemble_network(model, bits, codes);
    return *pipeline::evaluate(network.graph, *samples.dataset, samples.indices, {}, &model.graph)
                .evaluation.snr_db;
  };
  for (const MethodRow& row : method_table()) {
    MethodOptions options{.method = std::string(row.name)};
    options.iterations = 60;
    options.epochs = 1;
    options.weight = reconstruction::ErrorWeight::Fisher;
    report::Reconstruction report;
    const auto codes =
        round_network(model, nearest, *samples.dataset, samples.indices, options, nullptr, report);
    // A method keeps what it began with where it does not help; noise of 1 dB is its own.
    EXPECT_GT(snr(codes), snr(nearest) - 1.0) << row.name;
  }
}

TEST_P(FixedBatch, BiasesAreCorrected) {
  const pipeline::Model model = reshaping_model(GetParam());
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const std::vector<int> bits(4, 2);
  const rounding::NetworkCodes nearest = pipeline::nearest_codes(model, bits, {}, {});
  MethodOptions options{.method = "nearest"};
  options.prepare.correct_bias = true;
  report::Reconstruction report;
  (void)round_network(model, nearest, *samples.dataset, samples.indices, options, nullptr, report);
  ASSERT_TRUE(report.restoration.has_value());
  EXPECT_GT(report.restoration->snr_after_db, report.restoration->snr_before_db);
}

TEST(SmallBatches, SayTheSameOfTheFeatures) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(72);
  const auto orthogonality = [&](std::int64_t batch) {
    return search::measure_orthogonality(model.graph,
                                         model.discovery.layers,
                                         *samples.dataset,
                                         samples.indices,
                                         {.batch_size = batch});
  };
  const search::FeatureOutcome expected = orthogonality(64);
  for (const std::int64_t batch : {1, 2, 7, 32}) {
    const search::FeatureOutcome got = orthogonality(batch);
    EXPECT_EQ(got.estimator, expected.estimator);
    for (std::size_t i = 0; i < expected.matrix.values.size(); ++i) {
      // Groups of 63 instead of 64 if batches of seven fill them.
      EXPECT_NEAR(got.matrix.values[i], expected.matrix.values[i], batch == 7 ? 0.1 : 1e-4)
          << batch << ", " << i;
    }
  }
}

TEST(SmallBatches, AreAllocatedAlike) {
  const pipeline::Model model = pipeline::small_model();
  for (const std::string allocator : {"output-mse", "orm", "local-error"}) {
    EXPECT_EQ(searched(model, allocator, 1).allocations.front().weight_bits,
              searched(model, allocator).allocations.front().weight_bits)
        << allocator;
  }
}

/// small_model() with a layer whose weights are all zero.
pipeline::Model model_with_a_constant_feature() {
  pipeline::Model model = pipeline::small_model();
  const auto& layers = model.discovery.layers;
  auto& weight = model.graph.mutable_value(layers[1].weight);
  weight.constant = Tensor(DataType::Float32, weight.constant->shape());
  return model;
}

TEST(DroppedMetrics, AConstantFeatureDropsOrthogonalityAndNothingElse) {
  const pipeline::Model model = model_with_a_constant_feature();
  const report::Search found = searched(model, "auto");
  EXPECT_THAT(found.dropped, Contains(Field(&report::DroppedMetric::metric, "orm")));
  EXPECT_THAT(found.dropped, Contains(Field(&report::DroppedMetric::metric, "orm-error")));
  EXPECT_EQ(found.allocations.front().allocator, "auto");
  EXPECT_THAT(report::to_json(found), HasSubstr("\"dropped\""));
}

TEST(DroppedMetrics, AutoAnswersForAnAllocatorThatCannot) {
  const report::Search found = searched(model_with_a_constant_feature(), "orm");
  EXPECT_EQ(found.allocations.front().allocator, "auto");
  EXPECT_EQ(found.allocations.front().requested, "orm");
  EXPECT_THAT(report::to_json(found), HasSubstr("\"requested\": \"orm\""));
  EXPECT_EQ(searched(pipeline::small_model(), "orm").allocations.front().requested, "");
}

TEST(DroppedMetrics, WeightsAnswerForASweepThatCannot) {
  search::SweepOptions options{.points = 6};
  options.metric = "orm-error";
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const search::SweepOutcome found =
      search::sweep(model_with_a_constant_feature(), samples, options);
  EXPECT_EQ(found.report.metric, "weight-mse");
  EXPECT_EQ(found.report.requested, "orm-error");
  EXPECT_EQ(found.chosen.metric, "weight-mse");
  EXPECT_THAT(report::to_json(found.report), HasSubstr("\"requested\": \"orm-error\""));
}

TEST(NeededMetrics, AreAllThatIsMeasured) {
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const pipeline::Model model = pipeline::small_model();
  search::SearchOptions options;
  options.measure_for_beside = false;
  options.request.budget.average_bits = 4;
  options.allocator = "uniform";
  std::vector<std::string> tasks;
  const auto found = search::search(
      model, samples, options, [&](const ProgressEvent& event) { tasks.emplace_back(event.task); });
  EXPECT_THAT(tasks, IsEmpty());
  EXPECT_THAT(found.report.orm, IsEmpty());
  EXPECT_THAT(found.report.losses, IsEmpty());
  EXPECT_EQ(found.report.allocations.size(), 2U);  // next to size-only
}

/// A map of classes, as a segmentation network ends in ArgMax.
pipeline::Model class_map_model() {
  pipeline::Model model = pipeline::small_model();
  testing::GraphBuilder builder("map");
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  x = builder.relu("relu", builder.conv("conv1", x, {.out = 8, .kernel = 3, .bias = true}));
  x = builder.conv("classes", x, {.out = 4, .kernel = 1, .bias = true});
  x = builder.op({.name = "map",
                  .op_type = "ArgMax",
                  .inputs = {x},
                  .attributes = {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}}},
                 {Dim::batch(), Dim::fixed(8), Dim::fixed(8)},
                 DataType::Int64);
  model.graph = builder.finish({x});
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(ClassMaps, AreJudgedByTheScoresBehindThem) {
  const pipeline::Model model = class_map_model();
  const report::Search found = searched(model, "auto");
  EXPECT_THAT(found.dropped, Contains(Field(&report::DroppedMetric::metric, "output-kl")));
  EXPECT_EQ(found.dropped.size(), 1U);
  // Of scores: the share of classes that differ would be a multiple of 1 / (samples x positions).
  EXPECT_GT(found.portfolio->steps.front(), 0.0);
}

TEST(ClassMaps, AgreeWhereTheirElementsDo) {
  const pipeline::Model model = class_map_model();
  pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
  const pipeline::QuantizedNetwork network = pipeline::quantize_network(model, {2, 2}, {}, {});
  const auto evaluation =
      pipeline::evaluate(network.graph, *samples.dataset, samples.indices, {}, &model.graph)
          .evaluation;
  EXPECT_GT(*evaluation.agreement, 0.3);
  EXPECT_LT(*evaluation.agreement, 1.0);
  EXPECT_FALSE(evaluation.snr_db.has_value());
}

/// A number without axes next to a map of scores.
/// @param number_first  the order of the outputs
pipeline::Model model_with_a_number(bool number_first) {
  pipeline::Model model = pipeline::small_model();
  testing::GraphBuilder builder("number");
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  x = builder.relu("relu", builder.conv("conv1", x, {.out = 8, .kernel = 3, .bias = true}));
  x = builder.conv("classes", x, {.out = 4, .kernel = 1, .bias = true});
  const auto mean = builder.op({.name = "mean",
                                .op_type = "ReduceMean",
                                .inputs = {x},
                                .attributes = {{"keepdims", std::int64_t{0}}}},
                               {});
  model.graph = builder.finish(number_first ? std::vector{mean, x} : std::vector{x, mean});
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(Numbers, WithoutAxesAreMeasuredAndEvaluated) {
  for (const bool first : {true, false}) {
    const pipeline::Model model = model_with_a_number(first);
    EXPECT_EQ(searched(model, "auto").allocations.front().allocator, "auto");
    pipeline::Samples samples = pipeline::small_samples(kFixedSamples);
    pipeline::EvaluateOptions options{.batch_size = 8, .keep_outputs = true};
    const auto real = pipeline::evaluate(model.graph, *samples.dataset, samples.indices, options);
    EXPECT_EQ(real.logits.shape().front(), first ? 3 : kFixedSamples);
    options.reference_logits = &real.logits;
    const pipeline::QuantizedNetwork network = pipeline::quantize_network(model, {4, 4}, {}, {});
    const auto made = pipeline::evaluate(network.graph, *samples.dataset, samples.indices, options);
    EXPECT_TRUE(made.evaluation.snr_db.has_value());
  }
}

}  // namespace
}  // namespace ompq::ptq
