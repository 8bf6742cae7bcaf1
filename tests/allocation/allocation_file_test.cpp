#include "ompq/allocation/allocation_file.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// stem, block.conv1, block.conv2, block.shortcut (tied to conv2), fc.
std::vector<LayerCost> layers() {
  std::vector<LayerCost> out(5);
  const char* names[] = {"stem", "block.conv1", "block.conv2", "block.shortcut", "fc"};
  for (std::size_t l = 0; l < out.size(); ++l) {
    out[l].name = names[l];
    out[l].weight_count = 100;
    out[l].out_channels = 10;
  }
  out[3].tied_to = 2;
  out[4].linear = true;
  return out;
}

Json valid() {
  Json json{{"format", "ompq-allocation/1"}, {"layers", Json::array()}};
  for (const LayerCost& layer : layers()) {
    json["layers"].push_back({{"name", layer.name}, {"weight_bits", 4}});
  }
  return json;
}

std::string message_for(const std::string& text) {
  try {
    (void)parse_allocation(text, layers());
  } catch (const DataError& error) {
    return error.what();
  }
  return "it was accepted";
}

TEST(AllocationFile, OfAnotherNetworkIsRefusedWithBothNames) {
  const AllocatedModel model{"ours.onnx", std::string(64, 'a')};
  Json json = valid();
  EXPECT_NO_THROW((void)parse_allocation(json.dump(), layers(), model)) << "written by hand";
  json["model"] = {{"file", "ours.onnx"}, {"sha256", std::string(64, 'a')}};
  EXPECT_NO_THROW((void)parse_allocation(json.dump(), layers(), model));
  EXPECT_NO_THROW((void)parse_allocation(json.dump(), layers())) << "nothing to compare with";
  json["model"] = {{"file", "theirs\x1b[2J.onnx"}, {"sha256", std::string(64, 'b')}};
  for (const bool fits : {true, false}) {
    if (!fits) json["layers"][0]["name"] = "unknown";
    try {
      (void)parse_allocation(json.dump(), layers(), model);
      ADD_FAILURE() << "it was accepted";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("'theirs\\x1b[2J.onnx' (SHA-256 bbbbbbbbbbbb...)"),
                        HasSubstr("'ours.onnx' (aaaaaaaaaaaa...)")));
    }
  }
}

TEST(AllocationFile, NestedDeeplyOrWithAKeyTwiceIsRefused) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string where : {"\"weight_bits\"", "\"activation_bits\"", "\"name\""}) {
    EXPECT_THAT(message_for("{\"format\": \"ompq-allocation/2\", \"layers\": [{" + where + ": " +
                            deep + "}]}"),
                HasSubstr("nested deeper than 100 levels"));
  }
  EXPECT_THAT(message_for("{\"layers\": [], \"layers\": []}"), HasSubstr("\"layers\" twice"));
  EXPECT_THAT(message_for("{\"format\": 1e999}"), HasSubstr("out of range"));
}

