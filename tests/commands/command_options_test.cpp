#include "ompq/commands/command_options.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using testing::values_of;
using Texts = std::map<std::string_view, std::vector<std::string>>;

OptionValues quantize_values(Texts more) {
  more.insert({{"MODEL", {"net.onnx"}}, {"output", {"out.onnx"}}, {"data", {"images"}}});
  more.try_emplace("avg-bits", std::vector<std::string>{"3"});
  return values_of("quantize", {.texts = std::move(more)});
}

search::SearchOptions search_of(Texts more) {
  more.insert({{"MODEL", {"net.onnx"}}, {"data", {"images"}}, {"avg-bits", {"3"}}});
  return search_options(values_of("search", {.texts = std::move(more)}), pipeline::small_model());
}

TEST(SearchAllocator, IsThePapersUnderItsSchemeOrSolver) {
  EXPECT_EQ(search_of({}).allocator, "auto");
  EXPECT_EQ(search_of({{"scheme", {"paper-ptq"}}}).allocator, "orm");
  EXPECT_EQ(search_of({{"solver", {"ilp"}}}).allocator, "orm-ilp");
  EXPECT_EQ(search_of({{"scheme", {"paper-qat"}}, {"solver", {"projection"}}}).allocator,
            "projection");
  EXPECT_EQ(search_of({{"scheme", {"paper-ptq"}}, {"allocator", {"uniform"}}}).allocator, "uniform")
      << "what is given wins";
}

TEST(SearchAllocator, RefusesASolverOfAnother) {
  EXPECT_THAT(
      [] {
        (void)search_of({{"solver", {"ilp"}}, {"allocator", {"fisher"}}});
      },
      ThrowsMessage<ConfigError>(
          HasSubstr("--solver ilp goes only with --allocator orm, not with 'fisher'; remove one")));
}

TEST(SearchOptions, TakeTheBatchThatTheNetworkFixes) {
  testing::GraphBuilder b("fixed");
  pipeline::Model model;
  model.graph =
      b.finish({b.gemm("fc", b.input("x", {graph::Dim::fixed(4), graph::Dim::fixed(5)}), 3)});
  const OptionValues values = values_of(
      "search",
      {.texts = {{"MODEL", {"a"}}, {"data", {"b"}}, {"avg-bits", {"3"}}, {"batch", {"10"}}}});
  EXPECT_EQ(search_options(values, model).batch_size % 4, 0);
  EXPECT_EQ(search_options(values, pipeline::small_model()).batch_size, 10);
}

TEST(SearchOptions, ExpectCompensationOnlyIfTheRoundingHasIt) {
  EXPECT_FALSE(search_of({{"for", {"nearest"}}}).compensated);
  EXPECT_TRUE(search_of({{"for", {"gptq"}}}).compensated);
}

TEST(QuantizeOptions, TakeTheMethodOfTheEffortUnlessOneIsGiven) {
  const auto options = [](Texts more) {
    return quantize_options(quantize_values(std::move(more)), pipeline::small_model());
  };
  const auto given = options({{"method", {"nearest"}}, {"effort", {"best"}}});
  EXPECT_EQ(given.method.method, "nearest");
  EXPECT_FALSE(given.search.compensated);
  const auto fast = options({{"effort", {"fast"}}});
  const auto best = options({{"effort", {"best"}}});
  EXPECT_NE(fast.method.method, best.method.method);
  EXPECT_TRUE(best.search.compensated) << "--for auto follows the method";
  EXPECT_FALSE(options({{"effort", {"best"}}, {"for", {"nearest"}}}).search.compensated);
}

TEST(QuantizeOptions, HaveNormalLevelsOnlyInFilesThatCanStoreThem) {
  const auto options = [](Texts more) {
    more.insert({"weight-levels", {"normal"}});
    return quantize_options(quantize_values(std::move(more)), pipeline::small_model());
  };
  EXPECT_EQ(options({}).search.weights.symmetry, quant::Symmetry::Normal);
  EXPECT_EQ(options({}).search.request.symmetry, quant::Symmetry::Normal);
  for (const Texts& qdq : {Texts{{"format", {"qdq"}}}, Texts{{"target", {"qnn"}}}}) {
    EXPECT_THAT([&] { (void)options(qdq); },
                ThrowsMessage<ConfigError>(HasSubstr("normal levels would take 8 bits each")));
  }
}

