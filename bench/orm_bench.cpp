// Gram matrices per second, and the bytes they read.
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ompq/core/half.h"
#include "ompq/core/random.h"
#include "ompq/orm/gram.h"
#include "ompq/orm/orm.h"

namespace {

using namespace ompq;

void BM_Gram(benchmark::State& state, DataType type) {
  const std::int64_t rows = state.range(0);
  const std::int64_t cols = state.range(1);
  Random random(1);
  std::vector<float> wide(static_cast<std::size_t>(rows * cols));
  std::vector<std::uint16_t> narrow(wide.size());
  for (std::size_t e = 0; e < wide.size(); ++e) {
    wide[e] = static_cast<float>(random.uniform());
    narrow[e] = float_to_bfloat16(wide[e]);
  }
  const void* data = type == DataType::Float32 ? static_cast<const void*>(wide.data())
                                               : static_cast<const void*>(narrow.data());
  for (auto _ : state) {
    benchmark::DoNotOptimize(orm::gram({data, type, rows, cols, cols}).values.data());
  }
  state.SetBytesProcessed(state.iterations() * rows * cols *
                          static_cast<std::int64_t>(size_of(type)));
}
// 802,816 elements: 64 channels at 112 x 112. 7 million: all layers of MobileNetV2 together.
BENCHMARK_CAPTURE(BM_Gram, bfloat16, DataType::BFloat16)
    ->ArgNames({"n", "d"})
    ->Args({32, 802816})
    ->Args({64, 802816})
    ->Args({32, 7000000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Gram, float32, DataType::Float32)
    ->ArgNames({"n", "d"})
    ->Args({32, 802816})
    ->Args({64, 802816})
    ->Args({32, 7000000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_Orm(benchmark::State& state) {
  const std::int64_t n = state.range(1);
  Random random(2);
  std::vector<orm::GramMatrix> grams;
  std::vector<std::string> names;
  for (std::int64_t l = 0; l < state.range(0); ++l) {
    std::vector<float> feature(static_cast<std::size_t>(n * 256));
    for (float& value : feature) value = static_cast<float>(random.uniform());
    grams.push_back(orm::gram({feature.data(), DataType::Float32, n, 256, 256}));
    names.push_back(std::to_string(l));
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        orm::compute_orm(grams, names, orm::Estimator::Debiased).values.data());
  }
}
BENCHMARK(BM_Orm)
    ->ArgNames({"layers", "n"})
    ->Args({53, 32})
    ->Args({53, 64})
    ->Args({500, 64})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
