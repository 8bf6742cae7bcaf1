#include "ompq/search/allocate.h"

#include <optional>

#include "ompq/core/error.h"

namespace ompq::search {
namespace {

/// Sets the cost model's fixed bytes so that its size equals the file's size at the given widths.
void anchor_file_size(allocation::AllocationRequest& request,
                      const pipeline::FileSize& size,
                      const std::vector<int>& weight_bits,
                      const std::vector<int>& activation_bits) {
  request.cost.fixed_bytes = 0;
  const auto modelled = allocation::total_cost(request.layers, weight_bits, {}, request.cost).bytes;
  request.cost.fixed_bytes = size.bytes(weight_bits, activation_bits) - modelled;
}

/// The middle candidate of every layer.
std::vector<int> middle_weight_bits(const allocation::AllocationRequest& request) {
  std::vector<int> widths;
  for (const auto& candidates : allocation::candidates_of(request)) {
    widths.push_back(candidates[candidates.size() / 2]);
  }
  return widths;
}

std::vector<int> min_weight_bits(const allocation::AllocationRequest& request) {
  std::vector<int> widths;
  for (const auto& candidates : allocation::candidates_of(request)) {
    widths.push_back(candidates.front());
  }
  return widths;
}

/// Every layer at its smallest width, for a budget that the cost model misses by a few bytes.
/// @throws InfeasibleBudget with the smallest possible size if even that file is too large.
allocation::Allocation answer_at_the_least(const Solve& solve,
                                           allocation::AllocationRequest request,
                                           const pipeline::FileSize& size) {
  allocation::Allocation allocation{.weight_bits = min_weight_bits(request),
                                    .activation_bits = allocation::widest_activation_bits(request)};
  anchor_file_size(request, size, allocation.weight_bits, allocation.activation_bits);
  if (size.bytes(allocation) > *request.budget.bytes) return solve(request);
  for (const auto& candidates : allocation::activation_candidates_of(request)) {
    allocation.tensor_bits.push_back(candidates.back());
  }
  allocation.cost = allocation::cost_of_widths(
      request, allocation.weight_bits, allocation.activation_bits, allocation.tensor_bits);
  allocation.solution.status = allocation::Status::Rule;
  allocation.solution.solver = "least widths";
  return allocation;
}

/// An allocation whose file has at most the budget's bytes, from an anchored cost model; nullopt if
/// the model has none. The model is anchored again at each allocation whose file is too large.
std::optional<allocation::Allocation> solve_within_file_size(const Solve& solve,
                                                             allocation::AllocationRequest request,
                                                             const pipeline::FileSize& size) {
  const std::int64_t limit = *request.budget.bytes;
  try {
    allocation::Allocation allocation = solve(request);
    for (int attempt = 0; attempt < 8 && size.bytes(allocation) > limit; ++attempt) {
      anchor_file_size(request, size, allocation.weight_bits, allocation.activation_bits);
      allocation = solve(request);
    }
    if (size.bytes(allocation) <= limit) return allocation;
  } catch (const InfeasibleBudget&) {
    // The cost model may be off by a few bytes.
  }
  return std::nullopt;
}

}  // namespace

allocation::AllocationRequest anchored(allocation::AllocationRequest request,
                                       const pipeline::FileSize& size) {
  if (request.cost.accounting == allocation::Accounting::Disk) {
    anchor_file_size(
        request, size, middle_weight_bits(request), allocation::widest_activation_bits(request));
  }
  return request;
}

allocation::AllocationFile file_of(const allocation::AllocationRequest& request,
                                   const allocation::Allocation& allocation,
                                   const allocation::Budget& budget,
                                   const std::string& metric,
                                   const pipeline::Model& model) {
  allocation::AllocationFile file = allocation::make_allocation_file(request, allocation);
  file.budget = budget;
  file.metric = metric;
  file.model_file = model.file.filename().string();
  file.model_sha256 = model.sha256;
  return file;
}

allocation::Allocation allocate(const Solve& solve,
                                allocation::AllocationRequest request,
                                const pipeline::FileSize& size) {
  const bool on_disk = request.cost.accounting == allocation::Accounting::Disk;
  const allocation::AllocationRequest asked = anchored(request, size);
  if (!on_disk || !request.budget.bytes) return solve(asked);
  if (auto found = solve_within_file_size(solve, asked, size)) return *found;
  // In a small file, the tables of the middle widths may take more than the codes.
  const auto activation_bits = allocation::widest_activation_bits(request);
  anchor_file_size(request, size, min_weight_bits(request), activation_bits);
  if (auto found = solve_within_file_size(solve, request, size)) return *found;
  return answer_at_the_least(solve, asked, size);
}

}  // namespace ompq::search
