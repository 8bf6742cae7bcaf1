#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "e2e/onnxruntime_agreement.h"
#include "ompq/core/atomic_file.h"

// The file that `ompq quantize` writes, held against ONNX Runtime, which knows nothing of ompq.

namespace ompq::testing {
namespace {

TEST(QdqFile, SaysInOnnxRuntimeWhatItSaysHereAndHasTheSizeThatWasPromised) {
  OMPQ_JUDGE_OR_SKIP();
  const TemporaryDirectory folder;
  const auto file = folder / "small.onnx";
  for (const std::string bits : {"8", "4", "float"}) {
    const auto made = ompq(on_fashion_mnist("quantize",
                                            shipped_model("mobilenetv2-fashion-mnist"),
                                            {"--avg-bits",
                                             "3.3",
                                             "--act-bits",
                                             bits,
                                             "--format",
                                             "qdq",
                                             "--method",
                                             "nearest",
                                             "--allocator",
                                             "weight-mse",
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
    EXPECT_EQ(result["bytes_on_disk"], std::filesystem::file_size(file));
    EXPECT_NEAR(result["bytes_promised"].get<double>(),
                result["bytes_on_disk"].get<double>(),
                0.02 * result["bytes_on_disk"].get<double>());
    const Agreement agreement = ours_against_onnxruntime(file);
    RecordProperty("greatest_difference_" + bits, std::to_string(agreement.greatest_difference));
    EXPECT_LE(agreement.greatest_difference, 1e-3) << bits;
    EXPECT_GE(agreement.same_top1, 0.999) << bits;
  }
}

class PackedFile : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(PackedFile, SaysInOnnxRuntimeWhatItSaysHereAndHasTheSizeThatWasPromised) {
  OMPQ_JUDGE_OR_SKIP();
  const auto& [network, activation_bits] = GetParam();
  const TemporaryDirectory folder;
  const auto file = folder / "small.onnx";
  // One of the two networks goes the way of a user who names no allocator.
  const bool by_default = network == "mobilenetv2-fashion-mnist";
  const auto made = ompq(on_fashion_mnist("quantize",
                                          shipped_model(network),
                                          {"--avg-bits",
                                           "3.3",
                                           "--act-bits",
                                           activation_bits,
                                           "--allocator",
                                           by_default ? "auto" : "weight-mse",
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
  RecordProperty("apart", std::to_string(agreement.apart));
  RecordProperty("same_top1", std::to_string(agreement.same_top1));
  // A sum of more than 24 bits, in layers of 8 bits, is rounded by the order of its terms, which is
  // the processor's: one code in many millions lands on the other side of a tie (ADR 6).
  EXPECT_LE(agreement.apart, 0.001);
  EXPECT_LE(agreement.greatest_difference, 0.01);
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
