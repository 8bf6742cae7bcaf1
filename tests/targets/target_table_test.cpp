#include "ompq/targets/target_table.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/targets/rule_check.h"
#include "support/paths.h"

namespace ompq::targets {
namespace {

TEST(Targets, AreFoundByName) {
  EXPECT_FALSE(target("exact").integer_kernels);
  EXPECT_TRUE(target("onnxruntime").integer_kernels);
  EXPECT_EQ(target(kDefaultTarget).name, kDefaultTarget);
}

TEST(Targets, AnUnknownNameIsRefusedWithTheNearestOne) {
  try {
    (void)target("onnxruntim");
    FAIL() << "an unknown target was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("--target"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean 'onnxruntime'"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("exact"));
  }
}

/// The largest absolute value of a level with `bits` bits, as the target quantizes it.
int largest_level(const TargetRow& row, int bits) {
  const int levels = 1 << bits;
  return row.needs_symmetric(BitWidth(bits)) ? levels / 2 : levels - 1;
}

TEST(Targets, HoldLevelsOfSupportedWidthsBelowTheirLimit) {
  for (const TargetRow& row : target_table().rows()) {
    if (!row.integer_kernels) continue;
    for (int bits = 1; bits <= 8; ++bits) {
      if (!row.supports(BitWidth(bits))) continue;
      EXPECT_LE(largest_level(row, bits), row.largest_level) << row.name << ", " << bits;
    }
  }
}

TEST(Targets, WithoutVnniHaveAtMostSevenBits) {
  const TargetRow& avx2 = target("onnxruntime-avx2");
  EXPECT_EQ(avx2.largest_level, 64) << "two products with 255 fit 16 bits: 2 x 255 x 64 = 32,640";
  EXPECT_TRUE(avx2.supports(BitWidth(7)));
  EXPECT_TRUE(avx2.needs_symmetric(BitWidth(7)));
  EXPECT_FALSE(avx2.needs_symmetric(BitWidth(6)));
  EXPECT_FALSE(avx2.supports(BitWidth(8)));
  EXPECT_TRUE(target("onnxruntime").supports(BitWidth(8)));
  EXPECT_TRUE(target("exact").supports(BitWidth(8)));
}

TEST(Targets, WithOwnOperatorsKnowWhichHaveOneQuantizer) {
  using enum graph::IntegerForm;
  const TargetRow& litert = target("litert");
  EXPECT_EQ(litert.form_of({.op_type = "Conv"}), Product);
  EXPECT_EQ(litert.form_of({.op_type = "Concat"}), PassesCodes);
  EXPECT_EQ(litert.form_of({.op_type = "Add"}), Requantizes);
  EXPECT_EQ(litert.form_of({.op_type = "Erf"}), Float);
  EXPECT_EQ(target("onnxruntime").form_of({.op_type = "Concat"}), Requantizes);
  EXPECT_EQ(litert.form_of({.op_type = "Concat", .domain = "other"}), Float);
}

TEST(Targets, SayWhichResultsHaveAPrescribedQuantizer) {
  const TargetRow& litert = target("litert");
  const FixedQuantizer* sigmoid = litert.fixed_quantizer({.op_type = "Sigmoid"});
  ASSERT_NE(sigmoid, nullptr);
  EXPECT_EQ(sigmoid->scale, 1.0F / 256);
  EXPECT_EQ(litert.fixed_quantizer({.op_type = "Add"}), nullptr);
  EXPECT_EQ(target("qnn").fixed_quantizer({.op_type = "Sigmoid"}), nullptr);
}

TEST(Targets, NameOperatorsOnceAndSharedOnesAreAmongThem) {
  for (const TargetRow& row : target_table().rows()) {
    const std::set<std::string_view> all(row.operators.begin(), row.operators.end());
    EXPECT_EQ(all.size(), row.operators.size()) << row.name;
    for (const std::string_view name : row.shared) EXPECT_TRUE(all.contains(name)) << name;
    for (const FixedQuantizer& fixed : row.fixed) EXPECT_TRUE(all.contains(fixed.op_type));
  }
}

/// The cells of the rows of docs/targets.md that begin with "| `name` |".
std::vector<std::vector<std::string>> documented(std::string_view name) {
  std::ifstream in(testing::source_dir() / "docs/targets.md");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `" + std::string(name) + "` |")) continue;
    std::istringstream rest(line.substr(1));
    auto& cells = rows.emplace_back();
    for (std::string cell; std::getline(rest, cell, '|');) {
      const std::size_t first = cell.find_first_not_of(' ');
      const std::size_t last = cell.find_last_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
    }
  }
  return rows;
}

