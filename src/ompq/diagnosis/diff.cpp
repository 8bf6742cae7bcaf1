#include "ompq/diagnosis/diff.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/diagnosis/layer_matching.h"
#include "ompq/pipeline/value_comparison.h"
#include "ompq/scores/class_scores.h"

namespace ompq::diagnosis {
namespace {

using graph::ValueId;

/// For each entry of `wanted`, its index in `given`: by name, or, if a name is missing, all in
/// order. Nullopt if the numbers of entries differ.
std::vector<std::size_t> places_of(const graph::Graph& wanted_in,
                                   const std::vector<ValueId>& wanted,
                                   const graph::Graph& given_in,
                                   const std::vector<ValueId>& given) {
  if (wanted.size() != given.size()) return {};
  std::vector<std::size_t> by_name;
  std::vector<std::size_t> in_order;
  for (const ValueId id : wanted) {
    in_order.push_back(in_order.size());
    const auto named = std::find_if(given.begin(), given.end(), [&](ValueId other) {
      return given_in.value(other).name == wanted_in.value(id).name;
    });
    if (named != given.end()) {
      by_name.push_back(static_cast<std::size_t>(named - given.begin()));
    }
  }
  return by_name.size() == wanted.size() ? by_name : in_order;
}

std::string inputs_text(const pipeline::Model& model) {
  std::string text;
  for (const ValueId id : model.graph.inputs()) {
    const graph::Value& input = model.graph.value(id);
    text += fmt::format("{}'{}' {}", text.empty() ? "" : ", ", input.name, to_string(*input.shape));
  }
  return text;
}

/// Which of a's inputs feeds each of b's.
std::vector<std::size_t> input_places(const pipeline::Model& a, const pipeline::Model& b) {
  const auto places = places_of(b.graph, b.graph.inputs(), a.graph, a.graph.inputs());
  const auto of_a = pipeline::input_specs(a.graph);
  const auto of_b = pipeline::input_specs(b.graph);
  bool fits = of_a.size() == of_b.size();
  for (std::size_t i = 0; fits && i < of_b.size(); ++i) {
    fits = of_b[i].extents == of_a[places[i]].extents;
  }
  if (!fits) {
    throw ShapeError("diff",
                     fmt::format("'{}' has the inputs {}, but '{}' has {}; give two forms of one "
                                 "network, or set the shapes with --input-shape",
                                 a.file.string(),
                                 inputs_text(a),
                                 b.file.string(),
                                 inputs_text(b)));
  }
  return places;
}

/// A row and its accumulated sums.
struct Place {
  report::DiffRow row;
  pipeline::ValueComparison sums;
};

class Differ {
 public:
  Differ(const pipeline::Model& a, const pipeline::Model& b, const DiffOptions& options)
      : a_(a),
        b_(b),
        inputs_(input_places(a, b)),
        matching_(match_layers(a, b)),
        outputs_(places_of(a.graph, a.graph.outputs(), b.graph, b.graph.outputs())) {
    add_layers();
    add_outputs();
    if (places_.empty()) {
      throw ConfigError("diff",
                        fmt::format("'{}' and '{}' have no layer and no output in common; give two "
                                    "forms of one network",
                                    a.file.string(),
                                    b.file.string()));
    }
    executor_a_.emplace(a.graph, capturing(options.executor, watched_a_));
    executor_b_.emplace(b.graph, capturing(options.executor, watched_b_));
  }

  void add(const data::Batch& batch) {
    const pipeline::CapturedBatch in_a = pipeline::run_captured(*executor_a_, batch.inputs);
    std::vector<Tensor> inputs;
    for (const std::size_t place : inputs_) inputs.push_back(batch.inputs[place]);
    const auto outputs_b = executor_b_->run(inputs, [&](ValueId id, const MatrixView& rows) {
      const std::vector<float> values = pipeline::floats_of(rows);
      const auto [begin, end] = rows_of_b_.equal_range(id);
      for (auto it = begin; it != end; ++it) {
        places_[it->second].sums.add(in_a.values.at(watched_a_[it->second]), values);
      }
    });
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      if (output_place_[o] == kSkipped) continue;
      const Tensor& output_a = in_a.outputs[o];
      const Tensor& output_b = outputs_b[outputs_[o]];
      // A value over all samples of a pass cannot be compared if the other network's passes are
      // larger.
      if (output_a.elements() != output_b.elements()) continue;
      places_[output_place_[o]].sums.add(output_a.to_floats(), output_b.to_floats());
    }
    if (!outputs_.empty()) count_agreement(in_a.outputs.front(), outputs_b[outputs_.front()]);
    samples_ += batch.size;
  }

  void report(double threshold_db, report::Diff& result) const {
    result.threshold_db = threshold_db;
    for (const Place& place : places_) {
      result.rows.push_back(finished(place, threshold_db));
    }
    for (const auto l : matching_.only_in_a) result.only_in_a.push_back(name(a_, l));
    for (const auto l : matching_.only_in_b) result.only_in_b.push_back(name(b_, l));
    if (scored_ > 0) result.agreement = static_cast<double>(agreed_) / static_cast<double>(scored_);
  }

