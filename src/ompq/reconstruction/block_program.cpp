#include "ompq/reconstruction/block_program.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>

#include <fmt/format.h>
#include <omp.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"
#include "ompq/reconstruction/block_compiler.h"
#include "ompq/runtime/thread_scope.h"

namespace ompq::reconstruction {

using graph::ValueId;

struct BlockProgram::Impl {
  ProgramOptions options;
  int threads;
  CompiledBlock compiled;
  std::vector<Lane> lanes;
  double last_loss = 0.0;

  Impl(const graph::Graph& block, const LearnedParts& learned, const ProgramOptions& given)
      : options(given), threads(runtime::resolved_threads(given.threads)) {
    compiled = compile_block(block,
                             learned,
                             {element(),
                              given.batch,
                              threads,
                              drop_threshold(given.drop_probability),
                              given.rows,
                              given.features});
    const std::int64_t parts = std::max<std::int64_t>(options.batch / compiled.rows, 1);
    lanes.resize(static_cast<std::size_t>(std::min<std::int64_t>(threads, parts)));
    for (Lane& lane : lanes) prepare_lane(compiled, lane);
    changed();
  }

  [[nodiscard]] runtime::Precision precision() const {
    if (options.precision != runtime::Precision::Auto) return options.precision;
    return runtime::Precision::Float32;  // no test has shown that bfloat16 is equally good
  }
  [[nodiscard]] Element element() const {
    return precision() == runtime::Precision::BFloat16 ? Element::BFloat16 : Element::Float32;
  }

  // --- parameters --------------------------------------------------------------------------------

  /// Smaller weights are processed by one thread.
  [[nodiscard]] int threads_for(const BlockWeight& weight) const {
    constexpr std::size_t kLeastShared = std::size_t{1} << 18;
    return weight.values.size() < kLeastShared ? 1 : threads;
  }

  void changed() {
    for (ProductEntry& entry : compiled.products) {
      const BlockWeight& weight = compiled.weights[entry.op->spec().weight];
      if (weight.fresh) {
        const runtime::ThreadScope scope(threads_for(weight));
        entry.op->set_weights(weight.values);
      }
      if (!entry.bias.empty()) entry.op->set_bias(rounded_bias(entry, weight));
    }
    for (GenericOp* op : compiled.generics) {
      if (!op->spec().learned_input) continue;
      BlockWeight& weight = compiled.weights[op->spec().weight];
      op->set_constant(*op->spec().learned_input,
                       at::from_blob(weight.values.data(), weight.shape, at::kFloat));
    }
    for (BlockWeight& weight : compiled.weights) weight.fresh = weight.learned;
  }

  /// The bias in whole steps; unlike quant::round_biases, with all bits of large ones.
  [[nodiscard]] std::vector<float> rounded_bias(const ProductEntry& entry,
                                                const BlockWeight& weight) const {
    std::vector<float> bias = entry.bias;
    if (!entry.quantizer || weight.scales.empty()) return bias;
    const float step = compiled.quantizers[*entry.quantizer].step;
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const float unit = step * weight.scales[c % weight.scales.size()];
      bias[c] = std::nearbyint(bias[c] / unit) * unit;
    }
    return bias;
  }

  // --- one step ----------------------------------------------------------------------------------

