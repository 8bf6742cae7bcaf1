#include "ompq/data/input_spec.h"

#include <gtest/gtest.h>

namespace ompq::data {
namespace {

using Extents = std::vector<std::int64_t>;

TEST(ExtentsText, SeparatesExtentsByAnX) {
  EXPECT_EQ(extents_text(Extents{3, 224, 192}), "3x224x192");
  EXPECT_EQ(extents_text(Extents{7}), "7");
}

TEST(ExtentsText, HasAQuestionMarkForAnOpenExtent) {
  EXPECT_EQ(extents_text(Extents{3, -1, 0}), "3x?x?");
}

TEST(ExtentsText, NamesAScalar) { EXPECT_EQ(extents_text(Extents{}), "scalar"); }

TEST(InputSpec, HasTheBatchFirstAndFloatsUnlessToldOtherwise) {
  const InputSpec spec{"input", {3}};
  EXPECT_EQ(spec.type, DataType::Float32);
  EXPECT_EQ(spec.batch_axis, 0U);
}

}  // namespace
}  // namespace ompq::data
