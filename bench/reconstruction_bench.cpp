// Steps of block reconstruction: a forward and a backward pass, gradients, and the update of
// rounding variables and activation steps, batch 32, 2 threads (--threads=N for another number).
//
//   bench_reconstruction
//
// `ours` is what `ompq quantize` runs; `eager` is the same block, written as usual in PyTorch:
// LibTorch operator by operator, float32, NCHW, gradients by autograd. Both quantize weights to 4
// bits and activations to 8, with dropping (QDrop) and learned steps (LSQ), on the same samples.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>

#include "ompq/core/random.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/infer.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_training.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/thread_scope.h"
#include "support/zoo.h"

namespace {

using namespace ompq;
using graph::ValueId;

constexpr std::int64_t kBatch = 32;
constexpr std::int64_t kSamples = 64;
int threads = 2;

struct Place {
  const char* network;
  graph::Graph (*make)(const testing::zoo::Options&);
  const char* layer;  ///< any layer of the block
};
constexpr Place kPlaces[]{{"mobilenet_v2", testing::zoo::mobilenet_v2, "features.3.conv.0.0"},
                          {"mobilenet_v2", testing::zoo::mobilenet_v2, "features.8.conv.0.0"},
                          {"resnet18", testing::zoo::resnet18, "layer1.1.conv1"},
                          {"resnet18", testing::zoo::resnet18, "layer3.1.conv1"}};

Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Random random(seed);
  Tensor tensor(DataType::Float32, std::move(shape));
  for (float& value : tensor.mutable_data<float>()) value = static_cast<float>(random.normal());
  return tensor;
}

/// One block with quantizers and samples.
struct BlockSetup {
  rounding::PartGraph part;
  std::vector<graph::Layer> layers;
  std::map<ValueId, quant::QuantizedTensor> codes;
  std::map<ValueId, quant::QuantParams> quantizers;
  rounding::CacheMemory memory{std::int64_t{4} << 30};
  std::shared_ptr<rounding::SampleCache> inputs;
  std::shared_ptr<rounding::SampleCache> float_inputs;
  std::shared_ptr<rounding::SampleCache> targets;

  explicit BlockSetup(const Place& place) {
    graph::Graph graph = place.make({});
    ops::infer_and_fold(graph);
    graph::remove_no_ops(graph);
    graph::fold_batch_norms(graph);
    graph.sort();
    const graph::Discovery found = graph::discover(graph);
    const graph::Block& block =
        *std::find_if(found.blocks.begin(), found.blocks.end(), [&](const graph::Block& each) {
          return std::any_of(each.layers.begin(), each.layers.end(), [&](graph::LayerId id) {
            return found.layers[static_cast<std::size_t>(id)].name == place.layer;
          });
        });
    part = rounding::extract_part(graph, block.nodes, {&block.input, 1}, {&block.output, 1});
    layers = rounding::layers_of_part(part, found.layers);
    for (const graph::Layer& layer : layers) {
      codes.emplace(layer.weight, rounding::quantize_weight(part.graph, layer, BitWidth(4)));
      quantizers.emplace(
          layer.input,
          quant::qparams_from_range(-3.0F, 3.0F, BitWidth(8), quant::Symmetry::Asymmetric));
    }
    inputs = filled(part.graph.inputs().front(), 1);
    float_inputs = filled(part.graph.inputs().front(), 2);
    targets = filled(part.graph.outputs().front(), 3);
  }

  std::shared_ptr<rounding::SampleCache> filled(ValueId value, std::uint64_t seed) {
    const std::int64_t cols = rounding::elements_per_sample(part.graph, value);
    auto cache = std::make_shared<rounding::SampleCache>(kSamples, cols, memory);
    const Tensor values = normal({kSamples, cols}, seed);
    cache->write(0, {values.bytes().data(), DataType::Float32, kSamples, cols, cols});
    return cache;
  }

  reconstruction::TrainingProblem problem() const {
    reconstruction::TrainingProblem problem{
        .block = part.graph, .codes = codes, .quantizers = quantizers};
    for (const auto& [value, params] : quantizers)
      problem.learned_steps.emplace(value, rounding::ScaleRule{});
    problem.data = {
        .inputs = inputs.get(), .float_inputs = float_inputs.get(), .targets = targets.get()};
    return problem;
  }
};

// --- ours ----------------------------------------------------------------------------------------

