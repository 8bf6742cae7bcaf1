#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/option_reader.h"
#include "ompq/commands/training_options.h"
#include "ompq/core/option_binding.h"
#include "ompq/data/preprocess_binding.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/search/option_facts.h"
#include "support/paths.h"

// Every option fills a member of a struct, whose initial value is the option's default.

namespace ompq::commands {
namespace {

template <typename Binder>
void bind_command(std::string_view command, Binder& binder) {
  data::Preprocess preprocess;
  search::SearchOptions searched;
  search::SweepOptions swept;
  search::CompareOptions compared;
  ptq::QuantizeOptions quantized;
  qat::FinetuneOptions finetuned;
  pipeline::EvaluateOptions evaluated;
  diagnosis::DiffOptions differing;
  if (command == "search") bind_options(binder, searched);
  if (command == "sweep") bind_options(binder, swept);
  if (command == "compare") bind_options(binder, compared);
  if (command == "quantize") bind_options(binder, quantized);
  if (command == "finetune") bind_options(binder, finetuned);
  if (command == "eval") bind_evaluation(binder, evaluated);
  if (command == "diff") bind_options(binder, differing);
  if (command == "latency-table") bind_widths(binder, searched.request);
  bind_options(binder, preprocess);
}

/// The names that members are bound to.
struct BoundNames {
  std::set<std::string> names = {};

  template <typename... Member>
  void bind(std::string_view name, const Member&...) {
    names.emplace(name);
  }
  template <typename Member>
  void composed(std::string_view joined, const Member&) {
    for (const std::string_view name : split_choices(joined)) names.emplace(name);
  }
  template <typename Member>
  void unbound(std::string_view, const Member&) {}
};

/// Options that no member holds, and why.
const std::map<std::string_view, std::string_view>& command_level() {
  static const std::map<std::string_view, std::string_view> reasons{
      {"MODEL", "the network itself"},
      {"A", "the network itself"},
      {"B", "the network itself"},
      {"reference", "a network, too"},
      {"input-shape", "the network's inputs"},
      {"memory", "a limit of the process, not of a step"},
      {"data", "which samples are used: their indices are passed on"},
      {"eval-data", "likewise"},
      {"samples", "likewise"},
      {"split", "likewise"},
      {"limit", "likewise"},
      {"train-samples", "likewise"},
      {"skip-broken", "likewise"},
      {"preprocess", "a file; options take the place of its fields"},
      {"result", "a file that the command writes of the result struct"},
      {"csv", "likewise"},
      {"save-outputs", "likewise"},
      {"json", "what the program prints"},
      {"quiet", "likewise"},
      {"verbose", "likewise"},
      {"help", "likewise"},
  };
  return reasons;
}

/// Those of single commands.
bool is_command_level(std::string_view command, std::string_view option) {
  static const std::map<std::string_view, std::set<std::string_view>> names{
      {"search", {"output"}},                                      // written of the result struct
      {"sweep", {"output", "eval-command"}},                       // judges finished files
      {"latency-table", {"output", "seed", "threads", "device"}},  // runs no passes
      {"inspect", {"seed", "threads", "device"}},
      {"eval", {"seed", "eval-command"}},  // takes the first samples
      {"diff", {"seed"}},                  // draws samples
  };
  const auto found = names.find(command);
  return command_level().contains(option) ||
         (found != names.end() && found->second.contains(option));
}

TEST(Bindings, CoverEveryRecordOfEveryCommandThatRunsNetworks) {
  std::set<std::string> names;
  std::set<std::string> records;
  for (const CommandRecord& command : command_table()) {
    for (const OptionRecord& record : all_records(command)) records.emplace(record.name);
    if (!command.runs_networks) continue;
    BoundNames bound;
    bind_command(command.name, bound);
    for (const OptionRecord& record : all_records(command)) {
      EXPECT_NE(bound.names.contains(std::string(record.name)),
                is_command_level(command.name, record.name))
          << command.name << " " << display_name(record);
    }
    names.merge(bound.names);
  }
  for (const std::string& name : names) {
    EXPECT_TRUE(records.contains(name)) << "--" << name << " is bound and is no option";
  }
}

/// The names of the values of each enumeration that an option chooses from.
struct EnumChoices {
  std::map<std::string, std::vector<std::string>> choices = {};

  template <typename T>
  void bind(std::string_view name, const std::optional<T>&) {
    bind(name, T{});
  }
  template <typename T>
  void bind(std::string_view name, const T&) {
    if constexpr (NamedEnum<T>) {
      std::vector<std::string>& names = choices[std::string(name)];
      names.clear();  // other members of the same option have the same ones
      for (const auto& row : enum_names(T{})) names.emplace_back(row.name);
    }
  }
  template <typename T, typename Convert>
  void bind(std::string_view, const T&, const Convert&) {}
  template <typename T>
  void composed(std::string_view, const T&) {}
  template <typename T>
  void unbound(std::string_view, const T&) {}
};

TEST(Bindings, OfEnumerationsOfferTheNamesOfTheirValues) {
  std::set<std::string> seen;
  for (const CommandRecord& command : command_table()) {
    EnumChoices enums;
    bind_command(command.name, enums);
    for (const OptionRecord& record : command.options) {
      const auto names = enums.choices.find(std::string(record.name));
      if (names == enums.choices.end()) continue;
      seen.insert(names->first);
      const auto choices = split_choices(record.choices);
      EXPECT_THAT(names->second,
                  ::testing::UnorderedElementsAreArray(choices.begin(), choices.end()))
          << command.name << " --" << record.name;
    }
  }
  EXPECT_THAT(seen,
              ::testing::IsSupersetOf({"scheme",
                                       "accounting",
                                       "rounding",
                                       "precision",
                                       "act-range",
                                       "weight-levels",
                                       "norms"}));
}

/// What members hold; a path is its text.
struct Held {
  std::vector<std::pair<std::string, std::string>> values = {};

