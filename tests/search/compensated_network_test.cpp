#include "ompq/search/compensated_network.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/pipeline/evaluate.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

TEST(CompensatedNetwork, IsCloserToTheFloatNetworkThanNearestRounding) {
  const pipeline::Model model = pipeline::small_model();
  const pipeline::Samples samples = pipeline::small_samples(96);
  const std::vector<std::int64_t> rounding(samples.indices.begin(), samples.indices.begin() + 64);
  const std::vector<std::int64_t> held_out(samples.indices.begin() + 64, samples.indices.end());
  const std::vector<int> bits(model.discovery.layers.size(), 3);
  const auto deviation = [&](const pipeline::QuantizedNetwork& network) {
    return pipeline::evaluate(network.graph, *samples.dataset, held_out, {}, &model.graph)
        .evaluation.divergence.value();
  };
  const double nearest = deviation(pipeline::quantize_network(model, bits, {}, {}));
  const auto network = compensated_network(model,
                                           bits,
                                           pipeline::nearest_codes(model, bits, {}, {}),
                                           *samples.dataset,
                                           rounding,
                                           {},
                                           {});
  EXPECT_LT(deviation(network), 0.9 * nearest);
}

}  // namespace
}  // namespace ompq::search
