#include "ompq/pipeline/quantize.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "ompq/core/log.h"
#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/diagnosis.h"
#include "ompq/pipeline/distributions.h"
#include "ompq/pipeline/fingerprint.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/quantization_plan.h"
#include "ompq/pipeline/stopwatch.h"

namespace ompq::pipeline {
namespace {

/// One run, step by step.
class Quantizer {
 public:
  Quantizer(const Model& given,
            Samples& samples,
            Samples& evaluation,
            const std::vector<std::int64_t>& tuning,
            const QuantizeOptions& options,
            Journal* journal,
            const ProgressHandler& progress)
      : given_(given),
        samples_(samples),
        evaluation_(evaluation),
        tuning_(tuning),
        options_(options),
        journal_(journal),
        progress_(progress),
        watch_(result_.seconds) {}

  report::Quantization run() {
    if (journal_ != nullptr) result_.resumed = static_cast<std::int64_t>(journal_->resumed());
    evaluate_float();
    announce();
    equalize();
    Planned planned = plan_widths(model(), samples_, options_, journal_, progress_);
    watch_.lap("search");
    form_ = file_form(options_, planned);
    activations_ = calibrate(
        model(), planned.activation_bits, samples_, options_.calibration, progress_, &histograms_);
    watch_.lap("calibration");
    make_chosen(planned);
    if (options_.explain) explain(planned);
    for (std::size_t p = 1; p < planned.plans.size(); ++p) {
      check_interrupt();
      const Plan& plan = planned.plans[p];
      const QuantizedNetwork network = assemble_network(model(), plan.weight_bits, nearest(plan));
      add_row(planned,
              plan,
              "nearest",
              network,
              static_cast<std::int64_t>(export_file(network, form_).size()));
    }
    watch_.lap("quantization and evaluation");
    if (journal_ != nullptr) journal_->finish();
    result_.search = std::move(planned.report);
    result_.evaluated_on = evaluation_.used;
    result_.evaluated_on.skipped = evaluation_.dataset->skipped();
    return std::move(result_);
  }

 private:
  [[nodiscard]] const Model& model() const { return equalized_ ? *equalized_ : given_; }

  void evaluate_float() {
    EvaluateOptions options = options_.evaluation;
    options.keep_outputs = true;
    real_ = evaluate(
        given_.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_);
    result_.float_evaluation = real_.evaluation;
    watch_.lap("float evaluation");
  }

  /// Says what is to come before it takes long.
  void announce() const {
    if (journal_ == nullptr || !options_.announce) return;
    const double forward =
        real_.evaluation.seconds / std::max(1.0, static_cast<double>(real_.evaluation.samples));
    report::MethodCost cost =
        expected_cost(given_, options_.method, static_cast<std::int64_t>(tuning_.size()), forward);
    const bool searches = !options_.allocation_file && !journal_->find("widths");
    if (searches) cost.search_seconds = options_.search.automatic.time_limit_seconds;
    options_.announce(cost);
  }

  void equalize() {
    if (!options_.method.prepare.equalize) return;
    equalized_ = equalized_model(
        given_, *samples_.dataset, samples_.indices, options_.calibration.batch_size, progress_);
    watch_.lap("equalization");
  }

  [[nodiscard]] tuning::NetworkCodes nearest(const Plan& plan) const {
    return nearest_codes(model(), plan.weight_bits, activations_, options_.search.weights);
  }

  /// Rounds the chosen widths by the method and writes the file.
  void make_chosen(const Planned& planned) {
    const Plan& plan = planned.plans.front();
    tuning::NetworkCodes codes = nearest(plan);
    if (journal_ != nullptr) {
      if (options_.explain) before_ = assemble_network(model(), plan.weight_bits, codes);
      codes = round_network(model(),
                            codes,
                            *samples_.dataset,
                            tuning_,
                            options_.method,
                            journal_,
                            result_.reconstruction.emplace(),
                            progress_);
      watch_.lap("rounding");
    }
    chosen_ = assemble_network(model(), plan.weight_bits, codes);
    result_.distributions = distributions(model(), *chosen_, codes.activations, histograms_);
    const auto files =
        deliver(model(), plan.weight_bits, codes, options_.delivery, form_, options_.output);
    write_delivered(files);
    add_row(planned, plan, options_.method.method, *chosen_, files.front().size());
    result_.networks.back().file = options_.output.string();
  }

