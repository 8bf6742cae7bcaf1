#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/runtime/executor.h"
#include "support/judge.h"

// The file that `ompq quantize` writes, held against ONNX Runtime, which knows nothing of ompq.

namespace ompq::testing {
namespace {

constexpr std::int64_t kImages = 2000;

struct Agreement {
  double greatest_difference = 0;  ///< of two logits, over the range of all logits
  double same_top1 = 0;            ///< share of images
};

std::int64_t best(std::span<const float> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

Agreement agreement(const Tensor& ours, const Tensor& theirs) {
  const auto x = ours.data<float>();
  const auto y = theirs.data<float>();
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const auto classes = static_cast<std::size_t>(ours.shape().at(1));
  Agreement result;
  for (std::size_t at = 0; at < x.size(); at += classes) {
    for (std::size_t c = at; c < at + classes; ++c) {
      result.greatest_difference =
          std::max(result.greatest_difference, static_cast<double>(std::abs(x[c] - y[c])));
    }
    result.same_top1 += best(x.subspan(at, classes)) == best(y.subspan(at, classes)) ? 1.0 : 0.0;
  }
  result.greatest_difference /= static_cast<double>(*high) - *low;
  result.same_top1 /= static_cast<double>(x.size() / classes);
  return result;
}

Agreement ours_against_onnxruntime(const std::filesystem::path& file) {
  const pipeline::Model model = pipeline::load_model(file);
  data::DatasetOptions options;
  options.preprocess = data::read_preprocess(*data::find_preprocess(shipped_model()));
  options.split = "test";
  const auto dataset =
      data::open_dataset(OMPQ_FASHION_MNIST, pipeline::input_specs(model.graph), options);
  const data::Batch batch = dataset->load(data::choose_samples(dataset->size(), kImages, 1));
  const auto ours = runtime::Executor(model.graph).run(batch.inputs);
  const std::string name = model.graph.value(model.graph.inputs().front()).name;
  const auto theirs = run_in_onnxruntime(file, {{name, batch.inputs.front()}});
  return agreement(ours.front(), theirs.front());
}

class PackedFile : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(PackedFile, SaysInOnnxRuntimeWhatItSaysHereAndHasTheSizeThatWasPromised) {
  OMPQ_JUDGE_OR_SKIP();
  const auto& [network, activation_bits] = GetParam();
  const TemporaryDirectory folder;
  const auto file = folder / "small.onnx";
  const auto made = ompq(on_fashion_mnist("quantize",
                                          shipped_model(network),
                                          {"--avg-bits",
                                           "3.3",
                                           "--act-bits",
                                           activation_bits,
                                           "--beside",
                                           "none",
                                           "--limit",
                                           "100",
                                           "--output",
                                           file.string(),
                                           "--result",
                                           (folder / "r.json").string()}));
  ASSERT_EQ(made.status, 0) << made.error;

  const auto result = nlohmann::json::parse(read_file(folder / "r.json"));
  const auto on_disk = static_cast<double>(std::filesystem::file_size(file));
  EXPECT_EQ(result["bytes_on_disk"].get<double>(), on_disk);
  EXPECT_NEAR(result["bytes_promised"].get<double>(), on_disk, 0.02 * on_disk);

  const Agreement agreement = ours_against_onnxruntime(file);
  RecordProperty("greatest_difference", std::to_string(agreement.greatest_difference));
  RecordProperty("same_top1", std::to_string(agreement.same_top1));
  EXPECT_LE(agreement.greatest_difference, 1e-3);
  EXPECT_GE(agreement.same_top1, 0.999);
}

INSTANTIATE_TEST_SUITE_P(ShippedNetworks,
                         PackedFile,
                         ::testing::Combine(::testing::Values("resnet20-fashion-mnist",
                                                              "mobilenetv2-fashion-mnist"),
                                            ::testing::Values("8", "4", "float")),
                         [](const auto& tested) {
                           std::string name =
                               std::get<0>(tested.param) + "_act_" + std::get<1>(tested.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ompq::testing
