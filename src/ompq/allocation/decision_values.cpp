// The values of decisions: losses of layers and activations, and of pairs.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/decision_model.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

void require_row(const std::vector<double>& row,
                 const std::string& name,
                 const std::vector<int>& candidates) {
  if (row.size() == candidates.size() || candidates.size() == 1) return;
  throw ConfigError("allocation",
                    fmt::format("the loss table has {} values for '{}'; it must have one for each "
                                "of its {} candidate widths",
                                row.size(),
                                name,
                                candidates.size()));
}

void require_layer_losses(const DecisionModel& model, const AllocationRequest& request) {
  if (request.loss.size() != request.layers.size()) {
    throw ConfigError("allocation",
                      fmt::format("the loss table must have {} rows (layers) of one value for each "
                                  "candidate width; it has {} rows",
                                  request.layers.size(),
                                  request.loss.size()));
  }
  for (std::size_t g = 0; g < model.groups.size(); ++g) {
    for (const std::size_t l : model.groups[g].layers) {
      require_row(request.loss[l], request.layers[l].name, model.group_widths[g]);
    }
  }
}

void require_activation_losses(const DecisionModel& model, const AllocationRequest& request) {
  const bool chosen = std::any_of(model.tensor_decision.begin(),
                                  model.tensor_decision.end(),
                                  [](std::ptrdiff_t d) { return d >= 0; });
  if (!chosen) return;
  if (request.activation_loss.size() != request.activations.size()) {
    throw ConfigError("allocation",
                      fmt::format("activation widths are chosen, so the loss table of activations "
                                  "must have {} rows; it has {}",
                                  request.activations.size(),
                                  request.activation_loss.size()));
  }
  for (std::size_t t = 0; t < request.activations.size(); ++t) {
    require_row(request.activation_loss[t], request.activations[t].name, model.tensor_widths[t]);
  }
}

void require_pair(const DecisionModel& model,
                  const AllocationRequest& request,
                  const std::vector<std::size_t>& group_of,
                  const PairLoss& pair) {
  const std::size_t layers = request.layers.size();
  if (pair.first >= layers || pair.second >= layers || pair.first == pair.second) {
    throw ConfigError(
        "allocation",
        fmt::format(
            "a pair loss refers to layers {} and {}; it needs two different ones of the {} layers",
            pair.first,
            pair.second,
            layers));
  }
  const std::size_t rows = model.group_widths[group_of[pair.first]].size();
  const std::size_t columns = model.group_widths[group_of[pair.second]].size();
  const bool fits = pair.loss.size() == rows &&
                    std::all_of(pair.loss.begin(), pair.loss.end(), [&](const auto& row) {
                      return row.size() == columns;
                    });
  if (fits) return;
  throw ConfigError("allocation",
                    fmt::format("the pair loss of '{}' and '{}' must have {} rows of {} values, "
                                "their candidate widths",
                                request.layers[pair.first].name,
                                request.layers[pair.second].name,
                                rows,
                                columns));
}

/// Adds the loss of a pair to a single decision, if both layers belong to one decision or one is
/// fixed.
/// @return false if the layers belong to two open decisions.
bool add_to_one(DecisionModel& model, std::size_t first, std::size_t second, const PairLoss& pair) {
  const std::ptrdiff_t a = model.group_decision[first];
  const std::ptrdiff_t b = model.group_decision[second];
  if (a >= 0 && b >= 0 && a != b) return false;
  if (a < 0 && b < 0) return true;  // nothing to decide
  auto& values = model.decisions[static_cast<std::size_t>(std::max(a, b))].values;
  for (std::size_t j = 0; j < values.size(); ++j) {
    values[j] += pair.loss[a >= 0 ? j : 0][b >= 0 ? j : 0];
  }
  return true;
}

}  // namespace

void set_losses(DecisionModel& model, const AllocationRequest& request) {
  require_layer_losses(model, request);
  require_activation_losses(model, request);
  for (Decision& decision : model.decisions) {
    std::fill(decision.values.begin(), decision.values.end(), 0.0);
    const bool weights = decision.kind == Decision::Kind::Weights;
    const std::vector<std::size_t> rows =
        weights ? model.groups[decision.index].layers : std::vector<std::size_t>{decision.index};
    for (const std::size_t row : rows) {
      const auto& losses = weights ? request.loss[row] : request.activation_loss[row];
      if (losses.size() != decision.values.size()) continue;  // there is no choice
      for (std::size_t j = 0; j < losses.size(); ++j) decision.values[j] += losses[j];
    }
  }
}

std::vector<Coupling> pair_couplings(DecisionModel& model, const AllocationRequest& request) {
  std::vector<std::size_t> group_of(request.layers.size());
  for (std::size_t g = 0; g < model.groups.size(); ++g) {
    for (const std::size_t l : model.groups[g].layers) group_of[l] = g;
  }
  std::map<std::pair<std::size_t, std::size_t>, Coupling> couplings;
  for (const PairLoss& pair : request.pairs) {
    require_pair(model, request, group_of, pair);
    const std::size_t first = group_of[pair.first];
    const std::size_t second = group_of[pair.second];
    if (add_to_one(model, first, second, pair)) continue;
    const auto a = static_cast<std::size_t>(model.group_decision[first]);
    const auto b = static_cast<std::size_t>(model.group_decision[second]);
    Coupling& coupling = couplings[std::minmax(a, b)];
    coupling.first = std::min(a, b);
    coupling.second = std::max(a, b);
    coupling.costs.resize(model.constraints.size());
    const std::size_t rows = model.decisions[coupling.first].widths.size();
    const std::size_t columns = model.decisions[coupling.second].widths.size();
    coupling.values.resize(rows * columns, 0.0);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        coupling.values[i * columns + j] += a < b ? pair.loss[i][j] : pair.loss[j][i];
      }
    }
  }
  std::vector<Coupling> list;
  for (auto& [key, coupling] : couplings) list.push_back(std::move(coupling));
  return list;
}

}  // namespace ompq::allocation
