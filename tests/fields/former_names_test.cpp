#include "ompq/fields/former_names.h"

#include <string>

#include <gtest/gtest.h>

#include "fields/whole.h"
#include "ompq/fields/read.h"

namespace ompq::fields {
namespace {

using testing::changed;
using testing::kFull;
using testing::kSource;
using testing::Whole;

/// The text after renaming.
std::string renamed(const std::string& text) {
  Schema schema;
  const Type type = schema.add<Whole>();
  Json document = parse(text, kSource);
  rename_former(document, schema, type);
  return document.dump();
}

TEST(RenameFormer, GivesFieldsTheirCurrentNames) {
  EXPECT_EQ(renamed(changed(R"("name":"a")", R"("title":"a")")), kFull);
  EXPECT_EQ(renamed(kFull), kFull);
}

TEST(RenameFormer, LeavesUnknownFieldsAndOtherTypesUnchanged) {
  EXPECT_EQ(renamed(R"({"title":1,"parts":[3,{"title":[]}]})"),
            R"({"title":1,"parts":[3,{"name":[]}]})");
  EXPECT_EQ(renamed(R"([{"title":1}])"), R"([{"title":1}])");
  EXPECT_EQ(renamed(R"({"parts":{"title":1}})"), R"({"parts":{"title":1}})");
}

TEST(RenameFormer, KeepsTheOrderAndPrefersTheCurrentName) {
  EXPECT_EQ(renamed(R"({"parts":[{"b":0,"title":"x","share":1}]})"),
            R"({"parts":[{"b":0,"name":"x","share":1}]})");
  EXPECT_EQ(renamed(R"({"parts":[{"title":"old","name":"new"}]})"),
            R"({"parts":[{"title":"old","name":"new"}]})");
}

}  // namespace
}  // namespace ompq::fields