  void load(Lane& lane, const StepData& data, std::span<const std::int64_t> rows) const {
    const at::Tensor& input = lane.values[compiled.input];
    const std::int64_t cols = data.inputs->cols();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto at = static_cast<std::int64_t>(r);
      const CachedRow own{data.inputs->row(rows[r]).data(), data.inputs->row_scale(rows[r])};
      CachedRow other;
      if (data.float_inputs != nullptr) {
        other = {data.float_inputs->row(rows[r]).data(), data.float_inputs->row_scale(rows[r])};
      }
      const Drop drop{
          lane.seed,
          drop_threshold(options.drop_probability),
          (lane.first_row + static_cast<std::uint32_t>(r)) * static_cast<std::uint32_t>(cols)};
      load_row(element(),
               static_cast<char*>(input.data_ptr()) + at * cols * input.element_size(),
               cols,
               own,
               data.float_inputs != nullptr ? &other : nullptr,
               drop);
    }
  }

  static CachedRow cached_row(const rounding::SampleCache& cache, std::int64_t row) {
    return {cache.row(row).data(), cache.row_scale(row)};
  }

  /// Calls error(values, gradient, r) for the r-th row of the slot, which sets its gradient.
  /// @param cols  elements of a row. @return the sum of the errors.
  template <typename Error>
  static double sum_errors(
      Lane& lane, Slot slot, std::size_t rows, std::int64_t cols, const Error& error) {
    const at::Tensor& made = lane.values[slot];
    const at::Tensor& gradient = lane.gradients[slot];
    const auto stride = static_cast<std::size_t>(cols * made.element_size());
    double sum = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      sum += error(static_cast<char*>(made.data_ptr()) + r * stride,
                   static_cast<char*>(gradient.data_ptr()) + r * stride,
                   r);
    }
    lane.written[slot] = true;
    return sum;
  }

  void compare(Lane& lane,
               const StepData& data,
               std::span<const std::int64_t> rows,
               double factor) const {
    const std::int64_t cols = data.targets->cols();
    const auto slope = static_cast<float>(factor);
    const auto error = [&](const char* made, char* gradient, std::size_t r) {
      const CachedRow target = cached_row(*data.targets, rows[r]);
      if (data.loss == BlockLoss::Divergence) {
        return divergence(element(), made, gradient, cols, target, slope);
      }
      CachedRow weight;
      if (data.weights != nullptr) weight = cached_row(*data.weights, rows[r]);
      return squared_error(element(),
                           made,
                           gradient,
                           cols,
                           target,
                           data.weights != nullptr ? &weight : nullptr,
                           slope);
    };
    lane.loss += factor * sum_errors(lane, compiled.output, rows.size(), cols, error);
  }

  /// Gradients of the features' squared errors; they are not part of the loss.
  void compare_features(Lane& lane,
                        const StepData& data,
                        std::span<const std::int64_t> rows) const {
    for (std::size_t f = 0; f < data.features.size(); ++f) {
      const FeatureTarget& feature = data.features[f];
      const Slot slot = compiled.features[f];
      if (!compiled.slots[slot].needs_gradient) continue;
      const std::int64_t cols = feature.targets->cols();
      (void)sum_errors(
          lane, slot, rows.size(), cols, [&](const char* made, char* gradient, std::size_t r) {
            return squared_error(element(),
                                 made,
                                 gradient,
                                 cols,
                                 cached_row(*feature.targets, rows[r] - feature.skipped),
                                 nullptr,
                                 static_cast<float>(feature.factor));
          });
    }
  }

  void pass(Lane& lane, const StepData& data, std::span<const std::int64_t> rows, double factor) {
    load(lane, data, rows);
    for (const auto& op : compiled.ops) op->forward(lane);
    std::fill(lane.written.begin(), lane.written.end(), false);
    compare(lane, data, rows, factor);
    compare_features(lane, data, rows);
    for (auto op = compiled.ops.rbegin(); op != compiled.ops.rend(); ++op) {
      const auto& outputs = (*op)->outputs;
      const bool reached = std::any_of(
          outputs.begin(), outputs.end(), [&](Slot slot) { return lane.written[slot]; });
      if (reached) (*op)->backward(lane);
    }
  }

  void run_lane(std::size_t l,
                const StepData& data,
                std::span<const std::int64_t> rows,
                std::uint32_t seed,
                double factor) {
    Lane& lane = lanes[l];
    lane.seed = seed;
    lane.loss = 0.0;
    for (auto& sums : lane.weight_gradients) std::fill(sums.begin(), sums.end(), 0.0F);
    for (auto& sums : lane.bias_gradients) std::fill(sums.begin(), sums.end(), 0.0F);
    std::fill(lane.step_gradients.begin(), lane.step_gradients.end(), 0.0);
    const auto size = static_cast<std::size_t>(compiled.rows);
    for (std::size_t at = l * size; at < rows.size(); at += size * lanes.size()) {
      lane.first_row = static_cast<std::uint32_t>(at);
      pass(lane, data, rows.subspan(at, size), factor);
    }
  }

  double step(const StepData& data,
              std::span<const std::int64_t> rows,
              std::uint32_t seed,
              double factor) {
    const runtime::ThreadScope scope(threads);
    std::vector<std::exception_ptr> faults(lanes.size());
    const auto run = [&](std::size_t l) {
      try {
        run_lane(l, data, rows, seed, factor);
      } catch (...) {
        faults[l] = std::current_exception();
      }
    };
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(lanes.size()))
    for (std::size_t l = 0; l < lanes.size(); ++l) run(l);
    for (const auto& fault : faults) {
      if (fault) std::rethrow_exception(fault);
    }
    collect();
    return std::accumulate(lanes.begin(), lanes.end(), 0.0, [](double sum, const Lane& lane) {
      return sum + lane.loss;
    });
  }

  void collect() {
    for (BlockWeight& weight : compiled.weights) {
      std::fill(weight.gradient.begin(), weight.gradient.end(), 0.0F);
    }
    for (ProductEntry& entry : compiled.products) {
      if (!entry.op->spec().learns_weight) continue;
      BlockWeight& weight = compiled.weights[entry.op->spec().weight];
      const runtime::ThreadScope scope(threads_for(weight));
      entry.op->collect(lanes, weight.gradient);
      std::fill(entry.bias_gradient.begin(), entry.bias_gradient.end(), 0.0F);
      entry.op->collect_bias(lanes, entry.bias_gradient);
    }
    for (GenericOp* op : compiled.generics) {
      if (op->spec().learned_input)
        op->collect(lanes, compiled.weights[op->spec().weight].gradient);
    }
    for (BlockQuantizer& quantizer : compiled.quantizers) {
      quantizer.gradient = 0.0;
      for (const Lane& lane : lanes) quantizer.gradient += lane.step_gradients[quantizer.op->index];
    }
  }

  BlockWeight& weight(ValueId id) {
    const auto found = std::find_if(compiled.weights.begin(),
                                    compiled.weights.end(),
                                    [&](const BlockWeight& each) { return each.value == id; });
    if (found == compiled.weights.end()) {
      throw ConfigError("reconstruction", "the block has no such weight; give a layer's weight");
    }
    return *found;
  }

  ProductEntry& product_of_bias(ValueId id) {
    const auto found = std::find_if(
        compiled.products.begin(), compiled.products.end(), [&](const ProductEntry& each) {
          return id != graph::kNoValue && each.bias_value == id;
        });
    if (found == compiled.products.end()) {
      throw ConfigError("reconstruction", "the block has no such bias; give a layer's bias");
    }
    return *found;
  }

  BlockQuantizer& quantizer(ValueId id) {
    const auto found = std::find_if(compiled.quantizers.begin(),
                                    compiled.quantizers.end(),
                                    [&](const BlockQuantizer& each) { return each.value == id; });
    if (found == compiled.quantizers.end()) {
      throw ConfigError("reconstruction", "the block does not quantize this activation");
    }
    return *found;
  }
};