TEST(QuantizeOptions, HaveNormalLevelsByDefaultWhereTheFileHasTables) {
  for (const ptq::FormatRow& format : ptq::file_formats()) {
    const auto options = quantize_options(quantize_values({{"format", {std::string(format.name)}}}),
                                          pipeline::small_model());
    const auto expected = format.has_tables ? quant::Symmetry::Normal : quant::Symmetry::Asymmetric;
    EXPECT_EQ(options.search.weights.symmetry, expected) << format.name;
    EXPECT_EQ(options.search.request.symmetry, expected) << format.name;
  }
  const auto qnn =
      quantize_options(quantize_values({{"target", {"qnn"}}}), pipeline::small_model());
  EXPECT_EQ(qnn.search.weights.symmetry, quant::Symmetry::Asymmetric);
}

TEST(FileForm, FollowsOutputFormatAndOpset) {
  const pipeline::FileForm form = file_form(
      quantize_values({{"output", {"folder/small.onnx"}}, {"format", {"qdq"}}, {"opset", {"21"}}}));
  EXPECT_EQ(form.name, "small.onnx");
  EXPECT_EQ(form.format, onnx_io::WeightFormat::Qdq);
  EXPECT_EQ(form.opset, 21);
  EXPECT_EQ(file_form(quantize_values({})).opset, std::nullopt);
  EXPECT_THAT(
      [] {
        (void)file_form(quantize_values({{"format", {"c-header"}}, {"opset", {"21"}}}));
      },
      ThrowsMessage<ConfigError>(
          HasSubstr("21 does not apply to --format c-header, which is not an ONNX file")));
}

TEST(CompareOptions, HaveOneLimitPerBudget) {
  const auto options = compare_options(values_of("compare",
                                                 {.texts = {{"MODEL", {"net.onnx"}},
                                                            {"data", {"images"}},
                                                            {"avg-bits", {"2.5,4"}},
                                                            {"size", {"1MiB"}}}}),
                                       pipeline::small_model());
  EXPECT_THAT(options.budgets,
              ElementsAre(allocation::Budget{.average_bits = 2.5},
                          allocation::Budget{.average_bits = 4},
                          allocation::Budget{.bytes = 1 << 20}));
}

TEST(TableOptions, AreTheWidthsOfTheRows) {
  const auto request = table_options(values_of("latency-table",
                                               {.texts = {{"MODEL", {"net.onnx"}},
                                                          {"output", {"t.csv"}},
                                                          {"candidates", {"4,8"}},
                                                          {"act-bits", {"8"}}}}));
  EXPECT_THAT(request.candidates, ElementsAre(4, 8));
}

TEST(EvaluateOptions, KeepOutputsOnlyIfTheyAreWritten) {
  const auto keeps = [](Texts more) {
    more.insert({{"MODEL", {"net.onnx"}}, {"data", {"images"}}});
    return evaluate_options(values_of("eval", {.texts = std::move(more)}), pipeline::small_model())
        .keep_outputs;
  };
  EXPECT_FALSE(keeps({}));
  EXPECT_TRUE(keeps({{"save-outputs", {"outputs.npz"}}}));
}

TEST(DiffOptions, HaveTheThreshold) {
  const auto options = diff_options(values_of(
      "diff", {.texts = {{"A", {"a.onnx"}}, {"B", {"b.onnx"}}, {"data", {"x"}}, {"snr", {"25"}}}}));
  EXPECT_EQ(options.threshold_db, 25);
}

TEST(UnusedBy, NamesGivenOptionsThatTheMethodDoesNotRead) {
  const auto unused = [](const std::string& method,
                         const std::map<std::string_view, std::vector<std::string>>& texts) {
    GivenOptions given{.texts = texts, .flags = {"fisher"}};
    given.texts["MODEL"] = {"net.onnx"};
    given.texts["output"] = {"out.onnx"};
    given.texts["avg-bits"] = {"3"};
    given.texts["data"] = {"images"};
    return unused_by(method, values_of("quantize", given));
  };
  EXPECT_THAT(unused("nearest", {{"iterations", {"20"}}, {"augment", {"none"}}}),
              ElementsAre("--iterations has no effect with --method nearest; it is an option of "
                          "adaround, brecq, qdrop",
                          HasSubstr("--fisher has no effect"),
                          "--augment has no effect with --method nearest; it is an option of "
                          "distill"));
  EXPECT_THAT(unused("brecq", {{"iterations", {"20"}}}), IsEmpty());
  EXPECT_THAT(unused("distill", {{"epochs", {"2"}}}), ElementsAre(HasSubstr("--fisher")));
}

}  // namespace
}  // namespace ompq::commands
