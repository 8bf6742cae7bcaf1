/// docs/operators.md says what the table says.
#include <fstream>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "ompq/graph/operator_traits.h"
#include "ompq/ops/operator.h"
#include "support/paths.h"

namespace ompq::ops {
namespace {

/// Words with a capital, which operators' names are, of the section under a heading.
std::set<std::string> names_in(const std::string& heading) {
  std::ifstream file(testing::source_dir() / "docs" / "operators.md");
  std::set<std::string> names;
  bool inside = false;
  const std::regex name("[A-Z][A-Za-z0-9]+");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## " + heading;
    if (!inside || !line.starts_with("|")) continue;
    for (std::sregex_iterator at(line.begin(), line.end(), name), end; at != end; ++at) {
      names.insert(at->str());
    }
  }
  return names;
}

TEST(OperatorsDocument, NamesEveryRowOfTheTable) {
  const std::set<std::string> named = names_in("Operators that run");
  for (const Operator& row : operator_table()) {
    if (row.domain == "ompq") continue;  // of our own passes
    EXPECT_TRUE(named.contains(std::string(row.type))) << row.type << " is missing";
  }
  for (const std::string& name : named) {
    if (name == "ONNX") continue;
    const bool known =
        find_operator("", name) != nullptr || find_operator(kMicrosoft, name) != nullptr;
    EXPECT_TRUE(known) << name << " has no row";
  }
}

/// Rows of the traits that are not operators between layers of a network.
const std::set<std::string> kInternal{
    "QuantizeLinear", "DequantizeLinear", "Identity", "Max", "Shape"};

TEST(OperatorsDocument, NamesEveryOperatorWithAnIntegerForm) {
  const std::set<std::string> named = names_in("Operators on integer kernels");
  for (const graph::OperatorTraits& row : graph::operator_traits().rows()) {
    if (row.integer == graph::IntegerForm::Float || kInternal.contains(std::string(row.type))) {
      continue;
    }
    EXPECT_TRUE(named.contains(std::string(row.type))) << row.type << " is missing";
  }
}

/// Where the document gives a way out, so does the message.
TEST(OperatorsDocument, GivesAWayOutForEveryOperatorThatIsRefused) {
  int refused = 0;
  for (const std::string& name : names_in("What is refused")) {
    if (name == "ONNX" || find_operator("", name) != nullptr) continue;
    ++refused;
    EXPECT_EQ(reason_without_row("", name).find("not known"), std::string::npos) << name;
  }
  EXPECT_GT(refused, 40);
}

}  // namespace
}  // namespace ompq::ops
