#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "documentation.h"
#include "ompq/allocation/decision_model.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/npz.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "ompq/ptq/added_rows.h"
#include "ompq/search/added_rows.h"
#include "ompq/sensitivity/meter.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

// A new row must be enough: each test adds a row and runs it from the words of the command line to
// the written file. docs/extending.md describes the same rows.

namespace ompq::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// Weights of small_model() by layer, in their order.
const std::vector<std::string>& weight_names() {
  static const std::vector<std::string> names = [] {
    const pipeline::Model model = pipeline::small_model();
    std::vector<std::string> found;
    for (const graph::Layer& layer : model.discovery.layers) {
      found.push_back(model.graph.value(layer.weight).name);
    }
    return found;
  }();
  return names;
}

/// A network and samples on disk, and what a run of the program writes next to them.
class Extension : public ::testing::Test {
 protected:
  Extension() {
    onnx_io::export_onnx(pipeline::small_model().graph, folder_ / "net.onnx");
    constexpr std::int64_t kCount = 24;
    Tensor x(DataType::Float32, {kCount, 3, 8, 8});
    Random random(2);
    for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
    data::write_npz(folder_ / "data.npz", {{"x", x}});
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  /// What the program prints for "ompq WORDS".
  static std::string run(const std::vector<std::string>& words) {
    std::vector<const char*> argv{"ompq"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    const auto asked = app::parse_command_line(static_cast<int>(argv.size()), argv.data());
    const auto& request = std::get<CommandRequest>(asked);
    return run_as_text(request.command, {.options = request.values});
  }

  /// "ompq COMMAND net.onnx --data data.npz --act-bits float MORE".
  std::string run_on_network(const std::string& command,
                             const std::vector<std::string>& more) const {
    std::vector<std::string> words{
        command, path("net.onnx"), "--data", path("data.npz"), "--act-bits", "float"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  /// Widths of the layers' weights as "ompq quantize --format encodings MORE" writes them.
  [[nodiscard]] std::vector<int> written_widths(std::vector<std::string> more) const {
    for (const char* word : {"--format", "encodings", "--method", "nearest", "-o"}) {
      more.emplace_back(word);
    }
    more.push_back(path("small.onnx"));
    run_on_network("quantize", more);
    const auto json = nlohmann::json::parse(read_file(path("small.encodings")));
    std::vector<int> widths;
    for (const std::string& name : weight_names()) {
      widths.push_back(json.at("param_encodings").at(name).at(0).at("bitwidth"));
    }
    return widths;
  }

  testing::TemporaryDirectory folder_;
};

// --- metric --------------------------------------------------------------------------------------

std::size_t favourite_layer = 0;

/// As if one layer mattered and no other.
class Favouritism final : public sensitivity::Meter {
 public:
  explicit Favouritism(const sensitivity::MeterContext& context) : table_(context.squared_change) {
    const std::size_t widths = table_.widths.size();
    for (std::size_t i = 0; i < table_.values.size(); ++i) {
      const double loss = 1.0 / static_cast<double>(i % widths + 1);
      table_.values[i] = i / widths == favourite_layer ? loss : 1e-6 * loss;
    }
  }
  [[nodiscard]] sensitivity::LossTable result() const override { return table_; }

 private:
  sensitivity::LossTable table_;
};

const sensitivity::Metric kFavouritism{
    .name = "favouritism",
    .summary = "one layer",
    .unit = "favours",
    .passes = "none",
    .source = "this test",
    .needs = sensitivity::Needs::Weights,
    .make = [](const sensitivity::MeterContext& context) -> std::unique_ptr<sensitivity::Meter> {
      return std::make_unique<Favouritism>(context);
    }};

TEST_F(Extension, AMetricIsAnAllocatorAndDecidesTheWrittenWidths) {
  const search::ScopedMetric added(kFavouritism);
  for (const std::size_t favourite : {0U, 4U}) {
    favourite_layer = favourite;
    const auto widths = written_widths({"--avg-bits", "3", "--allocator", "favouritism"});
    for (std::size_t l = 0; l < widths.size(); ++l) {
      if (l == favourite) {
        EXPECT_EQ(widths[l], 8) << "layer " << l;
      } else {
        EXPECT_LT(widths[l], 8) << "layer " << l << " with favourite " << favourite;
      }
    }
  }
}

TEST_F(Extension, AMetricRanksTheCurveOfASweep) {
  const search::ScopedMetric added(kFavouritism);
  favourite_layer = 4;
  run_on_network("sweep", {"--metric", "favouritism", "--points", "4", "-o", path("bits.json")});
  const auto bits = nlohmann::json::parse(read_file(path("bits.json")));
  EXPECT_EQ(bits.at("metric"), "favouritism");
}

TEST_F(Extension, ARowIsKnownToTheCommandLineWhileItIsInTheTable) {
  const std::vector<std::string> words{"--avg-bits", "3", "--allocator", "favouritism"};
  const auto refusal = [&] {
    try {
      (void)written_widths(words);
      return std::string();
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
  };
  {
    const search::ScopedMetric added(kFavouritism);
    EXPECT_EQ(refusal(), "");
    EXPECT_THAT(app::command_help(*find_command("search")), HasSubstr("favouritism"));
  }
  EXPECT_THAT(refusal(), HasSubstr("'favouritism' is not one of auto, output-mse"));
  EXPECT_THAT(app::command_help(*find_command("search")), Not(HasSubstr("favouritism")));
}

// --- allocator -----------------------------------------------------------------------------------

/// The least width for each decision, and one more for every second one.
allocation::Allocation alternate(const allocation::AllocationRequest& request) {
  const allocation::DecisionModel model = allocation::make_model(request);
  allocation::DecisionChoice choice;
  for (std::size_t d = 0; d < model.decisions.size(); ++d) choice.push_back(d % 2);
  allocation::Solution solution;
  solution.status = allocation::Status::Rule;
  solution.solver = "alternating";
  solution.costs = allocation::costs_of(model, choice);
  solution.choice = choice;
  return allocation::make_allocation(request, model, choice, std::move(solution));
}

TEST_F(Extension, AnAllocatorDecidesTheWrittenWidths) {
  const search::ScopedAllocator added(
      {.name = "alternating", .summary = "2, 3, 2, 3", .allocate = alternate},
      {.name = "alternate", .summary = "2, 3, 2, 3", .solver = "alternating"});
  EXPECT_THAT(
      written_widths({"--avg-bits", "4", "--candidates", "2,3,8", "--allocator", "alternate"}),
      ElementsAre(2, 3, 2, 3, 2));
}

// --- rounding method -----------------------------------------------------------------------------

rounding::NetworkCodes lowest_codes(const ptq::RoundingRun&, rounding::NetworkCodes codes) {
  for (auto& [name, weight] : codes.weights) std::ranges::fill(weight.codes, std::uint8_t{0});
  return codes;
}

constexpr std::array<std::string_view, 1> kReadsEpochs{"epochs"};
constexpr ptq::RoundingStep kLowest{
    .name = "lowest",
    .run = lowest_codes,
    .passes = [](const ptq::MethodOptions&, const ptq::EffortRow&, std::int64_t) { return 0.0; },
    .reads = kReadsEpochs};

TEST_F(Extension, AMethodMakesTheWrittenCodes) {
  const ptq::ScopedMethod added({.name = "lowest", .steps = {&kLowest}, .samples = {16, 16, 16}});
  run_on_network("quantize",
                 {"--avg-bits",
                  "4",
                  "--allocator",
                  "uniform",
                  "--method",
                  "lowest",
                  "--format",
                  "float",
                  "-o",
                  path("small.onnx")});
  const graph::Graph written = onnx_io::import_onnx(path("small.onnx"));
  int seen = 0;
  for (const graph::Value& value : written.values()) {
    if (std::ranges::find(weight_names(), value.name) == weight_names().end()) continue;
    ++seen;
    // Code 0 of a channel is one number, below zero.
    const auto numbers = value.constant->data<float>();
    const auto channels = static_cast<std::size_t>(value.constant->shape().front());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::size_t first = i / (numbers.size() / channels) * (numbers.size() / channels);
      EXPECT_EQ(numbers[i], numbers[first]) << value.name << " " << i;
      EXPECT_LT(numbers[i], 0) << value.name << " " << i;
    }
  }
  EXPECT_EQ(seen, 5);
}

TEST_F(Extension, AMethodIsOfferedAsTheStartOfTrainingAndForTheSearch) {
  const ptq::ScopedMethod added({.name = "lowest", .steps = {&kLowest}, .samples = {16, 16, 16}});
  data::write_npz(
      folder_ / "labelled.npz",
      {{"x", Tensor(DataType::Float32, {24, 3, 8, 8})}, {"y", Tensor(DataType::Int64, {24})}});
  const std::string trained = run({"finetune",
                                   path("net.onnx"),
                                   "--data",
                                   path("labelled.npz"),
                                   "--avg-bits",
                                   "4",
                                   "--allocator",
                                   "uniform",
                                   "--for",
                                   "lowest",
                                   "--start",
                                   "lowest",
                                   "--epochs",
                                   "1",
                                   "-o",
                                   path("small.onnx")});
  EXPECT_THAT(trained, HasSubstr("lowest"));
}

TEST_F(Extension, AMethodSaysWhichOptionsItReads) {
  const ptq::ScopedMethod added({.name = "lowest", .steps = {&kLowest}, .samples = {16, 16, 16}});
  EXPECT_TRUE(ptq::reads_option(ptq::method_row("lowest"), "epochs"));
  EXPECT_FALSE(ptq::reads_option(ptq::method_row("lowest"), "iterations"));
}

// --- file format ---------------------------------------------------------------------------------

std::vector<ptq::DeliveredFile> list_of_widths(const ptq::NetworkToWrite& network) {
  return {{network.output, fmt::format("{}\n", fmt::join(network.weight_bits, " ")), {}},
          {fs::path(network.output).replace_extension(".notes"), "five layers\n", {}}};
}

const ptq::FormatRow kWidths{.name = "widths",
                             .is_onnx = false,
                             .after_epochs = false,
                             .files = list_of_widths,
                             .companion = "notes",
                             .companion_file = [](const fs::path& output) {
                               return fs::path(output).replace_extension(".notes");
                             }};

TEST_F(Extension, AFormatWritesItsFiles) {
  const ptq::ScopedFormat added(kWidths);
  const std::string printed = run_on_network(
      "quantize",
      {"--avg-bits", "4", "--allocator", "uniform", "--format", "widths", "-o", path("small.txt")});
  EXPECT_EQ(read_file(path("small.txt")), "4 4 4 4 4\n");
  EXPECT_EQ(read_file(path("small.notes")), "five layers\n");
  EXPECT_THAT(printed, HasSubstr("notes        " + path("small.notes")));
}

TEST_F(Extension, AFormatsSecondFileOverwritesNothing) {
  const ptq::ScopedFormat added(kWidths);
  const std::vector<std::string> words{"--avg-bits",
                                       "4",
                                       "--allocator",
                                       "uniform",
                                       "--format",
                                       "widths",
                                       "--result",
                                       path("small.notes"),
                                       "-o",
                                       path("small.txt")};
  try {
    run_on_network("quantize", words);
    FAIL() << "two files with one name";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the notes of --output"));
  }
}

// --- command and option --------------------------------------------------------------------------

constexpr std::array<OptionRecord, 1> kNetwork{{{.name = "MODEL",
                                                 .type = OptionType::Path,
                                                 .value_name = "MODEL",
                                                 .required = true,
                                                 .text = "the network"}}};
constexpr OptionRecord kGreeting{.name = "greeting",
                                 .type = OptionType::Text,
                                 .value_name = "WORD",
                                 .fallback = "hello",
                                 .group = "Output",
                                 .text = "what the file begins with"};
constexpr OptionRecord kLetter{.name = "output",
                               .short_name = 'o',
                               .type = OptionType::Path,
                               .value_name = "FILE",
                               .required = true,
                               .group = "Output",
                               .text = "the file",
                               .writes = true};
constexpr OptionRecord kShape{.name = "input-shape",
                              .type = OptionType::NamedShape,
                              .value_name = "NAME=N,C,H,W",
                              .group = "Model",
                              .text = "shape of an input"};

std::string greet(const Context& context) {
  const OptionValues& options = context.options;
  check_outputs("greet", options);
  const pipeline::Model model = load_model(context);
  const std::string letter =
      fmt::format("{}, {} layers\n", options.text("greeting"), model.discovery.layers.size());
  write_file_atomically(options.text("output"), letter);
  return letter;
}

std::string greet_as_json(const Context& context) {
  return nlohmann::json{{"letter", greet(context)}}.dump();
}

void seal_of_letter(const OptionValues& options, std::vector<NamedFile>& written) {
  written.push_back({"the seal of --output", options.text("output") + ".seal"});
}

ScopedCommand greeting_command() {
  return {{.name = "greet",
           .summary = "greet a network",
           .description = "Counts the layers of MODEL.",
           .operands = kNetwork,
           .options = {kGreeting, kLetter, kShape}},
          {.name = "greet", .json = greet_as_json, .text = greet, .companions = seal_of_letter}};
}

TEST_F(Extension, ACommandRunsWithItsOptions) {
  const ScopedCommand added = greeting_command();
  EXPECT_EQ(run({"greet", path("net.onnx"), "-o", path("letter.txt"), "--greeting", "welcome"}),
            "welcome, 5 layers\n");
  EXPECT_EQ(read_file(path("letter.txt")), "welcome, 5 layers\n");
  run({"greet", path("net.onnx"), "-o", path("letter.txt")});
  EXPECT_EQ(read_file(path("letter.txt")), "hello, 5 layers\n");
  EXPECT_THAT(app::program_help(), HasSubstr("greet a network"));
  EXPECT_THAT(app::command_help(*find_command("greet")), HasSubstr("--greeting WORD"));
}

TEST_F(Extension, ACommandGivesItsResultAsJson) {
  const ScopedCommand added = greeting_command();
  const GivenOptions given{
      .texts = {{"MODEL", {path("net.onnx")}}, {"output", {path("letter.txt")}}}};
  EXPECT_EQ(run_as_json("greet", {.options = read_options(*find_command("greet"), given)}),
            R"({"letter":"hello, 5 layers\n"})");
}

TEST_F(Extension, ACommandsCompanionFilesOverwriteNothing) {
  const ScopedCommand added = greeting_command();
  fs::rename(path("net.onnx"), path("letter.txt.seal"));
  try {
    run({"greet", path("letter.txt.seal"), "-o", path("letter.txt")});
    FAIL() << "the seal would overwrite the network";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the seal of --output"));
  }
}

}  // namespace
}  // namespace ompq::commands
