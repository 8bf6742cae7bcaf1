#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "graph/deciding_parameters.h"
#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "support/paths.h"
#include "support/zoo.h"

// The published allocations come with the parameters of every layer that takes part; a projection
// counts in the layer that it is tied to.
namespace ompq::graph {
namespace {

namespace zoo = testing::zoo;
using Counts = std::vector<std::int64_t>;

nlohmann::json published(const std::filesystem::path& shared, const std::string& row) {
  std::ifstream file(shared / "golden" / "published.json");
  return nlohmann::json::parse(file).at("models").at(row);
}

Counts without_first_and_last(const Counts& counts) {
  return {counts.begin() + 1, counts.end() - 1};
}

struct Network {
  std::string name;
  Graph (*build)(const zoo::Options&);
  std::size_t ties;
  bool has_qat_row;
};

class PublishedParameters : public ::testing::TestWithParam<Network> {};

TEST_P(PublishedParameters, EqualThoseOfTheZooNetwork) {
  OMPQ_SHARED_OR_SKIP(shared);
  const Network& network = GetParam();
  const Discovery found = discover(network.build({}));
  EXPECT_EQ(found.ties.size(), network.ties);
  const Counts counts = deciding_parameters(found);
  EXPECT_EQ(counts, published(shared, network.name + "/PTQ").at("params").get<Counts>());
  if (network.has_qat_row) {
    const nlohmann::json row = published(shared, network.name + "/QAT");
    EXPECT_EQ(without_first_and_last(counts), row.at("params").get<Counts>());
    EXPECT_EQ(counts.front() + counts.back(), row.at("first_last_params").get<std::int64_t>());
  }
}

TEST_P(PublishedParameters, DoNotChangeWhenNormsAreFolded) {
  OMPQ_SHARED_OR_SKIP(shared);
  const Network& network = GetParam();
  Graph graph = network.build({});
  EXPECT_GT(fold_batch_norms(graph), 0);
  const Discovery found = discover(graph);
  EXPECT_EQ(found.ties.size(), network.ties);
  EXPECT_EQ(deciding_parameters(found),
            published(shared, network.name + "/PTQ").at("params").get<Counts>());
}

INSTANTIATE_TEST_SUITE_P(Zoo,
                         PublishedParameters,
                         ::testing::Values(Network{"resnet18", zoo::resnet18, 3, true},
                                           Network{"resnet50", zoo::resnet50, 4, true},
                                           Network{"mobilenetv2", zoo::mobilenet_v2, 0, false}),
                         [](const auto& network) { return network.param.name; });

}  // namespace
}  // namespace ompq::graph
