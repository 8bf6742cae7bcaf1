#include "ompq/search/option_facts.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/option_binding.h"
#include "support/paths.h"

namespace ompq::search {
namespace {

using ::testing::ElementsAre;

enum class Finish { Matt, Glossy };
constexpr auto enum_names(Finish) {
  return std::to_array<EnumName<Finish>>({{Finish::Matt, "matt"}, {Finish::Glossy, "glossy"}});
}

/// Options of every kind of type, one of which has no effect on results.
struct PaintOptions {
  std::int64_t coats = 2;
  double thickness = 0.1;
  bool washable = false;
  Finish finish = Finish::Matt;
  std::optional<double> gloss;
  std::vector<int> colors{3, 5};
  int threads = 1;
};

template <typename Binder>
void bind_options(Binder& binder, PaintOptions& options) {
  binder.bind("coats", options.coats);
  binder.bind("thickness", options.thickness);
  binder.bind("washable", options.washable);
  binder.composed("finish|sheen", options.finish);
  binder.unbound("gloss", options.gloss);
  binder.bind("colors", options.colors);
  binder.bind("threads", options.threads);
}

std::vector<OptionFact> facts_of(PaintOptions options) {
  FactBinder binder;
  bind_options(binder, options);
  return binder.facts();
}

TEST(HasEffect, IsFalseForOptionsThatOnlyChangeTheSpeedOrThePlace) {
  for (const char* option : {"threads", "memory", "cache", "output", "checkpoint", "log"}) {
    EXPECT_FALSE(has_effect(option)) << option;
  }
  for (const char* option : {"seed", "size", "method", "precision", "batch"}) {
    EXPECT_TRUE(has_effect(option)) << option;
  }
}

TEST(FactBinder, ListsOptionsInOrderWithoutThoseThatHaveNoEffect) {
  std::vector<std::string> names;
  std::vector<std::string> texts;
  std::vector<std::string> unbound;
  for (const OptionFact& fact : facts_of({})) {
    names.push_back(fact.name);
    texts.push_back(text_of(fact));
    if (!fact.bound) unbound.push_back(fact.name);
  }
  EXPECT_THAT(names,
              ElementsAre("coats", "thickness", "washable", "finish|sheen", "gloss", "colors"));
  EXPECT_THAT(texts, ElementsAre("2", "0.1", "no", "matt", "none", "[3,5]"));
  EXPECT_THAT(unbound, ElementsAre("gloss"));
}

TEST(OptionFacts, DifferForEveryOptionThatHasAnEffect) {
  const std::string before = option_facts(PaintOptions{}).dump();
  const auto changed = [](auto PaintOptions::*member, const auto& value) {
    PaintOptions options;
    options.*member = value;
    return option_facts(options).dump();
  };
  EXPECT_NE(changed(&PaintOptions::coats, 3), before);
  EXPECT_NE(changed(&PaintOptions::thickness, std::nextafter(0.1, 1.0)), before) << "all digits";
  EXPECT_NE(changed(&PaintOptions::washable, true), before);
  EXPECT_NE(changed(&PaintOptions::finish, Finish::Glossy), before);
  EXPECT_NE(changed(&PaintOptions::gloss, 0.0), before) << "not the same as no value";
  EXPECT_NE(changed(&PaintOptions::colors, std::vector<int>{35}), before);
  EXPECT_EQ(changed(&PaintOptions::threads, 8), before);
}

TEST(FactOf, AFileIsItsContent) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "a", "abc");
  write_file_atomically(folder / "b", "abc");
  write_file_atomically(folder / "c", "abd");
  const auto fact = [&](const char* name) { return fact_of(std::filesystem::path(folder / name)); };
  EXPECT_EQ(fact("a"), fact("b"));
  EXPECT_NE(fact("a"), fact("c"));
  // The example of FIPS 180-4.
  EXPECT_EQ(fact("a"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TextOf, IsPlainText) {
  EXPECT_EQ(text_of({"flag", true, true}), "yes");
  EXPECT_EQ(text_of({"name", true, "orm"}), "orm");
  EXPECT_EQ(text_of({"rate", true, 5e-4}), "0.0005");
  EXPECT_EQ(text_of({"none", true, nullptr}), "none");
}

}  // namespace
}  // namespace ompq::search
