#include "ompq/search/width_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/allocation/decision_model.h"
#include "ompq/core/error.h"
#include "ompq/search/allocate.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/request_builder.h"

namespace ompq::search {
namespace {

constexpr std::int64_t kNoLimit = std::int64_t{1} << 56;  // bytes; their bits do not overflow

[[noreturn]] void refuse_widths(const std::string& reason) { throw DataError("widths", reason); }

std::string bits_of(int width) {
  return width == allocation::kFloatBits ? "float" : fmt::format("{} bits", width);
}

void require_candidate(const std::string& what, int width, const std::vector<int>& candidates) {
  if (std::ranges::find(candidates, width) != candidates.end()) return;
  refuse_widths(fmt::format(
      "{} has {}, but its candidates are {}", what, bits_of(width), fmt::join(candidates, ", ")));
}

void check_weights(const allocation::AllocationRequest& request, const std::vector<int>& widths) {
  if (widths.size() != request.layers.size()) {
    refuse_widths(
        fmt::format("there are {} widths for {} layers", widths.size(), request.layers.size()));
  }
  const auto candidates = allocation::candidates_of(request);
  for (const auto& group : allocation::decision_items(request.layers)) {
    for (const std::size_t l : group.layers) {
      const std::string what = fmt::format("layer '{}'", request.layers[l].name);
      require_candidate(what, widths[l], candidates[l]);
      if (widths[l] == widths[group.leader]) continue;
      refuse_widths(fmt::format("{} has {}, but '{}', to which it is tied, {}",
                                what,
                                bits_of(widths[l]),
                                request.layers[group.leader].name,
                                bits_of(widths[group.leader])));
    }
  }
}

/// The widths of the tensors.
std::vector<int> checked_tensors(const allocation::AllocationRequest& request,
                                 const std::vector<int>& widths) {
  if (widths.size() != request.layers.size()) {
    refuse_widths(fmt::format(
        "there are {} activation widths for {} layers", widths.size(), request.layers.size()));
  }
  const auto candidates = allocation::activation_candidates_of(request);
  const auto fixed = allocation::fixed_activation_bits(request);
  std::vector<int> tensors(request.activations.size(), 0);
  for (std::size_t l = 0; l < widths.size(); ++l) {
    const std::string what = fmt::format("the input of layer '{}'", request.layers[l].name);
    if (request.layers[l].activation == allocation::kNoActivation) {
      require_candidate(what, widths[l], {fixed[l]});
      continue;
    }
    const auto t = static_cast<std::size_t>(request.layers[l].activation);
    require_candidate(what, widths[l], candidates[t]);
    if (tensors[t] != 0 && tensors[t] != widths[l]) {
      refuse_widths(fmt::format(
          "{} has {}, but another layer reads it with {}", what, widths[l], tensors[t]));
    }
    tensors[t] = widths[l];
  }
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (tensors[t] == 0) tensors[t] = candidates[t].back();
  }
  return tensors;
}

/// The request as the allocator gets it, without measurements.
allocation::AllocationRequest schemed(allocation::AllocationRequest request,
                                      const AllocatorRow& row,
                                      const RequestOptions& options) {
  const allocation::Accounting accounting = request.cost.accounting;
  const allocation::Scheme scheme = scheme_for(row, options.scheme);
  allocation::apply_scheme(request, scheme);
  const bool own = options.scheme == allocation::Scheme::Free;
  if (options.accounting || own) request.cost.accounting = accounting;
  return request;
}

void require_within_budget(allocation::AllocationRequest request,
                           const allocation::Allocation& allocation,
                           std::int64_t bytes,
                           const pipeline::FileSize& size) {
  const bool on_disk = request.cost.accounting == allocation::Accounting::Disk;
  if (on_disk && request.budget.bytes) {
    if (bytes > *request.budget.bytes) {
      refuse_widths(fmt::format(
          "their file has {} bytes, more than the budget of {}", bytes, *request.budget.bytes));
    }
    request.budget.bytes = kNoLimit;
  }
  request = anchored(std::move(request), size);
  const allocation::DecisionModel model = allocation::make_model(request);
  const auto costs = allocation::costs_of(model, allocation::choice_of(model, request, allocation));
  for (std::size_t k = 0; k < costs.size(); ++k) {
    const allocation::Constraint& constraint = model.constraints[k];
    if (costs[k] <= constraint.limit) continue;
    refuse_widths(fmt::format("they need {}, more than the budget of {}",
                              allocation::format_quantity(constraint, costs[k]),
                              allocation::format_quantity(constraint, constraint.limit)));
  }
}

}  // namespace

WidthCheck::WidthCheck(const pipeline::Model& model, const SearchOptions& options)
    : options_(options),
      free_(free_request(model, options.request)),
      size_(model, options.weights, options.form) {}

WidthCheck::Result WidthCheck::check(std::string_view allocator,
                                     const allocation::Budget& budget,
                                     const std::vector<int>& weight_bits,
                                     std::vector<int> activation_bits) const {
  const AllocatorRow& row = allocator_row(allocator);
  allocation::AllocationRequest request = schemed(free_, row, options_.request);
  request.budget = budget;
  check_weights(request, weight_bits);
  if (activation_bits.empty()) activation_bits = allocation::widest_activation_bits(request);
  allocation::Allocation allocation{.weight_bits = weight_bits,
                                    .activation_bits = std::move(activation_bits)};
  allocation.tensor_bits = checked_tensors(request, allocation.activation_bits);
  const pipeline::FileSize size = size_.answering(budget);
  const std::int64_t bytes = size.bytes(allocation);
  const bool may_exceed =
      row.importance && options_.request.rounding == allocation::Rounding::Nearest;
  if (!may_exceed) require_within_budget(request, allocation, bytes, size);
  return {allocation::cost_of_widths(
              request, allocation.weight_bits, allocation.activation_bits, allocation.tensor_bits),
          bytes};
}

}  // namespace ompq::search
