#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/training_options.h"
#include "ompq/data/named_arrays.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "ompq/ptq/fingerprint.h"
#include "ompq/ptq/quantization_plan.h"
#include "ompq/search/fingerprint.h"
#include "support/paths.h"

// What a run has finished may be used again only by a run that would come to the same. So every
// option of a command that keeps a journal or a checkpoint must show in its fingerprint, from the
// text of the command line on, except for those below.

namespace ompq::commands {
namespace {

/// Gray images and their labels.
const data::NamedArrays& images() {
  static const data::NamedArrays arrays = [] {
    constexpr std::int64_t kCount = 96;
    std::vector<std::uint8_t> pixels(kCount * 28 * 28);
    std::vector<std::int64_t> labels(kCount);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = (i * 131 + i / 97) % 251;
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 10);
    return data::NamedArrays{{"x", Tensor::from<std::uint8_t>({kCount, 28, 28}, pixels)},
                             {"y", Tensor::from<std::int64_t>({kCount}, labels)}};
  }();
  return arrays;
}

/// Options that cannot change what a journal or a checkpoint holds.
const std::set<std::string_view>& harmless() {
  static const std::set<std::string_view> names{
      "json",
      "quiet",
      "verbose",
      "help",  // what is printed
      "threads",
      "memory",
      "cache",  // how fast
      "output",
      "result",
      "csv",
      "journal",  // where
      "log",
      "tensorboard",
      "checkpoint",
      "checkpoint-every",
      "explain",       // reads the finished network
      "eval-command",  // judges it
      "skip-broken"    // which samples are used shows in their indices
  };
  return names;
}

/// Those that cannot for one command alone.
bool is_harmless_for(std::string_view command, std::string_view option) {
  static const std::map<std::string_view, std::set<std::string_view>> names{
      {"quantize", {"limit"}},  // the evaluation comes after the journal
      {"compare", {"avg-bits", "size", "allocators", "random"}},  // they name the journal's units
      {"finetune", {"float"}},  // excludes every budget; tested below
  };
  return names.at(command).contains(option);
}

/// Those that tests/ptq/fingerprint_test.cpp covers: they name files and parts of them.
const std::set<std::string_view>& files() {
  static const std::set<std::string_view> names{
      "data", "eval-data", "allocation", "latency-table", "latency", "preprocess", "from", "split"};
  return names;
}

/// Values other than the default; the last two print alike where the type allows that.
std::vector<std::string> other_values(const OptionRecord& record) {
  const auto alike = [](double value) {
    return std::vector<std::string>{fmt::format("{}", value),
                                    fmt::format("{}", std::nextafter(value, 1e300))};
  };
  switch (record.type) {
    case OptionType::Choice:
    case OptionType::Choices: {
      std::vector<std::string> values;
      for (const std::string_view choice : split_choices(record.choices)) {
        if (choice != record.fallback && choice != "all") values.emplace_back(choice);
      }
      return values;
    }
    case OptionType::Integer: {
      const auto min = static_cast<std::int64_t>(std::max(record.lower, 3.0));
      return {std::to_string(min), std::to_string(min + 1)};
    }
    case OptionType::Number:
    case OptionType::Numbers:
      return alike(std::max(record.lower, std::min(record.upper * 0.7, 0.7)));
    case OptionType::Ratio:
      return alike(std::max(record.lower, 7.7));
    case OptionType::ByteCount:
    case OptionType::ByteCounts:
      return {"1500000", "1500001"};
    case OptionType::Count:
      return {"2G", "2000000001"};
    case OptionType::Duration:
      return {"61s", "61000001us"};
    case OptionType::Globs:
      return {"fc", "conv1"};
    case OptionType::NamedWidths:
      return {"fc=8", "fc=7"};
    case OptionType::Widths:
      return {"4,8", "fc=4,8"};
    case OptionType::NamedShape:
      return {"input=2,1,28,28", "input=4,1,28,28"};
    default:
      return {};
  }
}

GivenOptions basic(const CommandRecord& command) {
  GivenOptions given;
  for (const OptionRecord& record : all_records(command)) {
    if (record.name == "MODEL") {
      given.texts[record.name] = {
          (testing::source_dir() / "models/resnet20-fashion-mnist.onnx").string()};
    }
    if (record.name == "data") given.texts[record.name] = {data::arrays_text(images())};
    if (record.name == "output") given.texts[record.name] = {"out.onnx"};
  }
  given.texts["avg-bits"] = {"4"};
  return given;
}

std::string described(const pipeline::Samples& samples) {
  return fmt::format("{} {}", samples.used.split, fmt::join(samples.indices, ","));
}

/// What decides whether work that is kept may be used.
std::string fingerprint(const CommandRecord& command, const GivenOptions& given) {
  const Context context{.options = read_options(command, given), .arrays = {{"data", images()}}};
  const pipeline::Model model = load_model(context);
  pipeline::Samples samples = calibration_samples(context, model);
  if (command.name == "compare") {
    const pipeline::Samples evaluation = evaluation_samples(context, model, samples);
    return search::fingerprint_of(
        model, samples, evaluation, compare_options(context.options, model));
  }
  if (command.name == "quantize") {
    const pipeline::Samples evaluation = evaluation_samples(context, model, samples);
    const ptq::QuantizeOptions options = quantize_options(context.options, model);
    return ptq::fingerprint_of(
        model, samples, ptq::tuning_samples(samples, evaluation, options), options);
  }
  const pipeline::Samples training = training_samples(context, model);
  const pipeline::Samples evaluation = validation_samples(context, model, samples);
  const qat::FinetuneOptions options = finetune_options(context.options, model, true);
  std::string text = ptq::fingerprint_of(
      model, samples, ptq::tuning_samples(samples, evaluation, options.start), options.start);
  text += described(training) + training.used.preprocess + described(evaluation);
  text += unnamed_choices(options);
  for (const auto& [name, value] : named_choices(options)) text += name + " " + value + "\n";
  return text;
}

class FingerprintCoverage : public ::testing::TestWithParam<std::string> {};

TEST_P(FingerprintCoverage, EveryOptionShowsDownToItsLastDigit) {
  const CommandRecord& command = *find_command(GetParam());
  const std::string base = fingerprint(command, basic(command));
  EXPECT_EQ(fingerprint(command, basic(command)), base) << "the same command goes on";
  int changed = 0;
  for (const OptionRecord& record : all_records(command)) {
    if (harmless().contains(record.name) || files().contains(record.name)) continue;
    if (record.name == "MODEL" || is_harmless_for(command.name, record.name)) continue;
    SCOPED_TRACE(record.name);
    std::set<std::string> seen{base};
    std::vector<GivenOptions> tries;
    if (record.type == OptionType::Flag) {
      tries.push_back(basic(command));
      tries.back().flags.insert(record.name);
    }
    for (const std::string& value : other_values(record)) {
      tries.push_back(basic(command));
      tries.back().texts[record.name] = {value};
    }
    ASSERT_FALSE(tries.empty());
    std::string refusals;
    std::size_t different = 0;
    for (const GivenOptions& given : tries) {
      try {
        different += seen.insert(fingerprint(command, given)).second ? 1 : 0;
      } catch (const Error& error) {
        refusals += std::string(error.what()) + "\n";
      }
    }
    const bool digits = record.type != OptionType::Flag && record.type != OptionType::Choice &&
                        record.type != OptionType::Choices;
    EXPECT_GE(different, digits ? 2U : 1U) << refusals;
    ++changed;
  }
  EXPECT_GT(changed, 15);
}

TEST(FingerprintOfValues, IsOfTheNumberAndNotOfItsText) {
  const auto with = [](const std::string& command, const std::string& option, const char* value) {
    GivenOptions given = basic(*find_command(command));
    given.texts[option] = {value};
    return fingerprint(*find_command(command), given);
  };
  EXPECT_EQ(with("quantize", "avg-bits", "3"), with("quantize", "avg-bits", "3.0"));
  EXPECT_NE(with("quantize", "avg-bits", "3"), with("quantize", "avg-bits", "3.0000000001"));
  EXPECT_NE(with("quantize", "beta", "0.1"), with("quantize", "beta", "0.1000000001"));
  EXPECT_NE(with("compare", "beta", "0.1"), with("compare", "beta", "0.1000000001"));
  EXPECT_EQ(with("compare", "beta", "1.50"), with("compare", "beta", "1.5"));
  EXPECT_NE(with("finetune", "lr", "0.1"), with("finetune", "lr", "0.1000000001"));
  EXPECT_EQ(with("finetune", "lr", "0.001"), with("finetune", "lr", "1e-3"));
  EXPECT_EQ(with("quantize", "time-limit", "60s"), with("quantize", "time-limit", "60000ms"));
}

TEST(FingerprintOfFinetune, TellsTheFloatNetworkFromAQuantizedOne) {
  const CommandRecord& command = *find_command("finetune");
  GivenOptions trained = basic(command);
  trained.texts.erase("avg-bits");
  trained.flags.insert("float");
  EXPECT_NE(fingerprint(command, trained), fingerprint(command, basic(command)));
}

INSTANTIATE_TEST_SUITE_P(Commands,
                         FingerprintCoverage,
                         ::testing::Values("quantize", "compare", "finetune"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace ompq::commands
