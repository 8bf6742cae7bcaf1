#include "ompq/ptq/quantize.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "ompq/core/log.h"
#include "ompq/diagnosis/diagnosis.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/read_back.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/ptq/distributions.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/fingerprint.h"
#include "ompq/ptq/integer_kernels.h"
#include "ompq/ptq/quantization_plan.h"
#include "ompq/ptq/rounding_method.h"

namespace ompq::ptq {
namespace {

/// The steps of one run.
class Quantizer {
 public:
  Quantizer(const pipeline::Model& given,
            pipeline::Samples& samples,
            pipeline::Samples& evaluation,
            const std::vector<std::int64_t>& tuning,
            const QuantizeOptions& options,
            pipeline::Journal* journal,
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
    activations_ = pipeline::calibrate(
        model(), planned.activation_bits, samples_, options_.calibration, progress_, &histograms_);
    watch_.lap("calibration");
    make_chosen(planned);
    if (options_.explain) explain(planned);
    for (std::size_t p = 1; p < planned.plans.size(); ++p) {
      check_interrupt();
      const WidthPlan& plan = planned.plans[p];
      const pipeline::QuantizedNetwork network =
          pipeline::assemble_network(model(), plan.weight_bits, nearest(plan));
      add_row(planned,
              plan,
              "nearest",
              network.graph,
              static_cast<std::int64_t>(pipeline::export_file(network, form_).size()));
    }
    watch_.lap("quantization and evaluation");
    if (journal_ != nullptr) journal_->finish();
    result_.search = std::move(planned.report);
    result_.evaluated_on = evaluation_.used;
    result_.evaluated_on.skipped = evaluation_.dataset->skipped();
    return std::move(result_);
  }

 private:
  [[nodiscard]] const pipeline::Model& model() const { return equalized_ ? *equalized_ : given_; }

  void evaluate_float() {
    pipeline::EvaluateOptions options = options_.evaluation;
    options.keep_outputs = true;
    float_outcome_ = pipeline::evaluate(
        given_.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_);
    result_.float_evaluation = float_outcome_.evaluation;
    watch_.lap("float evaluation");
  }

