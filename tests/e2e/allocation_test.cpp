#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "e2e/running_program.h"
#include "ompq/core/atomic_file.h"
#include "ompq/data/preprocess_file.h"

// Deciding bits as a user does: by hand, by comparison, along the curve, and over a kill.

namespace ompq::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

class Allocating : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] json read(const std::string& name) const {
    return json::parse(read_file(path(name)));
  }
  /// `ompq search` with 8 samples and nothing next to the chosen allocator.
  ProgramResult search(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "--samples", "8", "--beside", "none", "-o", path("bits.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ompq(on_fashion_mnist("search", shipped_model(), arguments));
  }
  std::map<std::string, json> widths() {
    std::map<std::string, json> by_name;
    const json bits = read("bits.json");
    for (const json& layer : bits.at("layers")) {
      by_name[layer.at("name")] = layer.at("weight_bits");
    }
    return by_name;
  }
  /// Names of all layers of the shipped network, in order.
  std::vector<std::string> layers() {
    const auto shown = ompq({"inspect", shipped_model(), "--json", "--quiet"});
    std::vector<std::string> names;
    const json document = json::parse(shown.output);
    for (const json& layer : document.at("layers")) names.push_back(layer.at("name"));
    return names;
  }

  TemporaryDirectory folder_;
};

TEST_F(Allocating, WhatIsSettledByHandStandsInTheAllocation) {
  const auto names = layers();
  const auto found = search({"--avg-bits",
                             "4",
                             "--allocator",
                             "size-only",
                             "--pin",
                             names[3] + "=7",
                             "--candidates",
                             names[5] + "=2,5",
                             "--exclude",
                             names.back(),
                             "--json"});
  ASSERT_EQ(found.status, 0) << found.error;
  auto bits = widths();
  EXPECT_EQ(bits[names[3]], 7);
  EXPECT_THAT((std::vector<int>{2, 5}), ::testing::Contains(bits[names[5]].get<int>()));
  EXPECT_EQ(bits[names.back()], "float");

  // The file is what bits.json says: an excluded layer's weights are there as they were.
  const auto made = ompq(on_fashion_mnist("quantize",
                                          shipped_model(),
                                          {"--samples",
                                           "8",
                                           "--allocation",
                                           path("bits.json"),
                                           "-o",
                                           path("out.onnx"),
                                           "--limit",
                                           "64",
                                           "--json"}));
  ASSERT_EQ(made.status, 0) << made.error;
  const json result = json::parse(made.output);
  EXPECT_EQ(result.at("activation_bits"), "8, float");
  EXPECT_EQ(result.at("bytes_on_disk"), fs::file_size(path("out.onnx")));
  EXPECT_EQ(result.at("bytes_on_disk"), result.at("bytes_promised"));
  EXPECT_EQ(data::to_json(data::read_preprocess(path("out.preprocess.json"))),
            data::to_json(data::read_preprocess(data::preprocess_file(shipped_model()))));
  const json searched = json::parse(found.output);
  EXPECT_EQ(result.at("networks").at(0).at("gbops"), searched.at("allocations").at(0).at("gbops"));
}

TEST_F(Allocating, FirstAndLastLayerMayHaveTheirOwnWidth) {
  const auto names = layers();
  ASSERT_EQ(search({"--avg-bits", "3", "--allocator", "size-only", "--first-last", "8"}).status, 0);
  auto bits = widths();
  EXPECT_EQ(bits[names.front()], 8);
  EXPECT_EQ(bits[names.back()], 8);
}

TEST_F(Allocating, ImagesKeepTheirBitsWhereActivationsGetFewer) {
  const auto widths_of_inputs = [&](std::vector<std::string> options) {
    options.insert(options.end(), {"--avg-bits", "3", "--allocator", "size-only"});
    EXPECT_EQ(search(options).status, 0);
    std::vector<int> bits;
    const json file = read("bits.json");
    for (const json& layer : file.at("layers")) bits.push_back(layer.at("activation_bits"));
    return bits;
  };
  const auto kept = widths_of_inputs({"--act-bits", "4"});
  EXPECT_EQ(kept.front(), 8);
  EXPECT_THAT(std::vector<int>(kept.begin() + 1, kept.end()), Each(4));
  EXPECT_THAT(widths_of_inputs({"--act-bits", "4", "--input-bits", "4"}), Each(4));
}

TEST_F(Allocating, AWrongNameComesWithTheNearestRealOne) {
  const std::string real = layers()[4];
  const std::string wrong = real + "x";
  for (const auto& option : std::vector<std::vector<std::string>>{
           {"--pin", wrong + "=8"}, {"--candidates", wrong + "=4,8"}, {"--exclude", wrong}}) {
    std::vector<std::string> arguments{"--avg-bits", "3", "--allocator", "uniform"};
    arguments.insert(arguments.end(), option.begin(), option.end());
    const auto refused = search(arguments);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.error, AllOf(HasSubstr(wrong), HasSubstr("did you mean '" + real + "'?")));
    EXPECT_FALSE(fs::exists(path("bits.json")));
  }
}

