#include "ompq/orm/gram_kernels.h"

#include <cstddef>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "orm/reference_gram.h"

namespace ompq::orm {
namespace {

using testing::random_feature;
using testing::Reference;
using testing::reference_gram;

TEST(GramKernels, AllAgreeWithTheDefinition) {
  constexpr std::int64_t kCols = 4 * GramKernel::kColumnStep;
  std::vector<float> feature = random_feature(8, kCols, 6);
  std::vector<std::uint16_t> narrow;
  for (float& value : feature) {
    narrow.push_back(float_to_bfloat16(value));
    value = bfloat16_to_float(narrow.back());
  }
  const std::vector<double> wide(feature.begin(), feature.end());
  const Reference expected = reference_gram(feature, 8, kCols);
  int tried = 0;
  for (const GramKernel& kernel : gram_kernels()) {
    if (!kernel.supported()) continue;
    ++tried;
    const std::byte* bytes =
        kernel.type == DataType::Float64    ? reinterpret_cast<const std::byte*>(wide.data())
        : kernel.type == DataType::BFloat16 ? reinterpret_cast<const std::byte*>(narrow.data())
                                            : reinterpret_cast<const std::byte*>(feature.data());
    const auto row_bytes = static_cast<std::size_t>(kCols) * size_of(kernel.type);
    std::vector<const void*> rows;
    for (std::size_t r = 0; r < 8; ++r) rows.push_back(bytes + r * row_bytes);
    std::vector<double> tile(16);
    kernel.dot_tile(rows.data(), rows.data() + 4, kCols, tile.data());
    for (int r = 0; r < kernel.tile_rows; ++r) {
      for (int c = 0; c < kernel.tile_cols; ++c) {
        const auto entry = static_cast<std::size_t>(r * 8 + 4 + c);
        ASSERT_NEAR(tile[static_cast<std::size_t>(r * kernel.tile_cols + c)],
                    expected.gram[entry],
                    0x1p-24 * 64 * expected.magnitude[entry])
            << kernel.name << " for " << name_of(kernel.type) << " at " << r << ", " << c;
      }
    }
  }
  EXPECT_GE(tried, 3) << "the portable kernel of every type runs everywhere";
}

TEST(GramKernels, FitTheTileAndTheColumnsThatGramGivesThem) {
  for (const GramKernel& kernel : gram_kernels()) {
    EXPECT_GE(kernel.tile_cols, 1) << kernel.name;
    EXPECT_EQ(kernel.tile_rows % kernel.tile_cols, 0) << kernel.name;
    EXPECT_LE(kernel.tile_rows, GramKernel::kMaxTile) << kernel.name;
  }
}

TEST(GramKernels, EndWithAPortableOneForEachType) {
  std::set<DataType> seen;
  const auto kernels = gram_kernels();
  for (auto kernel = kernels.rbegin(); kernel != kernels.rend(); ++kernel) {
    const bool last_of_its_type = seen.insert(kernel->type).second;
    EXPECT_EQ(last_of_its_type, kernel->name == "portable") << kernel->name;
  }
  EXPECT_EQ(seen, (std::set{DataType::Float32, DataType::BFloat16, DataType::Float64}));
}

TEST(BestGramKernel, IsTheFirstThatThisProcessorCanRun) {
  for (const DataType type : {DataType::Float32, DataType::BFloat16, DataType::Float64}) {
    const GramKernel& best = best_gram_kernel(type);
    EXPECT_EQ(best.type, type);
    EXPECT_TRUE(best.supported());
    for (const GramKernel& kernel : gram_kernels()) {
      if (&kernel == &best) break;
      EXPECT_FALSE(kernel.type == type && kernel.supported()) << kernel.name << " comes before";
    }
  }
}

TEST(BestGramKernel, NamesATypeWithoutOne) {
  try {
    (void)best_gram_kernel(DataType::Float16);
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("type float16 has no Gram kernel"));
  }
}

}  // namespace
}  // namespace ompq::orm
