#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/search/features.h"
#include "support/paths.h"

// The orthogonality of a trained ResNet-20 on CIFAR-10, against the numbers of the paper's own
// code.

namespace ompq::search {
namespace {

struct Golden {
  pipeline::Model model;
  pipeline::Samples samples;
  nlohmann::json json;
};

Golden golden(const std::filesystem::path& shared) {
  Golden golden;
  golden.model = pipeline::load_model(shared / "models" / "resnet20-cifar10.onnx");
  data::DatasetOptions options;
  options.preprocess = data::read_preprocess(*data::find_preprocess(golden.model.file));
  golden.samples = pipeline::draw_samples(
      golden.model,
      {.source = shared / "data" / "cifar10-train2000.npz", .dataset = options},
      0,
      0);
  golden.samples.indices.resize(64);  // the first 64 images
  golden.json = nlohmann::json::parse(read_file(shared / "golden" / "orm-resnet20-cifar10.json"));
  return golden;
}

orm::OrthogonalityMatrix measure(Golden& golden, runtime::Precision precision) {
  return measure_orthogonality(golden.model.graph,
                               golden.model.discovery.layers,
                               *golden.samples.dataset,
                               golden.samples.indices,
                               {.batch_size = 64, .executor = {.precision = precision}})
      .matrix;
}

double greatest_difference(const orm::OrthogonalityMatrix& ours, const nlohmann::json& theirs) {
  double greatest = 0;
  for (std::int64_t i = 0; i < ours.layers; ++i) {
    for (std::int64_t j = 0; j < ours.layers; ++j) {
      const double expected =
          theirs.at(static_cast<std::size_t>(i)).at(static_cast<std::size_t>(j));
      greatest = std::max(greatest, std::abs(ours.at(i, j) - expected));
    }
  }
  return greatest;
}

TEST(GoldenOrm, Float32FeaturesGiveThePapersMatrixTo1e4) {
  OMPQ_SHARED_OR_SKIP(shared);
  Golden reference = golden(shared);
  const auto matrix = measure(reference, runtime::Precision::Float32);
  ASSERT_EQ(static_cast<std::size_t>(matrix.layers), reference.json["orm"].size());
  EXPECT_LE(greatest_difference(matrix, reference.json["orm"]), 1e-4);
}

TEST(GoldenOrm, Bfloat16FeaturesStayWithinTheirPrecision) {
  if (!runtime::has_native_bfloat16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  OMPQ_SHARED_OR_SKIP(shared);
  Golden reference = golden(shared);
  const auto matrix = measure(reference, runtime::Precision::BFloat16);
  // bfloat16 rounds to 2^-9; an entry is a ratio of sums of products of two such numbers.
  EXPECT_LE(greatest_difference(matrix, reference.json["orm"]), 4.0 / 512);
}

TEST(GoldenOrm, TheOrderOfSamplesDoesNotMatter) {
  OMPQ_SHARED_OR_SKIP(shared);
  Golden reference = golden(shared);
  std::reverse(reference.samples.indices.begin(), reference.samples.indices.end());
  EXPECT_LE(
      greatest_difference(measure(reference, runtime::Precision::Float32), reference.json["orm"]),
      1e-4);
}

}  // namespace
}  // namespace ompq::search
