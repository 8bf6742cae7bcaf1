// Features and ORM of a network, against its plain forward pass: the hot path of the search.
//   bench_features                   32 images of 224x224, 2 threads (--threads=N: another number)
//   bench_features --export=FOLDER   writes the networks as ONNX files, to time another runtime
//   bench_features --profile=NAME    time of one network, node by node
// bench/run_features.mjs compares these with ONNX Runtime's float forward pass.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "ompq/core/random.h"
#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/ops/infer.h"
#include "ompq/orm/orm.h"
#include "ompq/runtime/executor.h"
#include "support/zoo.h"

namespace {

using namespace ompq;
using runtime::Executor;
using runtime::Precision;

constexpr std::int64_t kBatch = 32;
int threads = 2;

struct Network {
  const char* name;
  graph::Graph (*make)(const testing::zoo::Options&);
};
constexpr std::array kNetworks{Network{"resnet18", testing::zoo::resnet18},
                               Network{"resnet50", testing::zoo::resnet50},
                               Network{"mobilenet_v2", testing::zoo::mobilenet_v2}};

const graph::Graph& prepared(const Network& network) {
  static std::unordered_map<std::string, graph::Graph> made;
  const auto [entry, fresh] = made.try_emplace(network.name);
  graph::Graph& graph = entry->second;
  if (!fresh) return graph;
  graph = network.make({});
  ops::infer_and_fold(graph);
  graph::remove_no_ops(graph);
  graph::fold_batch_norms(graph);
  return graph;
}

Tensor images() {
  Random random(1);
  Tensor batch(DataType::Float32, {kBatch, 3, 224, 224});
  for (float& pixel : batch.mutable_data<float>()) pixel = static_cast<float>(random.normal());
  return batch;
}

/// Peak memory of the process.
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// A network with what the search computes: one Gram matrix per layer.
class FeatureRun {
 public:
  FeatureRun(const Network& network, Precision precision, bool profile = false)
      : layers_(graph::discover(prepared(network)).layers),
        grams_(layers_.size()),
        executor_(prepared(network), options(precision, profile)) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      owners_[layers_[l].feature].push_back(l);
      names_.push_back(layers_[l].name);
    }
  }

  const std::vector<orm::GramMatrix>& grams(const Tensor& batch) {
    (void)executor_.run({&batch, 1}, [&](graph::ValueId id, const MatrixView& feature) {
      const orm::GramMatrix gram = orm::gram(feature);
      for (const std::size_t layer : owners_.at(id)) grams_[layer] = gram;
    });
    return grams_;
  }

  const std::vector<std::string>& names() const { return names_; }
  const Executor& executor() const { return executor_; }

 private:
  runtime::ExecutorOptions options(Precision precision, bool profile) const {
    runtime::ExecutorOptions options{
        .precision = precision, .threads = threads, .profile = profile};
    for (const graph::Layer& layer : layers_) options.captured.push_back(layer.feature);
    return options;
  }

  std::vector<graph::Layer> layers_;
  std::vector<orm::GramMatrix> grams_;
  std::unordered_map<graph::ValueId, std::vector<std::size_t>> owners_;
  std::vector<std::string> names_;
  Executor executor_;
};

/// Times each pass separately: on a machine with other load, the fastest is the most reliable.
template <typename Pass>
void time_passes(benchmark::State& state, const Pass& pass) {
  double fastest = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    pass();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    fastest = std::min(fastest, elapsed.count());
  }
  state.counters["fastest_s"] = fastest;
  state.counters["peak_mib"] = peak_mib();
}

void forward(benchmark::State& state, const Network& network, Precision precision) {
  Executor executor(prepared(network), {.precision = precision, .threads = threads});
  const Tensor batch = images();
  time_passes(state, [&] { benchmark::DoNotOptimize(executor.run({&batch, 1})); });
}

void features(benchmark::State& state, const Network& network, Precision precision) {
  FeatureRun run(network, precision);
  const Tensor batch = images();
  time_passes(state,
              [&] { benchmark::DoNotOptimize(orm::compute_orm(run.grams(batch), run.names())); });
}

/// 1,024 images in batches, with the estimator that averages over batches.
void many_images(benchmark::State& state, const Network& network, Precision precision) {
  FeatureRun run(network, precision);
  const Tensor batch = images();
  time_passes(state, [&] {
    orm::OrmAccumulator accumulator(run.names(), orm::Estimator::Debiased);
    for (std::int64_t done = 0; done < 1024; done += kBatch) {
      accumulator.add_batch(run.grams(batch));
    }
    benchmark::DoNotOptimize(accumulator.result());
  });
}

void register_all() {
  struct Kind {
    const char* name;
    void (*run)(benchmark::State&, const Network&, Precision);
  };
  for (const Kind kind : {Kind{"forward", forward}, Kind{"features", features}}) {
    for (const Network& network : kNetworks) {
      for (const bool narrow : {true, false}) {
        if (narrow && !runtime::has_native_bfloat16()) continue;
        const Precision precision = narrow ? Precision::BFloat16 : Precision::Float32;
        const std::string name =
            std::string(kind.name) + "/" + network.name + (narrow ? "/bfloat16" : "/float32");
        benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { kind.run(state, network, precision); })
            ->UseRealTime()
            ->MinWarmUpTime(0.2)
            ->MinTime(2.0)
            ->Unit(benchmark::kSecond);
      }
    }
  }
  benchmark::RegisterBenchmark(
      "features_of_1024_images/resnet50/auto",
      [](benchmark::State& state) { many_images(state, kNetworks[1], Precision::Auto); })
      ->UseRealTime()
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
}

void export_all(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const Network& network : kNetworks) {
    onnx_io::export_onnx(network.make({}), folder / (std::string(network.name) + ".onnx"));
  }
}

void print_profile(std::string_view name) {
  const auto network = std::find_if(
      kNetworks.begin(), kNetworks.end(), [&](const Network& each) { return name == each.name; });
  if (network == kNetworks.end()) {
    std::fprintf(stderr, "bench_features: unknown network '%s'\n", std::string(name).c_str());
    return;
  }
  for (const Precision precision : {Precision::Auto, Precision::Float32}) {
    FeatureRun run(*network, precision, /*profile=*/true);
    const Tensor batch = images();
    for (int i = 0; i < 10; ++i) (void)run.grams(batch);
    double total = 0.0;
    for (const runtime::NodeTime& row : run.executor().profile()) {
      const double ms = 1e3 * row.fastest_seconds;
      total += ms;
      std::printf("%8.2f ms  %-12s %-32s %s\n",
                  ms,
                  row.op_type.c_str(),
                  row.kernel.c_str(),
                  row.name.c_str());
    }
    std::printf("%8.2f ms  in all nodes\n\n", total);
  }
}

/// The text after `name` in an argument that starts with it; removes the argument from the list.
std::optional<std::string> take_argument(int& argc, char** argv, std::string_view name) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (!argument.starts_with(name)) continue;
    std::rotate(argv + i, argv + i + 1, argv + argc--);
    return std::string(argument.substr(name.size()));
  }
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto count = take_argument(argc, argv, "--threads=")) threads = std::stoi(*count);
  if (const auto folder = take_argument(argc, argv, "--export=")) {
    export_all(*folder);
    return 0;
  }
  if (const auto name = take_argument(argc, argv, "--profile=")) {
    print_profile(*name);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