  /// Announces the estimated cost.
  void announce() const {
    if (journal_ == nullptr || !options_.announce) return;
    const double forward = float_outcome_.evaluation.seconds /
                           std::max(1.0, static_cast<double>(float_outcome_.evaluation.samples));
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

  [[nodiscard]] rounding::NetworkCodes nearest(const WidthPlan& plan) const {
    return pipeline::nearest_codes(
        model(), plan.weight_bits, activations_, options_.search.weights);
  }

  /// Rounds the chosen widths by the method and writes the file.
  void make_chosen(const Planned& planned) {
    const WidthPlan& plan = planned.plans.front();
    rounding::NetworkCodes codes = nearest(plan);
    if (journal_ != nullptr) {
      if (options_.explain) before_ = pipeline::assemble_network(model(), plan.weight_bits, codes);
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
    chosen_ = pipeline::assemble_network(model(), plan.weight_bits, codes);
    result_.histograms = distributions(model(), *chosen_, codes.activations, histograms_);
    result_.integer_kernels = integer_kernels_of(model(), codes, chosen_->graph);
    const FormatRow& format = file_format(options_.format);
    const auto files =
        format.files({model(), plan.weight_bits, codes, *chosen_, form_, options_.output});
    write_delivered(files);
    const bool is_network = format.is_onnx && format.companion_file == nullptr;
    const std::int64_t bytes = files.front().size();
    const bool is_sized = is_network && format.weights != onnx_io::WeightFormat::Float;
    if (is_sized && bytes > plan.bytes_promised) {
      log().warn(
          "{} has {} bytes, {} more than predicted; if it must not be larger, lower --size "
          "by as much",
          options_.output.string(),
          bytes,
          bytes - plan.bytes_promised);
    }
    // A file that needs a companion computes something else by itself.
    std::optional<graph::Graph> written;
    if (is_network) {
      written = pipeline::read_back(model(), *chosen_, options_.output);
    }
    add_row(planned,
            plan,
            options_.method.method,
            written ? *written : chosen_->graph,
            files.front().size());
    result_.networks.back().file = options_.output.string();
  }

  void add_row(const Planned& planned,
               const WidthPlan& plan,
               const std::string& method,
               const graph::Graph& network,
               std::int64_t bytes) {
    const allocation::Cost cost = cost_of(model(), planned, plan);
    report::QuantizedRow row{
        .allocator = plan.allocator,
        .requested = plan.requested,
        .method = method,
        .file = {},
        .bytes_on_disk = bytes,
        .bytes_promised = plan.bytes_promised,
        .average_bits = cost.average_bits,
        .gbops = static_cast<double>(cost.bops) / 1e9,
        .compression = static_cast<double>(given_.file_bytes) / static_cast<double>(bytes),
        .weight_bits = plan.weight_bits};
    pipeline::EvaluateOptions options = options_.evaluation;
    options.task = "evaluation of " + plan.allocator;
    options.reference_logits = &float_outcome_.logits;
    row.evaluation =
        pipeline::evaluate(
            network, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_)
            .evaluation;
    result_.networks.push_back(std::move(row));
  }

  void explain(const Planned& planned) {
    watch_.lap("evaluation of the result");
    diagnosis::DiagnosisOptions options{.executor = options_.evaluation.executor,
                                        .weight_bits = planned.plans.front().weight_bits,
                                        .activation_bits = activation_widths(planned)};
    options.executor.precision = runtime::Precision::Float32;
    const graph::Graph* reference = equalized_ ? &equalized_->graph : nullptr;
    const graph::Graph& before = before_ ? before_->graph : chosen_->graph;
    result_.diagnosis = diagnosis::diagnose(given_,
                                            {before, reference},
                                            {chosen_->graph, reference},
                                            *samples_.dataset,
                                            samples_.indices,
                                            options,
                                            progress_);
    watch_.lap("diagnosis");
  }

  const pipeline::Model& given_;
  pipeline::Samples& samples_;
  pipeline::Samples& evaluation_;
  const std::vector<std::int64_t>& tuning_;
  const QuantizeOptions& options_;
  pipeline::Journal* journal_;  ///< null for plain rounding to nearest, which needs none
  const ProgressHandler& progress_;
  report::Quantization result_;
  pipeline::Stopwatch watch_;
  pipeline::EvaluateOutcome float_outcome_;
  std::optional<pipeline::Model> equalized_;
  pipeline::FileForm form_;
  rounding::ActivationQuantizers activations_;
  rounding::ActivationHistograms histograms_;
  std::optional<pipeline::QuantizedNetwork> before_;  ///< rounded to nearest
  std::optional<pipeline::QuantizedNetwork> chosen_;
};

}  // namespace

report::Quantization quantize(const pipeline::Model& model,
                              pipeline::Samples& samples,
                              pipeline::Samples& evaluation,
                              const QuantizeOptions& options,
                              const ProgressHandler& progress) {
  if (options.search.form.opset)
    onnx_io::check_opset(model.file_graph.value_or(model.graph), *options.search.form.opset);
  if (options.allocation_file) {
    check_allocation_file(model, options);
  } else {
    search::check_budget(model, options.search);
  }
  const auto tuning = tuning_samples(samples, evaluation, options);
  std::optional<pipeline::Journal> journal;
  if (!method_row(options.method.method).is_plain() || options.method.prepare.any()) {
    const auto path =
        options.journal.empty() ? pipeline::journal_file(options.output) : options.journal;
    journal.emplace(path, fingerprint_of(model, samples, tuning, options));
  }
  try {
    return Quantizer(
               model, samples, evaluation, tuning, options, journal ? &*journal : nullptr, progress)
        .run();
  } catch (...) {
    if (journal && journal->size() == 0) {
      journal->finish();  // nothing to resume from
    } else if (journal) {
      log().warn("finished work is saved in {}; run the same command to resume",
                 journal->path().string());
    }
    throw;
  }
}

}  // namespace ompq::ptq