  template <typename T>
  void bind(std::string_view name, const T& member) {
    values.emplace_back(name, search::fact_of(member).dump());
  }
  void bind(std::string_view name, const std::filesystem::path& member) {
    values.emplace_back(name, member.string());
  }
  void bind(std::string_view name, const std::optional<std::filesystem::path>& member) {
    values.emplace_back(name, member ? member->string() : "none");
  }
  template <typename T, typename Convert>
  void bind(std::string_view name, const T& member, const Convert&) {
    bind(name, member);
  }
  template <typename T>
  void composed(std::string_view names, const T& member) {
    bind(names, member);
  }
  void composed(std::string_view names, const std::vector<allocation::Budget>& budgets) {
    values.emplace_back(names, fmt::format("{} budgets", budgets.size()));
  }
  template <typename T>
  void unbound(std::string_view name, const T& member) {
    bind(name, member);
  }
};

template <typename Options>
std::vector<std::pair<std::string, std::string>> held(Options options) {
  Held binder;
  bind_options(binder, options);
  return binder.values;
}

/// Without --output, which has no default.
template <typename Options>
void expect_equal(const Options& command_line, const Options& library) {
  const auto expected = held(command_line);
  const auto values = held(library);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].first == "output") continue;
    EXPECT_EQ(values[i].second, expected[i].second)
        << "--" << values[i].first << ": the first is C++'s default, the second the command line's";
  }
}

OptionValues defaults_of(std::string_view command) {
  OptionValues values = OptionValues::defaults(all_records(*find_command(command)));
  values.set("output", std::string("out.onnx"));
  return values;
}

TEST(Bindings, GiveAStructOfOptionsTheDefaultsOfTheCommandLine) {
  const pipeline::Model model =
      pipeline::load_model(testing::source_dir() / "models/resnet20-fashion-mnist.onnx");
  expect_equal(search_options(defaults_of("search"), model), search::SearchOptions{});
  expect_equal(sweep_options(defaults_of("sweep"), model), search::SweepOptions{});
  expect_equal(quantize_options(defaults_of("quantize"), model), ptq::QuantizeOptions{});
  expect_equal(finetune_options(defaults_of("finetune"), model, true), qat::FinetuneOptions{});
  const auto plain = [](std::string_view command) {
    return OptionValues::defaults(all_records(*find_command(command)));
  };
  expect_equal(compare_options(plain("compare"), model), search::CompareOptions{});
  expect_equal(evaluate_options(plain("eval"), model), pipeline::EvaluateOptions{});
  expect_equal(diff_options(plain("diff")), diagnosis::DiffOptions{});
  EXPECT_EQ(evaluate_options(plain("eval"), model).executor.precision,
            pipeline::EvaluateOptions{}.executor.precision);
  const search::RequestOptions table = table_options(plain("latency-table"));
  EXPECT_EQ(table.candidates, search::RequestOptions{}.candidates);
  EXPECT_EQ(table.activation_candidates, search::RequestOptions{}.activation_candidates);
}

TEST(Bindings, ConvertWhatIsGiven) {
  const CommandRecord& command = *find_command("quantize");
  const GivenOptions given{.texts = {{"MODEL", {"net.onnx"}},
                                     {"data", {"images"}},
                                     {"output", {"out.onnx"}},
                                     {"avg-bits", {"3"}},
                                     {"candidates", {"2,4", "fc=8"}},
                                     {"pin", {"conv1=6"}},
                                     {"act-bits", {"8,4"}},
                                     {"time-limit", {"1500ms"}},
                                     {"effort", {"best"}},
                                     {"prepare", {"equalize,norm-reestimation"}},
                                     {"beside", {"none"}},
                                     {"accounting", {"paper"}},
                                     {"opset", {"21"}}},
                           .flags = {"fisher"}};
  const auto read = read_bound<ptq::QuantizeOptions>(read_options(command, given));
  const search::RequestOptions& request = read.search.request;
  EXPECT_EQ(request.budget, allocation::Budget{.average_bits = 3});
  EXPECT_THAT(request.candidates, ::testing::ElementsAre(2, 4));
  EXPECT_THAT(request.choices.candidates.at("fc"), ::testing::ElementsAre(8));
  EXPECT_EQ(request.choices.pins.at("conv1"), 6);
  EXPECT_THAT(request.activation_candidates, ::testing::ElementsAre(4, 8));
  EXPECT_EQ(request.accounting, allocation::Accounting::Paper);
  EXPECT_EQ(read.search.automatic.time_limit_seconds, 1.5);
  EXPECT_THAT(read.search.beside, ::testing::IsEmpty());
  EXPECT_EQ(read.search.form.opset, 21);
  EXPECT_EQ(read.method.effort, ptq::Effort::Best);
  EXPECT_TRUE(read.method.prepare.equalize && read.method.prepare.reestimate_norms);
  EXPECT_FALSE(read.method.prepare.correct_bias || read.method.prepare.analytic_bias);
  EXPECT_EQ(read.method.weight, reconstruction::ErrorWeight::Fisher);
}

}  // namespace
}  // namespace ompq::commands
