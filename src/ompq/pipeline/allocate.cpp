#include "ompq/pipeline/allocate.h"

namespace ompq::pipeline {
namespace {

/// Sets what the file holds beside the layers, so that the cost model meets the file's size at
/// `widths`.
void anchor_file_size(allocation::AllocationRequest& request,
                      const FileSize& size,
                      const std::vector<int>& weight_bits,
                      const std::vector<int>& activation_bits) {
  request.cost.fixed_bytes = 0;
  const auto modelled = allocation::total_cost(request.layers, weight_bits, {}, request.cost).bytes;
  request.cost.fixed_bytes = size.bytes(weight_bits, activation_bits) - modelled;
}

/// The middle one of every layer's candidates.
std::vector<int> middle_weight_bits(const allocation::AllocationRequest& request) {
  std::vector<int> widths;
  for (const auto& candidates : allocation::candidates_of(request)) {
    widths.push_back(candidates[candidates.size() / 2]);
  }
  return widths;
}

/// The widest candidate of what each layer reads.
std::vector<int> widest_activation_bits(const allocation::AllocationRequest& request) {
  const auto candidates = allocation::activation_candidates_of(request);
  std::vector<int> widths;
  for (const allocation::LayerCost& layer : request.layers) {
    const bool known = layer.activation != allocation::kNoActivation;
    widths.push_back(known ? candidates[static_cast<std::size_t>(layer.activation)].back()
                           : request.cost.activation_bits);
  }
  return widths;
}

}  // namespace

allocation::AllocationRequest anchored(allocation::AllocationRequest request,
                                       const FileSize& size) {
  if (request.cost.accounting == allocation::Accounting::Disk) {
    anchor_file_size(request, size, middle_weight_bits(request), widest_activation_bits(request));
  }
  return request;
}

allocation::Allocation allocate(const Solve& solve,
                                allocation::AllocationRequest request,
                                const FileSize& size) {
  const bool on_disk = request.cost.accounting == allocation::Accounting::Disk;
  request = anchored(std::move(request), size);
  allocation::Allocation allocation = solve(request);
  if (!on_disk || !request.budget.bytes) return allocation;
  const std::int64_t limit = *request.budget.bytes;
  for (int attempt = 0; attempt < 8 && size.bytes(allocation) > limit; ++attempt) {
    anchor_file_size(request, size, allocation.weight_bits, allocation.activation_bits);
    const auto modelled =
        allocation::total_cost(request.layers, allocation.weight_bits, {}, request.cost).bytes;
    if (modelled <= *request.budget.bytes) {
      *request.budget.bytes -= size.bytes(allocation) - limit;
    }
    allocation = solve(request);
  }
  return allocation;
}

}  // namespace ompq::pipeline