void run_ours(benchmark::State& state, const Place& place, runtime::Precision precision) {
  const BlockSetup setup(place);
  const reconstruction::TrainingProblem problem = setup.problem();
  double fastest = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    auto before = std::chrono::steady_clock::now();
    (void)reconstruction::train_block(problem,
                                      {.iterations = 20,
                                       .batch = kBatch,
                                       .drop_probability = 0.5,
                                       .precision = precision,
                                       .threads = threads},
                                      1,
                                      [&](std::int64_t, double) {
                                        const auto now = std::chrono::steady_clock::now();
                                        const std::chrono::duration<double> step = now - before;
                                        before = now;
                                        fastest = std::min(fastest, step.count());
                                      });
  }
  state.counters["fastest_ms"] = 1e3 * fastest;
  state.counters["steps_per_s"] = 1.0 / fastest;
}

// --- eager ---------------------------------------------------------------------------------------

/// A parameter with Adam's moments, updated operator by operator.
struct Parameter {
  at::Tensor value;
  at::Tensor first;
  at::Tensor second;

  explicit Parameter(const at::Tensor& start)
      : value(start.clone().requires_grad_(true)),
        first(at::zeros_like(start)),
        second(at::zeros_like(start)) {}

  void update(double rate, std::int64_t number) {
    const at::NoGradGuard no_grad;
    const at::Tensor gradient = value.grad();
    first.mul_(0.9).add_(gradient, 0.1);
    second.mul_(0.999).addcmul_(gradient, gradient, 0.001);
    const double steps = static_cast<double>(number);
    const at::Tensor root = (second / (1 - std::pow(0.999, steps))).sqrt_().add_(1e-8);
    value.addcdiv_(first, root, -rate / (1 - std::pow(0.9, steps)));
    value.mutable_grad() = at::Tensor();
  }
};

class EagerBlock {
 public:
  explicit EagerBlock(const BlockSetup& setup) : setup_(setup), network_(setup.part.graph) {
    const graph::Graph& g = setup.part.graph;
    for (const auto& [weight, codes] : setup.codes) {
      const at::Tensor exact = ops::to_aten(*g.value(weight).constant);
      std::vector<std::int64_t> extents(static_cast<std::size_t>(exact.dim()), 1);
      extents[0] = -1;
      scales_[weight] = at::tensor(codes.params.scale).reshape(extents);
      lower_[weight] = at::floor(exact / scales_[weight]);
      const at::Tensor rest = exact / scales_[weight] - lower_[weight];
      rounding_.emplace(weight, -at::log(1.2 / (rest + 0.1) - 1));
    }
    for (const auto& [value, params] : setup.quantizers) {
      steps_.emplace(value, at::full({1}, params.scale.front()));
    }
    inputs_ = image(*setup.inputs, g.inputs().front());
    float_inputs_ = image(*setup.float_inputs, g.inputs().front());
    targets_ = image(*setup.targets, g.outputs().front());
  }

  double step(std::int64_t number) {
    const at::Tensor rows = at::randperm(kSamples, at::kLong).narrow(0, 0, kBatch);
    const at::Tensor loss = reconstruction_loss(rows) + pressure(5.0) * 0.01;
    loss.backward();
    for (auto& [weight, parameter] : rounding_) parameter.update(1e-3, number);
    for (auto& [value, parameter] : steps_) parameter.update(4e-5, number);
    return loss.item<double>();
  }

 private:
  static at::Tensor image(const rounding::SampleCache& cache,
                          const graph::Graph& g,
                          ValueId value) {
    const auto extents = graph::extents_at(*g.value(value).shape, kSamples);
    at::Tensor rows = at::empty({kSamples, cache.cols()});
    for (std::int64_t r = 0; r < kSamples; ++r) {
      cache.read(
          r, {rows.data_ptr<float>() + r * cache.cols(), static_cast<std::size_t>(cache.cols())});
    }
    return rows.reshape({extents[0], extents[2], extents[3], extents[1]})
        .permute({0, 3, 1, 2})
        .contiguous();
  }
  at::Tensor image(const rounding::SampleCache& cache, ValueId value) const {
    return image(cache, setup_.part.graph, value);
  }

  static at::Tensor soft(const at::Tensor& v) {
    return at::clamp(at::sigmoid(v) * 1.2 - 0.1, 0, 1);
  }

