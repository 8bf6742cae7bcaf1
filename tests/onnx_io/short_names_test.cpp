#include "ompq/onnx_io/short_names.h"

#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

/// `count` names; fails if two are equal or one is taken.
std::set<std::string> fresh_names(ShortNames names,
                                  std::size_t count,
                                  const std::set<std::string>& taken) {
  std::set<std::string> made;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = names.fresh();
    EXPECT_TRUE(made.insert(name).second) << name << " is given twice";
    EXPECT_FALSE(taken.contains(name)) << name;
  }
  return made;
}

std::set<std::size_t> lengths_of(const std::set<std::string>& names) {
  std::set<std::size_t> lengths;
  for (const std::string& name : names) lengths.insert(name.size());
  return lengths;
}

using Lengths = std::set<std::size_t>;

TEST(ShortNames, HaveTheLeastLengthThatIsEnough) {
  // 62 letters and digits.
  EXPECT_EQ(lengths_of(fresh_names(ShortNames({}, 62), 62, {})), Lengths{1});
  EXPECT_EQ(lengths_of(fresh_names(ShortNames({}, 63), 63, {})), Lengths{2});
  EXPECT_EQ(lengths_of(fresh_names(ShortNames({}, 62 * 62), 62 * 62, {})), Lengths{2});
  EXPECT_EQ(lengths_of(fresh_names(ShortNames({}, 62 * 62 + 1), 100, {})), Lengths{3});
}

TEST(ShortNames, AvoidTakenOnes) {
  const std::set<std::string> taken{"0", "7", "Z", "weight"};
  EXPECT_EQ(lengths_of(fresh_names(ShortNames(taken, 58), 58, taken)), Lengths{1});
  EXPECT_EQ(lengths_of(fresh_names(ShortNames(taken, 59), 59, taken)), Lengths{2});
}

TEST(ShortNames, AreTheSameEveryTime) {
  EXPECT_EQ(fresh_names(ShortNames({}, 9), 9, {}), fresh_names(ShortNames({}, 9), 9, {}));
}

}  // namespace
}  // namespace ompq::onnx_io
