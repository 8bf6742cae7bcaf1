#include <vector>

#include "fuzz_target.h"
#include "ompq/allocation/latency_csv.h"

namespace {

void parse_latencies(std::string_view bytes) {
  using namespace ompq::allocation;
  std::vector<LayerCost> layers(2);
  layers[0].name = "conv";
  layers[1].name = "fc";
  (void)parse_latency_table(bytes, layers);
}

}  // namespace

OMPQ_FUZZ_TARGET(latencies, parse_latencies);