  at::Tensor weight_of(ValueId weight) const {
    const auto& params = setup_.codes.at(weight).params;
    const auto zero = params.zero_point;
    const at::Tensor zeros = at::tensor(std::vector<float>(zero.begin(), zero.end()))
                                 .reshape(scales_.at(weight).sizes());
    const at::Tensor levels = lower_.at(weight) + soft(rounding_.at(weight).value) + zeros;
    return (at::clamp(levels, 0, params.bits.levels() - 1) - zeros) * scales_.at(weight);
  }

  at::Tensor quantized(const at::Tensor& x, ValueId value) const {
    const auto& params = setup_.quantizers.at(value);
    const double zero = params.zero_point.front();
    const double max = params.bits.levels() - 1;
    const double scale = 1.0 / std::sqrt(static_cast<double>(x.numel()) * max);
    const at::Tensor& learned = steps_.at(value).value;
    const at::Tensor step = (learned - learned * scale).detach() + learned * scale;
    const at::Tensor ratio = x / step;
    const at::Tensor rounded = (at::round(ratio) - ratio).detach() + ratio;
    const at::Tensor y = at::clamp(rounded, -zero, max - zero) * step;
    return at::where(at::rand_like(x).lt(0.5), y, x);
  }

  at::Tensor reconstruction_loss(const at::Tensor& rows) const {
    const graph::Graph& g = setup_.part.graph;
    runtime::Bindings bound;
    for (const auto& [weight, parameter] : rounding_) bound[weight] = weight_of(weight);
    const ValueId input = g.inputs().front();
    const at::Tensor x = inputs_.index_select(0, rows);
    bound[input] = quantized(
        at::where(at::rand_like(x).lt(0.5), x, float_inputs_.index_select(0, rows)), input);
    for (const graph::Layer& layer : setup_.layers) {
      if (bound.contains(layer.input)) continue;
      bound[layer.input] =
          quantized(network_.evaluate(bound, {&layer.input, 1}).front(), layer.input);
    }
    const ValueId output = g.outputs().front();
    const at::Tensor made = network_.evaluate(bound, {&output, 1}).front();
    return (made - targets_.index_select(0, rows)).square().sum(1).mean();
  }

  at::Tensor pressure(double beta) const {
    at::Tensor sum = at::zeros({});
    for (const auto& [weight, parameter] : rounding_) {
      sum = sum + (1 - at::abs(soft(parameter.value) * 2 - 1).pow(beta)).sum();
    }
    return sum;
  }

  const BlockSetup& setup_;
  runtime::DifferentiableGraph network_;
  std::map<ValueId, at::Tensor> scales_;
  std::map<ValueId, at::Tensor> lower_;
  std::map<ValueId, Parameter> rounding_;
  std::map<ValueId, Parameter> steps_;
  at::Tensor inputs_;
  at::Tensor float_inputs_;
  at::Tensor targets_;
};

void run_eager(benchmark::State& state, const Place& place) {
  const runtime::ThreadScope scope(threads);
  const at::AutoGradMode recording(true);
  const BlockSetup setup(place);
  EagerBlock block(setup);
  double fastest = std::numeric_limits<double>::infinity();
  std::int64_t number = 0;
  for (auto _ : state) {
    const auto before = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(block.step(++number));
    const std::chrono::duration<double> step = std::chrono::steady_clock::now() - before;
    fastest = std::min(fastest, step.count());
  }
  state.counters["fastest_ms"] = 1e3 * fastest;
  state.counters["steps_per_s"] = 1.0 / fastest;
}

void register_all() {
  for (const Place& place : kPlaces) {
    const std::string where = std::string(place.network) + "/" + place.layer;
    const auto add = [&](const std::string& name, int iterations, auto run) {
      benchmark::RegisterBenchmark((name + "/" + where).c_str(), run)
          ->UseRealTime()
          ->Iterations(iterations)
          ->Unit(benchmark::kMillisecond);
    };
    for (const auto precision : {runtime::Precision::Float32, runtime::Precision::BFloat16}) {
      const bool narrow = precision == runtime::Precision::BFloat16;
      if (narrow && !runtime::has_native_bfloat16()) continue;
      add(narrow ? "ours_bfloat16" : "ours_float32", 1, [=](benchmark::State& state) {
        run_ours(state, place, precision);
      });
    }
    add("eager", 5, [=](benchmark::State& state) { run_eager(state, place); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (!argument.starts_with("--threads=")) continue;
    threads = std::stoi(std::string(argument.substr(10)));
    std::rotate(argv + i, argv + i + 1, argv + argc--);
    break;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
