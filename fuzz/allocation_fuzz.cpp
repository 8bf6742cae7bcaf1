#include <vector>

#include "fuzz_target.h"
#include "ompq/allocation/allocation_file.h"

namespace {

/// bits.json, checked against a network of two layers.
void parse_bits(std::string_view bytes) {
  using namespace ompq::allocation;
  std::vector<LayerCost> layers(2);
  layers[0].name = "conv";
  layers[1].name = "fc";
  const AllocationFile file = parse_allocation(bytes, layers);
  (void)parse_allocation(to_json(file), layers);
}

}  // namespace

OMPQ_FUZZ_TARGET(allocation, parse_bits);