TEST_F(Allocating, ALatencyBudgetGoesByTheFilledTable) {
  const auto made = ompq({"latency-table",
                          shipped_model(),
                          "--candidates",
                          "2,4,8",
                          "-o",
                          path("table.csv"),
                          "--quiet"});
  ASSERT_EQ(made.status, 0) << made.error;
  const auto empty = search({"--candidates",
                             "2,4,8",
                             "--allocator",
                             "size-only",
                             "--latency",
                             "1ms",
                             "--latency-table",
                             path("table.csv")});
  EXPECT_EQ(empty.status, 3) << "an empty table is no measurement";
  EXPECT_THAT(empty.error, HasSubstr("table.csv"));

  // As if each bit took 5 microseconds.
  const std::string csv = read_file(path("table.csv"));
  std::ofstream filled(path("table.csv"));
  std::size_t rows = 0;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = csv.find('\n', at);
    std::string line = csv.substr(at, end - at);
    if (line.ends_with(",8,")) {
      const std::size_t comma = line.rfind(",8,");
      line += std::to_string(5 * (line[comma - 1] - '0'));
      ++rows;
    }
    filled << line << "\n";
    at = end + 1;
  }
  filled.close();
  ASSERT_EQ(rows, 3 * layers().size());
  const double limit = 5.0 * 4 * static_cast<double>(layers().size());
  const auto found = search({"--candidates",
                             "2,4,8",
                             "--allocator",
                             "size-only",
                             "--latency",
                             std::to_string(static_cast<int>(limit)) + "us",
                             "--latency-table",
                             path("table.csv")});
  ASSERT_EQ(found.status, 0) << found.error;
  double microseconds = 0;
  for (const auto& [name, bits] : widths()) microseconds += 5.0 * bits.get<int>();
  EXPECT_LE(microseconds, limit);
  EXPECT_GT(microseconds, 0.8 * limit);

  const auto impossible = search({"--candidates",
                                  "2,4,8",
                                  "--allocator",
                                  "size-only",
                                  "--latency",
                                  "1us",
                                  "--latency-table",
                                  path("table.csv")});
  EXPECT_EQ(impossible.status, 4);
  EXPECT_THAT(impossible.error, HasSubstr("least possible"));
}

TEST_F(Allocating, TheCurveGivesThePointThatIsPicked) {
  const auto swept = ompq(on_fashion_mnist("sweep",
                                           shipped_model(),
                                           {"--samples",
                                            "8",
                                            "--points",
                                            "10",
                                            "--metric",
                                            "weight-mse",
                                            "--pick",
                                            "140kB",
                                            "-o",
                                            path("bits.json"),
                                            "--result",
                                            path("sweep.json"),
                                            "--csv",
                                            path("sweep.csv")}));
  ASSERT_EQ(swept.status, 0) << swept.error;
  EXPECT_THAT(swept.output, AllOf(HasSubstr("<- knee"), HasSubstr("<- picked")));
  const json curve = read("sweep.json");
  const json& picked = curve.at("points").at(curve.at("picked").get<std::size_t>());
  EXPECT_LE(picked.at("bytes"), 140000);
  const auto made = ompq(on_fashion_mnist("quantize",
                                          shipped_model(),
                                          {"--samples",
                                           "8",
                                           "--limit",
                                           "64",
                                           "--allocation",
                                           path("bits.json"),
                                           "-o",
                                           path("out.onnx")}));
  ASSERT_EQ(made.status, 0) << made.error;
  EXPECT_EQ(picked.at("bytes"), fs::file_size(path("out.onnx")));
  const std::string csv = read_file(path("sweep.csv"));
  EXPECT_EQ(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')),
            curve.at("points").size() + 1);
}

TEST_F(Allocating, AComparisonGoesOnAfterAKill) {
  const std::vector<std::string> command{OMPQ_PROGRAM,
                                         "compare",
                                         shipped_model(),
                                         "--data",
                                         OMPQ_FASHION_MNIST,
                                         "--eval-data",
                                         OMPQ_FASHION_MNIST,
                                         "--limit",
                                         "200",
                                         "--samples",
                                         "8",
                                         "--avg-bits",
                                         "2.5,4",
                                         "--allocators",
                                         "output-mse,weight-mse,orm,uniform,size-only",
                                         "--random",
                                         "3",
                                         "--quiet",
                                         "--journal",
                                         path("journal"),
                                         "--result",
                                         path("result.json")};
  const auto rows = [&] {
    json all = read("result.json").at("rows");
    for (json& row : all) {
      row.erase("seconds");
      row.at("evaluation").erase("seconds");
    }
    return all;
  };
  const ProgramResult whole = run_program(command);
  ASSERT_EQ(whole.status, 0) << whole.error;
  const json expected = rows();
  fs::remove(path("result.json"));

  RunningProgram program(command, folder_ / "error");
  ASSERT_TRUE(program.wait_for_lines(path("journal"), 4)) << program.error();
  program.kill_at_once();
  program.wait();
  EXPECT_TRUE(fs::exists(path("journal")));
  EXPECT_FALSE(fs::exists(path("result.json")));
  const ProgramResult resumed = run_program(command);
  ASSERT_EQ(resumed.status, 0) << resumed.error;
  EXPECT_EQ(rows(), expected);
  EXPECT_FALSE(fs::exists(path("journal")));
}

}  // namespace
}  // namespace ompq::testing
