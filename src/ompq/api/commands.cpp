#include "ompq/commands/commands.h"

#include "ompq/api/call.h"
#include "ompq/api/results.h"
#include "ompq/compare.h"
#include "ompq/core/signal_shield.h"
#include "ompq/evaluate.h"
#include "ompq/finetune.h"
#include "ompq/load.h"
#include "ompq/quantize.h"
#include "ompq/report/json.h"
#include "ompq/search.h"

namespace ompq {

using api::Call;
using api::public_result;

LoadOptions::LoadOptions() : Options("inspect") {}
SearchOptions::SearchOptions() : Options("search") {}
LatencyTableOptions::LatencyTableOptions() : Options("latency-table") {}
QuantizeOptions::QuantizeOptions() : Options("quantize") {}
FinetuneOptions::FinetuneOptions() : Options("finetune") {}
CompareOptions::CompareOptions() : Options("compare") {}
SweepOptions::SweepOptions() : Options("sweep") {}
EvaluateOptions::EvaluateOptions() : Options("eval") {}
DiffOptions::DiffOptions() : Options("diff") {}

Model load(const std::filesystem::path& file, const LoadOptions& options) {
  const report::Inspection inspection =
      commands::shielded<commands::inspect>(Call(options).model(file).context());
  Model model = public_result(inspection);
  const auto shapes = options.texts().find("input-shape");
  if (shapes != options.texts().end()) model.input_shapes = shapes->second;
  model.json = report::to_json(inspection);
  return model;
}

Search search_bits(const ModelRef& model, const SearchOptions& options) {
  const report::Search found =
      commands::shielded<commands::search>(Call(options)
                                               .model(model)
                                               .samples("data", options.data)
                                               .budget(options.budget)
                                               .path("output", options.output)
                                               .context());
  Search result = public_result(found);
  result.json = report::to_json(found);
  return result;
}

std::string write_latency_table(const ModelRef& model, const LatencyTableOptions& options) {
  return report::to_json(commands::shielded<commands::latency_table>(
      Call(options).model(model).path("output", options.output).context()));
}

Quantization quantize(const ModelRef& model, const QuantizeOptions& options) {
  const report::Quantization made =
      commands::shielded<commands::quantize>(Call(options)
                                                 .model(model)
                                                 .samples("data", options.data)
                                                 .samples("eval-data", options.eval_data)
                                                 .budget(options.budget)
                                                 .path("allocation", options.allocation)
                                                 .path("output", options.output)
                                                 .context());
  Quantization result = public_result(made);
  result.json = report::to_json(made);
  return result;
}

Finetuning finetune(const ModelRef& model, const FinetuneOptions& options) {
  commands::Context context = Call(options)
                                  .model(model)
                                  .samples("data", options.data)
                                  .samples("eval-data", options.eval_data)
                                  .budget(options.budget)
                                  .path("allocation", options.allocation)
                                  .path("from", options.from)
                                  .path("output", options.output)
                                  .context();
  if (options.on_epoch) {
    context.on_epoch = [&](const report::EpochRecord& epoch) {
      const SignalShieldGap gap;
      options.on_epoch(public_result(epoch));
    };
  }
  const report::Finetuning trained = commands::shielded<commands::finetune>(context);
  Finetuning result = public_result(trained);
  result.json = report::to_json(trained);
  return result;
}

Comparison compare(const ModelRef& model, const CompareOptions& options) {
  Call call(options);
  call.model(model).samples("data", options.data).samples("eval-data", options.eval_data);
  if (!options.average_bits.empty()) call.value("avg-bits", options.average_bits);
  if (!options.file_bytes.empty()) call.value("size", options.file_bytes);
  const report::Comparison compared = commands::shielded<commands::compare>(call.context());
  Comparison result = public_result(compared);
  result.json = report::to_json(compared);
  return result;
}

Sweep sweep(const ModelRef& model, const SweepOptions& options) {
  Call call(options);
  call.model(model).samples("data", options.data).path("output", options.output);
  if (options.pick) call.value("pick", *options.pick);
  const report::Sweep swept = commands::shielded<commands::sweep>(call.context());
  Sweep result = public_result(swept);
  result.json = report::to_json(swept);
  return result;
}

EvaluatedModel evaluate(const ModelRef& model, const EvaluateOptions& options) {
  const report::EvaluatedNetwork evaluated =
      commands::shielded<commands::evaluate>(Call(options)
                                                 .model(model)
                                                 .samples("data", options.data)
                                                 .path("reference", options.reference)
                                                 .context());
  return {.bytes = evaluated.model.bytes,
          .evaluation = public_result(evaluated.evaluation),
          .json = report::to_json(evaluated)};
}

Diff diff(const ModelRef& a, const std::filesystem::path& b, const DiffOptions& options) {
  const report::Diff compared = commands::shielded<commands::diff>(
      Call(options).model(a, "A").path("B", b).samples("data", options.data).context());
  Diff result = public_result(compared);
  result.json = report::to_json(compared);
  return result;
}

}  // namespace ompq
