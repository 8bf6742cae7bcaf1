// Run time of the allocators: the exact integer program on networks far larger than the zoo's.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "ompq/allocation/allocators.h"
#include "ompq/allocation/curve.h"
#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/linear_program.h"
#include "ompq/allocation/neighbour_moves.h"
#include "ompq/allocation/pairwise.h"
#include "ompq/core/random.h"

namespace {

using namespace ompq;
using namespace ompq::allocation;

constexpr std::int64_t kWidths = 7;  // 2..8 bits

/// A problem like a network's: layers with a thousand to three million weights, losses that
/// decrease by a factor of about 4 per bit from a random level, and budgets equal to the cost of
/// three bits everywhere: size, bit operations (with 8-bit activations), and a latency that
/// decreases in steps.
std::int64_t cost_of(std::int64_t budget, std::int64_t weights, std::int64_t macs, int width) {
  if (budget == 0) return weights * width;
  if (budget == 1) return 8 * macs * width;
  return 20000 + macs * (width <= 4 ? 4 : 8) / 1000 + weights * width / 100;
}

Problem network_like(std::int64_t layers, std::int64_t budgets, std::uint64_t seed) {
  Random random(seed);
  Problem problem;
  problem.sense = Sense::Minimize;
  for (std::int64_t k = 0; k < budgets; ++k) problem.constraints.push_back({});
  for (std::int64_t i = 0; i < layers; ++i) {
    Item item;
    const double level = std::exp(8 * random.uniform());
    const auto weights = static_cast<std::int64_t>(std::exp(7 + 8 * random.uniform()));
    const auto macs = weights * static_cast<std::int64_t>(1 + random.below(784));
    for (std::int64_t j = 0; j < kWidths; ++j) {
      item.widths.push_back(static_cast<int>(j) + 2);
      const double fall = 0.25 * (0.8 + 0.4 * random.uniform());
      item.values.push_back(j == 0 ? level : item.values.back() * fall);
    }
    for (std::int64_t k = 0; k < budgets; ++k) {
      auto& row = item.costs.emplace_back();
      for (const int width : item.widths) row.push_back(cost_of(k, weights, macs, width));
      const int middle = k == 2 ? 5 : 3;  // three bits take as long as four
      problem.constraints[static_cast<std::size_t>(k)].limit += cost_of(k, weights, macs, middle);
    }
    problem.items.push_back(item);
  }
  return problem;
}

/// Like the paper's program: the loss is linear in the bits of a layer.
Problem importance_like(std::int64_t layers, std::uint64_t seed) {
  Problem problem = network_like(layers, 1, seed);
  Random random(seed + 1);
  problem.sense = Sense::Maximize;
  for (Item& item : problem.items) {
    const double worth = 0.5 + random.uniform();
    for (std::size_t j = 0; j < item.values.size(); ++j) {
      item.values[j] = worth * item.widths[j];
    }
  }
  return problem;
}

void report(benchmark::State& state, const Solution& solution) {
  state.counters["gap"] = solution.gap;
  state.counters["optimal"] = solution.status == Status::Optimal ? 1 : 0;
}

void BM_IntegerProgram(benchmark::State& state) {
  const Problem problem = network_like(state.range(0), state.range(1), state.range(2));
  Solution solution;
  for (auto _ : state) solution = solve_integer_program(problem);
  report(state, solution);
}
BENCHMARK(BM_IntegerProgram)
    ->ArgNames({"layers", "budgets", "seed"})
    ->ArgsProduct({{50, 500}, {1, 2, 3}, {1, 2, 3}})
    ->Unit(benchmark::kMillisecond);

/// Three budgets that are all binding: a problem with only the size budget is solved, then BOPs and
/// latency are limited to two percent less than its solution uses. Far harder than a single binding
/// budget.
Problem tight_network(std::int64_t layers, std::uint64_t seed) {
  Problem problem = network_like(layers, 3, seed);
  const double part = 0.1 + 0.03 * static_cast<double>(seed);
  std::int64_t min = 0;
  std::int64_t max = 0;
  for (const Item& item : problem.items) {
    min += item.costs[0].front();
    max += item.costs[0].back();
  }
  problem.constraints[0].limit =
      min + static_cast<std::int64_t>(part * static_cast<double>(max - min));
  problem.constraints[1].limit = problem.constraints[2].limit = std::int64_t{1} << 60;
  const Solution by_size = solve_integer_program(problem);
  for (const std::size_t k : {std::size_t{1}, std::size_t{2}}) {
    problem.constraints[k].limit =
        static_cast<std::int64_t>(0.98 * static_cast<double>(by_size.costs[k]));
  }
  return problem;
}

void BM_ThreeTightBudgets(benchmark::State& state) {
  const Problem problem = tight_network(state.range(0), state.range(1));
  Solution solution;
  for (auto _ : state) solution = solve_integer_program(problem);
  report(state, solution);
  state.SetLabel(solution.solver);
}
BENCHMARK(BM_ThreeTightBudgets)
    ->ArgNames({"layers", "seed"})
    ->ArgsProduct({{500}, benchmark::CreateDenseRange(1, 12, 1)})
    ->Unit(benchmark::kMillisecond);

/// A request like `network_like`, with a loss table.
AllocationRequest request_like(std::int64_t layers, std::uint64_t seed) {
  Random random(seed);
  AllocationRequest request;
  request.budget.average_bits = 3;
  for (std::int64_t l = 0; l < layers; ++l) {
    LayerCost layer;
    layer.name = "layer" + std::to_string(l);
    layer.weight_count = static_cast<std::int64_t>(std::exp(7 + 8 * random.uniform()));
    layer.out_channels = 16 + static_cast<std::int64_t>(random.below(1000));
    layer.macs = layer.weight_count * static_cast<std::int64_t>(1 + random.below(784));
    request.layers.push_back(layer);
    const double level = std::exp(8 * random.uniform());
    auto& row = request.loss.emplace_back();
    for (const int width : request.candidates) {
      row.push_back(level * std::pow(0.25, width) * (0.8 + 0.4 * random.uniform()));
    }
  }
  return request;
}

void BM_Curve(benchmark::State& state) {
  AllocationRequest request = request_like(state.range(0), state.range(2));
  if (state.range(1) == 1) {
    request.budget = {};
    request.budget.bytes = 1;  // what varies
  } else {
    std::int64_t macs = 0;
    for (const LayerCost& layer : request.layers) macs += layer.macs;
    request.budget = {.bops = 24.0 * static_cast<double>(macs)};
  }
  Curve curve;
  for (auto _ : state) curve = lagrangian_curve(request);
  double gap = 0;
  for (const CurvePoint& point : curve.points) gap = std::max(gap, point.gap);
  state.counters["points"] = static_cast<double>(curve.points.size());
  state.counters["largest_gap"] = gap;
}
BENCHMARK(BM_Curve)
    ->ArgNames({"layers", "budgets", "seed"})
    ->ArgsProduct({{50, 500}, {1, 2}, {1, 2}})
    ->Unit(benchmark::kMillisecond);

void BM_Pairwise(benchmark::State& state) {
  AllocationRequest request = request_like(state.range(0), 1);
  Random random(2);
  for (std::size_t l = 0; l + 2 < request.layers.size(); l += 3) {  // blocks of three
    for (const auto& [a, b] : {std::pair(l, l + 1), {l, l + 2}, {l + 1, l + 2}}) {
      PairLoss pair{a, b, {}};
      for (std::size_t i = 0; i < 7; ++i) {
        auto& row = pair.loss.emplace_back();
        for (std::size_t j = 0; j < 7; ++j) {
          const double both = std::sqrt(request.loss[a][i] * request.loss[b][j]);
          row.push_back(0.4 * (random.uniform() - 0.3) * both);
        }
      }
      request.pairs.push_back(std::move(pair));
    }
  }
  Allocation allocation;
  for (auto _ : state) allocation = solve_pairwise(request);
  report(state, allocation.solution);
}
BENCHMARK(BM_Pairwise)->ArgName("layers")->Arg(52)->Arg(160)->Unit(benchmark::kMillisecond);

void BM_Moves(benchmark::State& state) {
  const AllocationRequest request = request_like(state.range(0), 1);
  const Allocation start = allocator("integer").allocate(request);
  for (auto _ : state) benchmark::DoNotOptimize(budget_moves(request, start).size());
}
BENCHMARK(BM_Moves)->ArgName("layers")->Arg(52)->Arg(500)->Unit(benchmark::kMillisecond);

void BM_IntegerProgramOverImportance(benchmark::State& state) {
  const Problem problem = importance_like(state.range(0), state.range(1));
  Solution solution;
  for (auto _ : state) solution = solve_integer_program(problem);
  report(state, solution);
}
BENCHMARK(BM_IntegerProgramOverImportance)
    ->ArgNames({"layers", "seed"})
    ->ArgsProduct({{50, 500}, {1, 2, 3}})
    ->Unit(benchmark::kMillisecond);

void BM_LinearRelaxation(benchmark::State& state) {
  const Problem problem = network_like(state.range(0), 1, 1);
  for (auto _ : state) benchmark::DoNotOptimize(solve_relaxation(problem).bound);
}
BENCHMARK(BM_LinearRelaxation)->Arg(50)->Arg(500)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
