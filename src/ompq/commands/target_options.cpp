#include "ompq/commands/target_options.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::commands {

const targets::TargetRow& target_of(const OptionValues& options) {
  return targets::target(options.knows("target") ? std::string_view(options.text("target"))
                                                 : targets::kDefaultTarget);
}

const ptq::FormatRow& format_of(const OptionValues& options) {
  const ptq::FormatRow& format = ptq::file_format(options.text("format"));
  const targets::TargetRow& target = target_of(options);
  if (target.plain && !options.given("format")) return ptq::file_format("qdq");
  const bool is_network = format.is_onnx && format.companion_file == nullptr;
  const bool plain = format.weights == onnx_io::WeightFormat::Qdq;
  if (target.reads_packed || !is_network || plain) return format;
  throw ConfigError(
      "--format",
      fmt::format("{0} does not read '{1}' files, only integer constants with DequantizeLinear; "
                  "give --format qdq, or omit --format, which is qdq with --target {0}",
                  target.name,
                  format.name));
}

void fit_activations(const OptionValues& options, search::RequestOptions& request) {
  const targets::TargetRow& target = target_of(options);
  std::vector<int>& widths = request.activation_candidates;
  // The default width is for other targets.
  if (target.weights_only && !options.given("act-bits")) widths.clear();
  targets::require_activation_widths(target, widths, "--act-bits");
  if (!widths.empty()) {
    targets::require_activation_widths(target, {request.input_bits}, "--input-bits");
  }
}

void check_target_opset(const OptionValues& options, const pipeline::Model& model) {
  const auto given = options.knows("opset") ? options.maybe_integer("opset") : std::nullopt;
  const int own = (model.file_graph ? *model.file_graph : model.graph).opset;
  const targets::TargetRow& target = target_of(options);
  // No file has an older opset; the writer refuses a request for one.
  targets::require_opset(target,
                         std::max(given ? static_cast<int>(*given) : own, target.least_opset));
}

}  // namespace ompq::commands
