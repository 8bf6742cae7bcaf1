// How long the allocators take: the exact integer program on networks far larger than the zoo's.
#include <cmath>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/linear_program.h"
#include "ompq/core/random.h"

namespace {

using namespace ompq;
using namespace ompq::allocation;

constexpr std::int64_t kWidths = 7;  // 2..8 bits

/// Like a network: layers of a thousand to three million weights, losses that fall by about 4 a
/// bit from a level of their own, and a budget of three bits on average.
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
      const std::int64_t unit = k == 0 ? weights : 8 * macs;
      auto& row = item.costs.emplace_back();
      for (const int width : item.widths) row.push_back(unit * width);
      problem.constraints[static_cast<std::size_t>(k)].limit += 3 * unit;
    }
    problem.items.push_back(item);
  }
  return problem;
}

/// Like the paper's program: every bit of a layer is worth the same, nothing curves.
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