TEST(AllocationFile, ComesBackAsItWasWritten) {
  AllocationRequest request;
  request.layers = layers();
  request.budget.average_bits = 3;
  const Allocation allocation = allocator("size-only").allocate(request);
  AllocationFile file = make_allocation_file(request, allocation);
  file.model_file = "model \"x\".onnx";
  file.model_sha256 = std::string(64, 'a');
  file.metric = "output-error";
  file.layers[1].activation_bits.reset();
  const testing::TemporaryDirectory folder;
  write_allocation(folder / "bits.json", file);
  const AllocationFile got = read_allocation(folder / "bits.json", request.layers);
  EXPECT_EQ(to_json(got), to_json(file));
  EXPECT_EQ(got.layers[3].tied_to, "block.conv2");
  EXPECT_EQ(got.layers[1].activation_bits, std::nullopt);
  EXPECT_EQ(got.layers[2].activation_bits, 8);
  EXPECT_EQ(got.solver->status, "optimal");
  EXPECT_EQ(got.budget.average_bits, 3.0);
  const Json json = Json::parse(to_json(file));
  for (const char* key :
       {"format", "model", "accounting", "budget", "layers", "cost", "metric", "solver"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST(AllocationFile, HoldsLayersThatStayFloat) {
  AllocationRequest request;
  request.layers = layers();
  request.layer_candidates = {{kFloatBits}, {}, {}, {}, {8}};
  request.budget.average_bits = 5;
  const Allocation allocation = allocator("size-only").allocate(request);
  const AllocationFile file = make_allocation_file(request, allocation);
  const Json json = Json::parse(to_json(file));
  EXPECT_EQ(json["layers"][0]["weight_bits"], "float");
  EXPECT_EQ(json["layers"][0]["activation_bits"], "float");
  EXPECT_EQ(json["layers"][4]["weight_bits"], 8);
  const AllocationFile got = parse_allocation(to_json(file), request.layers);
  EXPECT_EQ(got.layers[0].weight_bits, kFloatBits);
  EXPECT_EQ(got.layers[0].activation_bits, std::nullopt);
  EXPECT_EQ(to_json(got), to_json(file));
}

TEST(AllocationFile, HoldsEveryBudgetAndCost) {
  AllocationFile file;
  file.budget = {.bytes = 1,
                 .average_bits = 2.5,
                 .compression = 3.5,
                 .bops = 4,
                 .weight_bytes = 5,
                 .activation_bytes = 6,
                 .latency_us = 7.5};
  file.cost = Cost{1, 2.5, 3, 4, 5, 6.5};
  Json json = Json::parse(to_json(file));
  json["layers"] = valid()["layers"];
  const AllocationFile got = parse_allocation(json.dump(), layers());
  EXPECT_EQ(got.budget.weight_bytes, 5);
  EXPECT_EQ(got.budget.activation_bytes, 6);
  EXPECT_EQ(got.budget.latency_us, 7.5);
  EXPECT_EQ(got.cost->weight_bytes, 4);
  EXPECT_EQ(got.cost->activation_bytes, 5);
  EXPECT_EQ(got.cost->latency_us, 6.5);
}

TEST(AllocationFile, NamesReadersOfOneActivationThatDiffer) {
  std::vector<LayerCost> shared = layers();
  shared[1].activation = shared[4].activation = 0;
  Json json = valid();
  json["layers"][1]["activation_bits"] = 4;
  json["layers"][4]["activation_bits"] = 8;
  try {
    (void)parse_allocation(json.dump(), shared);
    FAIL() << "one activation got two widths";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("layer 'fc' reads activations of 8 bits, but 'block.conv1', which reads "
                          "the same ones, 4 bits"));
  }
}

TEST(AllocationFile, NeedsOnlyNamesAndWidths) {
  const AllocationFile got = parse_allocation(valid().dump(), layers());
  ASSERT_EQ(got.layers.size(), 5U);
  for (const AllocatedLayer& layer : got.layers) EXPECT_EQ(layer.weight_bits, 4) << layer.name;
  EXPECT_FALSE(got.solver.has_value());
}

TEST(AllocationFile, GivesRowsInTheOrderOfTheLayers) {
  Json json = valid();
  std::swap(json["layers"][0], json["layers"][4]);
  json["layers"][0]["weight_bits"] = 7;
  const AllocationFile got = parse_allocation(json.dump(), layers());
  EXPECT_EQ(got.layers[4].name, "fc");
  EXPECT_EQ(got.layers[4].weight_bits, 7);
}

TEST(AllocationFile, NamesUnknownLayersBesideTheNearestRealOne) {
  Json json = valid();
  json["layers"][1]["name"] = "block.convl";
  EXPECT_THAT(message_for(json.dump()),
              AllOf(HasSubstr("unknown layer 'block.convl'; did you mean 'block.conv1'?"),
                    HasSubstr("layer 'block.conv1' is missing")));
}

TEST(AllocationFile, NamesMissingAndRepeatedLayers) {
  Json json = valid();
  json["layers"][4] = json["layers"][0];
  EXPECT_THAT(message_for(json.dump()),
              AllOf(HasSubstr("2 errors"),
                    HasSubstr("layer 'stem' is listed twice"),
                    HasSubstr("layer 'fc' is missing")));
}

TEST(AllocationFile, NamesWidthsOutsideOfTheRange) {
  for (const Json& bits : {Json(0), Json(9), Json(-3), Json(2.5), Json("4"), Json(nullptr)}) {
    Json json = valid();
    json["layers"][2]["weight_bits"] = bits;
    EXPECT_THAT(message_for(json.dump()),
                AllOf(HasSubstr("layer 'block.conv2': weight_bits is " + bits.dump()),
                      HasSubstr("1..8"),
                      Not(HasSubstr("things"))));
  }
  Json json = valid();
  json["layers"][2].erase("weight_bits");
  EXPECT_THAT(message_for(json.dump()), HasSubstr("weight_bits is missing"));
  json = valid();
  json["layers"][2]["activation_bits"] = 16;
  EXPECT_THAT(message_for(json.dump()), HasSubstr("activation_bits is 16"));
}

TEST(AllocationFile, NamesTiedLayersThatDiffer) {
  Json json = valid();
  json["layers"][3]["weight_bits"] = 5;
  EXPECT_THAT(
      message_for(json.dump()),
      HasSubstr("layer 'block.shortcut' has 5 bits, but 'block.conv2', to which it is tied, "
                "has 4"));
}

TEST(AllocationFile, SaysWhatIsWrongWithTheDocument) {
  EXPECT_THAT(message_for("{"), HasSubstr("not valid JSON at byte 1 of 1"));
  EXPECT_THAT(message_for("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(message_for("{}"), HasSubstr("\"format\" is missing"));
  Json json = valid();
  json["format"] = "ompq-allocation/3";
  EXPECT_THAT(message_for(json.dump()),
              HasSubstr(R"("format" is "ompq-allocation/3"; it must be "ompq-allocation/2")"));
  json = valid();
  json["layers"] = 3;
  EXPECT_THAT(message_for(json.dump()), HasSubstr("\"layers\" is missing or not an array"));
  json = valid();
  json["layers"][0] = "stem";
  EXPECT_THAT(message_for(json.dump()), HasSubstr("row 0 of 'layers' has no \"name\""));
  json = valid();
  for (const char* field : {"solver", "model", "budget", "cost", "metric", "accounting"}) {
    json = valid();
    json[field] = 7;
    EXPECT_THAT(message_for(json.dump()), HasSubstr(fmt::format("\"{}\" is 7", field)));
  }
}

TEST(AllocationFile, ReadsWhatVersion010Wrote) {
  std::vector<LayerCost> network(4);
  for (std::size_t l = 0; l < network.size(); ++l) {
    network[l].name = std::vector<std::string>{"conv1", "block.conv1", "block.conv2", "fc"}[l];
    network[l].weight_count = 1;
  }
  const std::filesystem::path old = testing::source_dir() / "tests/allocation/bits-0.1.0.json";
  const AllocationFile file = read_allocation(old, network);
  EXPECT_EQ(file.budget.average_bits, 3.0);
  EXPECT_EQ(file.metric, "orm");
  EXPECT_EQ(file.solver->status, "rounded");
  // The same now, but for the format and the name of what a layer is tied to.
  std::string expected = read_file(old);
  const auto replace = [&](const std::string& from, const std::string& to) {
    for (std::size_t at = expected.find(from); at != expected.npos; at = expected.find(from, at)) {
      expected.replace(at, from.size(), to);
      at += to.size();
    }
  };
  replace("ompq-allocation/1", "ompq-allocation/2");
  replace("\"tie\"", "\"tied_to\"");
  EXPECT_EQ(to_json(file), expected);
}

TEST(AllocationFile, RefusesAnAccountingThatIsNone) {
  Json json = valid();
  json["accounting"] = "papers";
  EXPECT_THAT(message_for(json.dump()),
              HasSubstr(R"("accounting" is "papers"; it must be "disk" or "paper")"));
}

TEST(AllocationFile, ReadsRecordsThatWereShortenedByHand) {
  Json json = valid();
  json["cost"] = Json::object({{"bytes", 7}});
  json["solver"] = Json::object({{"name", "labels"}});
  const AllocationFile file = parse_allocation(json.dump(), layers());
  EXPECT_EQ(file.cost->bytes, 7);
  EXPECT_EQ(file.solver->name, "labels");
}

TEST(AllocationFile, NamesTheFileThatIsWrongOrMissing) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "bits.json", std::string_view("{}"));
  try {
    (void)read_allocation(folder / "bits.json", layers());
    FAIL() << "an empty document was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bits.json] \"format\" is missing"));
  }
  EXPECT_THROW((void)read_allocation(folder / "nothing.json", layers()), FileError);
}

TEST(AllocationFile, LeavesNothingBehindWhereItCannotBeWritten) {
  const testing::TemporaryDirectory folder;
  EXPECT_THROW(write_allocation(folder / "no-such-folder/bits.json", {}), FileError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ompq::allocation