  [[nodiscard]] const std::vector<ValueId>& watched() const { return watched_a_; }
  [[nodiscard]] std::int64_t samples() const { return samples_; }

 private:
  static constexpr std::size_t kSkipped = static_cast<std::size_t>(-1);

  static const std::string& name(const pipeline::Model& model, graph::LayerId id) {
    return model.discovery.layers.at(static_cast<std::size_t>(id)).name;
  }

  static runtime::ExecutorOptions capturing(runtime::ExecutorOptions options,
                                            const std::vector<ValueId>& watched) {
    options.captured = watched;
    return options;
  }

  void add_layers() {
    for (const MatchedLayer& matched : matching_.layers) {
      const auto& layer = a_.discovery.layers.at(static_cast<std::size_t>(matched.layer_a));
      rows_of_b_.emplace(matched.value_b, places_.size());
      watched_a_.push_back(matched.value_a);
      watched_b_.push_back(matched.value_b);
      places_.push_back({.row = {.layer = layer.name,
                                 .layer_b = name(b_, matched.layer_b),
                                 .op_type = layer.op_type,
                                 .value_a = a_.graph.value(matched.value_a).name,
                                 .value_b = b_.graph.value(matched.value_b).name,
                                 .matched_by = std::string(text_of(matched.by))},
                         .sums = {}});
    }
  }

  void add_outputs() {
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const graph::Value& in_a = a_.graph.value(a_.graph.outputs()[o]);
      const graph::Value& in_b = b_.graph.value(b_.graph.outputs()[outputs_[o]]);
      const bool fits = in_a.shape && in_b.shape && same_extents(*in_a.shape, *in_b.shape);
      output_place_.push_back(fits ? places_.size() : kSkipped);
      if (!fits) continue;
      places_.push_back({.row = {.layer = in_a.name,
                                 .layer_b = in_b.name,
                                 .op_type = "output",
                                 .value_a = in_a.name,
                                 .value_b = in_b.name,
                                 .matched_by = in_a.name == in_b.name ? "value name" : "order"},
                         .sums = {}});
    }
  }

  static bool same_extents(const graph::Shape& a, const graph::Shape& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t d = 1; d < a.size(); ++d) {
      if (a[d].size != b[d].size) return false;
    }
    return true;
  }

  void count_agreement(const Tensor& in_a, const Tensor& in_b) {
    const auto a = scores::as_scores(in_a, scores::Kind::None);
    const auto b = scores::as_scores(in_b, scores::Kind::None);
    if (!a || !b || a->classes != b->classes || a->rows != b->rows) return;
    for (std::int64_t i = 0; i < a->rows; ++i) {
      agreed_ += scores::best_class(a->row(i)) == scores::best_class(b->row(i)) ? 1 : 0;
    }
    scored_ += a->rows;
  }

  static report::DiffRow finished(const Place& place, double threshold_db) {
    report::DiffRow row = place.row;
    row.snr_db = place.sums.snr_db();
    row.cosine = place.sums.cosine();
    row.finite = place.sums.finite();
    row.equal = row.finite && !(place.sums.noise > 0);
    row.largest_difference = row.finite ? place.sums.largest : 0;
    row.diverged = !row.equal && (!row.snr_db || *row.snr_db < threshold_db);
    return row;
  }

  const pipeline::Model& a_;
  const pipeline::Model& b_;
  std::vector<std::size_t> inputs_;
  LayerMatching matching_;
  std::vector<std::size_t> outputs_;       // index in b of each of a's outputs
  std::vector<std::size_t> output_place_;  // in places_
  std::vector<Place> places_;
  std::vector<ValueId> watched_a_;  // one per layer row
  std::vector<ValueId> watched_b_;
  std::multimap<ValueId, std::size_t> rows_of_b_;
  std::optional<runtime::Executor> executor_a_;
  std::optional<runtime::Executor> executor_b_;
  std::int64_t agreed_ = 0;
  std::int64_t scored_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace

report::Diff diff(const pipeline::Model& a,
                  const pipeline::Model& b,
                  pipeline::Samples& samples,
                  const DiffOptions& options,
                  const ProgressHandler& progress) {
  const auto begin = std::chrono::steady_clock::now();
  Differ differ(a, b, options);
  data::for_each_batch(
      *samples.dataset,
      samples.indices,
      pipeline::capture_batch_size(a.graph, differ.watched(), options.batch_size),
      [&](const data::Batch& batch) { differ.add(batch); },
      "comparison",
      progress);
  if (differ.samples() == 0) {
    throw DataError("diff", "no sample could be read; give at least one valid sample");
  }
  report::Diff result;
  result.a = {a.file.string(), a.sha256, a.file_bytes};
  result.b = {b.file.string(), b.sha256, b.file_bytes};
  result.samples = samples.used;
  result.samples.skipped = samples.dataset->skipped();
  differ.report(options.threshold_db, result);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  result.seconds = elapsed.count();
  return result;
}

}  // namespace ompq::diagnosis