TEST(TargetDocs, HaveTheOpsetsAndFormatsOfTheTable) {
  for (const TargetRow& row : target_table().rows()) {
    const auto rows = documented(row.name);
    ASSERT_FALSE(rows.empty()) << row.name << " is not in docs/targets.md";
    const auto& cells = rows.front();
    ASSERT_EQ(cells.size(), 9U) << row.name;
    EXPECT_EQ(cells[8],
              std::to_string(row.least_opset) + " to " + std::to_string(row.largest_opset));
    EXPECT_EQ(cells[7],
              !row.reads_packed ? "qdq"
              : row.plain       ? "qdq, packed, float"
                                : "packed, qdq, float")
        << row.name;
    const bool is_integer = row.integer_kernels && row.bias == BiasForm::Int32;
    EXPECT_EQ(cells[3], is_integer ? "int32" : "float32") << row.name;
  }
}

TEST(TargetDocs, HaveTheOperatorsOfTheTable) {
  for (const TargetRow& row : target_table().rows()) {
    if (row.operators.empty()) continue;
    std::set<std::string> expected(row.operators.begin(), row.operators.end());
    for (const char* layer : {"Conv", "Gemm", "MatMul"}) EXPECT_EQ(expected.erase(layer), 1U);
    std::set<std::string> listed;
    std::istringstream names(documented(row.name).at(1).at(1));
    for (std::string name; std::getline(names >> std::ws, name, ',');) listed.insert(name);
    EXPECT_EQ(listed, expected) << row.name;
  }
}

TEST(TargetDocs, HaveEveryRule) {
  std::ifstream in(testing::source_dir() / "docs/targets.md");
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  for (const Rule& rule : target_rules()) {
    EXPECT_TRUE(
        lines.contains("| " + std::string(rule.name) + " | " + std::string(rule.text) + " |"))
        << rule.name;
  }
}

TEST(ActivationWidths, OfKernelsWithoutClipsAreEight) {
  EXPECT_NO_THROW(require_activation_widths(target("onnxruntime"), {2, 8, 32}, "--act-bits"));
  EXPECT_NO_THROW(require_activation_widths(target("qnn"), {8, 32}, "--act-bits"));
  EXPECT_NO_THROW(require_activation_widths(target("weights"), {32}, "--act-bits"));
  EXPECT_THROW(require_activation_widths(target("qnn"), {8, 7}, "--act-bits"), ConfigError);
  EXPECT_THROW(require_activation_widths(target("weights"), {8}, "--act-bits"), ConfigError);
}

TEST(Opsets, AreLimitedByTheTarget) {
  EXPECT_NO_THROW(require_opset(target("tensorrt"), 24));
  EXPECT_THROW(require_opset(target("tensorrt"), 25), ConfigError);
  EXPECT_THROW(require_opset(target("tensorrt"), 12), ConfigError);
}

TEST(SupportedWidths, AreThoseThatKernelsSupport) {
  const TargetRow& avx2 = target("onnxruntime-avx2");
  EXPECT_EQ(supported_widths(avx2, {4, 8, 32}, "layer 'a'"), (std::vector<int>{4, 32}));
  EXPECT_EQ(supported_widths(target("exact"), {4, 8}, "layer 'a'"), (std::vector<int>{4, 8}));
}

TEST(SupportedWidths, AnErrorNamesTheLayerAndTheTarget) {
  try {
    (void)supported_widths(target("onnxruntime-avx2"), {8}, "layer 'head'");
    FAIL() << "8 bits were accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("layer 'head' has 8 bits"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("onnxruntime-avx2"));
  }
}

}  // namespace
}  // namespace ompq::targets