BlockProgram::BlockProgram(const graph::Graph& block,
                           const LearnedParts& learned,
                           const ProgramOptions& options)
    : impl_(std::make_unique<Impl>(block, learned, options)) {}
BlockProgram::~BlockProgram() = default;

std::span<float> BlockProgram::weights(ValueId weight) {
  BlockWeight& found = impl_->weight(weight);
  found.fresh = true;
  return found.values;
}

std::span<float> BlockProgram::bias(ValueId bias) { return impl_->product_of_bias(bias).bias; }

std::vector<ValueId> BlockProgram::learnable_biases() const {
  std::vector<ValueId> biases;
  for (const ProductEntry& entry : impl_->compiled.products) {
    if (!entry.bias_gradient.empty()) biases.push_back(entry.bias_value);
  }
  // A bias shared by two products has two gradients and is not learned.
  std::sort(biases.begin(), biases.end());
  std::vector<ValueId> own;
  for (const ValueId id : biases) {
    if (std::count(biases.begin(), biases.end(), id) == 1) own.push_back(id);
  }
  return own;
}

void BlockProgram::set_weight_scales(ValueId weight, std::vector<float> scales) {
  impl_->weight(weight).scales = std::move(scales);
}

void BlockProgram::weights_changed() { impl_->changed(); }

void BlockProgram::set_step(ValueId activation, float step) {
  BlockQuantizer& quantizer = impl_->quantizer(activation);
  quantizer.step = step;
  quantizer.op->set_step(step);
}

double BlockProgram::step(const StepData& data,
                          std::span<const std::int64_t> rows,
                          std::uint32_t seed,
                          double factor) {
  if (static_cast<std::int64_t>(rows.size()) % impl_->compiled.rows != 0) {
    throw ShapeError("reconstruction",
                     fmt::format("got {} rows for a step of {}; give {}",
                                 rows.size(),
                                 impl_->compiled.rows,
                                 impl_->options.batch));
  }
  return impl_->step(data, rows, seed, factor);
}

std::span<const float> BlockProgram::weight_gradient(ValueId weight) const {
  return impl_->weight(weight).gradient;
}
std::span<const float> BlockProgram::bias_gradient(ValueId bias) const {
  return impl_->product_of_bias(bias).bias_gradient;
}
double BlockProgram::step_gradient(ValueId activation) const {
  return impl_->quantizer(activation).gradient;
}
std::int64_t BlockProgram::activation_elements(ValueId activation) const {
  const BlockQuantizer& quantizer = impl_->quantizer(activation);
  const auto elements = impl_->lanes.front().values[quantizer.op->spec().input].numel();
  return elements / impl_->compiled.rows * impl_->options.batch;
}

runtime::Precision BlockProgram::precision() const { return impl_->precision(); }
std::int64_t BlockProgram::rows_at_once() const { return impl_->compiled.rows; }

}  // namespace ompq::reconstruction