  void add_row(const Planned& planned,
               const Plan& plan,
               const std::string& method,
               const QuantizedNetwork& network,
               std::int64_t bytes) {
    const allocation::Cost cost = cost_of(model(), planned, plan);
    report::QuantizedRow row{
        .allocator = plan.allocator,
        .instead_of = plan.instead_of,
        .method = method,
        .file = {},
        .bytes_on_disk = bytes,
        .bytes_promised = plan.bytes_promised,
        .average_bits = cost.average_bits,
        .gbops = static_cast<double>(cost.bops) / 1e9,
        .compression = static_cast<double>(given_.file_bytes) / static_cast<double>(bytes),
        .weight_bits = plan.weight_bits};
    EvaluateOptions options = options_.evaluation;
    options.task = "evaluation of " + plan.allocator;
    options.reference_logits = &real_.logits;
    row.evaluation =
        evaluate(
            network.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_)
            .evaluation;
    result_.networks.push_back(std::move(row));
  }

  void explain(const Planned& planned) {
    watch_.lap("evaluation of the result");
    DiagnosisOptions options{.executor = options_.evaluation.executor,
                             .weight_bits = planned.plans.front().weight_bits};
    options.executor.precision = runtime::Precision::Float32;
    for (const auto& bits : planned.activation_bits) {
      options.activation_bits.push_back(bits.value_or(allocation::kFloatBits));
    }
    const graph::Graph* reference = equalized_ ? &equalized_->graph : nullptr;
    const graph::Graph& before = before_ ? before_->graph : chosen_->graph;
    result_.diagnosis = diagnose(given_,
                                 {before, reference},
                                 {chosen_->graph, reference},
                                 *samples_.dataset,
                                 samples_.indices,
                                 options,
                                 progress_);
    watch_.lap("diagnosis");
  }

  const Model& given_;
  Samples& samples_;
  Samples& evaluation_;
  const std::vector<std::int64_t>& tuning_;
  const QuantizeOptions& options_;
  Journal* journal_;  ///< null for plain rounding to nearest, which needs none
  const ProgressHandler& progress_;
  report::Quantization result_;
  Stopwatch watch_;
  EvaluateOutcome real_;
  std::optional<Model> equalized_;
  FileForm form_;
  tuning::ActivationQuantizers activations_;
  tuning::ActivationHistograms histograms_;
  std::optional<QuantizedNetwork> before_;  ///< rounded to nearest
  std::optional<QuantizedNetwork> chosen_;
};

}  // namespace

report::Quantization quantize(const Model& model,
                              Samples& samples,
                              Samples& evaluation,
                              const QuantizeOptions& options,
                              const ProgressHandler& progress) {
  if (options.search.form.opset)
    onnx_io::check_opset(model.file_graph.value_or(model.graph), *options.search.form.opset);
  if (!options.allocation_file) check_budget(model, options.search);
  const auto tuning = tuning_samples(samples, evaluation, options);
  std::optional<Journal> journal;
  if (options.method.method != "nearest" || options.method.prepare.any()) {
    const auto path = options.journal.empty() ? journal_file(options.output) : options.journal;
    journal.emplace(path, fingerprint_of(model, samples, tuning, options));
  }
  try {
    return Quantizer(
               model, samples, evaluation, tuning, options, journal ? &*journal : nullptr, progress)
        .run();
  } catch (...) {
    if (journal && journal->size() == 0) {
      journal->finish();  // nothing to go on from
    } else if (journal) {
      log().warn("what is finished is kept in {}; the same command goes on from there",
                 journal->path().string());
    }
    throw;
  }
}

}  // namespace ompq::pipeline
