#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "ompq/pipeline/network.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/results.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/auto_search.h"
#include "ompq/search/measurements.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/rounded_weights.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// An allocation with where it comes from.
struct SolvedRequest {
  allocation::AllocationRequest request;
  allocation::Allocation allocation;
  std::int64_t bytes = 0;                      ///< of its file
  std::optional<report::Portfolio> portfolio;  ///< of `auto`
};

/// SearchSession any budget by any allocator on one network and one set of samples. What an
/// allocator needs is measured when it is first asked, or all at once by `prepare`, and shared by
/// all budgets and allocators from then on.
class SearchSession {
 public:
  SearchSession(const pipeline::Model& model,
                pipeline::Samples& samples,
                const SearchOptions& options,
                ProgressHandler progress = {});

  /// Measures in one go what the allocators of these names need, and nothing else. `auto` measures
  /// on its own: on half of the samples, so that the other half can rank.
  void prepare(const std::set<std::string>& allocators);

  /// @throws InfeasibleBudget; DataError if what the allocator needs could not be measured.
  [[nodiscard]] SolvedRequest solve(const std::string& allocator, const allocation::Budget& budget);
  /// True where pins, exclusions and candidates leave this allocator nothing to choose: it answers
  /// without a measurement.
  [[nodiscard]] bool settled(const std::string& allocator) const;
  /// Why the allocator cannot answer: what it needs was dropped when it was measured.
  [[nodiscard]] std::optional<std::string> obstacle(const std::string& allocator);

  /// The allocator `random` with a seed of its own. @throws InfeasibleBudget
  [[nodiscard]] SolvedRequest random(const allocation::Budget& budget, std::uint64_t seed);

  /// On all samples, for what was asked so far; empty where nothing was.
  [[nodiscard]] const Measurements& measurements() const { return all_; }
  /// Loss tables by metric: those on all samples, or, where only `auto` measured, its own.
  [[nodiscard]] const std::map<std::string, sensitivity::LossTable>& losses() const;
  /// What could not be measured, with the reason: names of metrics, "orm" for orthogonality,
  /// "pairwise" for interactions.
  [[nodiscard]] std::map<std::string, std::string> dropped() const { return dropped_; }
  /// What a metric says of an allocation, lower is better; nothing for an allocator without one.
  [[nodiscard]] std::optional<double> prediction(const std::string& allocator,
                                                 const std::vector<int>& weight_bits);
  [[nodiscard]] const allocation::AllocationRequest& free() const { return free_; }

 private:
  struct Automatic;
  [[nodiscard]] Automatic& automatic();
  [[nodiscard]] std::vector<PortfolioCandidate> candidates(
      const allocation::AllocationRequest& free, const pipeline::FileSize& size);
  /// The candidate of `origin` again, its metric measured on both halves of the samples.
  [[nodiscard]] std::optional<PortfolioCandidate> second_look(
      const allocation::AllocationRequest& free,
      const pipeline::FileSize& size,
      const std::string& origin);
  /// The allocator's row; where nothing is left to choose, one that measures nothing.
  [[nodiscard]] AllocatorRow row_of(const std::string& allocator) const;
  [[nodiscard]] MeasurementPlan plan_for(std::vector<std::string> metrics) const;
  [[nodiscard]] SolvedRequest solve_automatically(const allocation::AllocationRequest& free,
                                                  const pipeline::FileSize& size);
  /// Notes what was dropped, and says so once.
  void note(const std::map<std::string, std::string>& dropped);

  const pipeline::Model& model_;
  pipeline::Samples& samples_;
  const SearchOptions& options_;
  ProgressHandler progress_;
  RoundedWeights weights_;
  allocation::AllocationRequest free_;
  pipeline::FileSize size_;
  Measurements all_;
  std::set<std::string> measured_;  ///< metrics, and what Measurements names besides them
  std::map<std::string, std::string> dropped_;
  std::shared_ptr<Automatic> automatic_;
};

}  // namespace ompq::search
