#include "ompq/api/call.h"

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/signal_shield.h"
#include "ompq/core/tensor.h"
#include "ompq/data/named_arrays.h"
#include "ompq/errors.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"

namespace ompq::api {
namespace {

data::NamedArrays copied(std::string_view option, const Samples& samples) {
  data::NamedArrays tensors;
  for (const auto& [name, array] : samples.arrays()) {
    try {
      tensors.emplace(name, Tensor::from_bytes(array.type, array.shape, array.bytes));
    } catch (const ShapeError& error) {
      throw ShapeError(fmt::format("--{}, array \"{}\"", option, name), error.reason());
    }
  }
  return tensors;
}

/// Passes progress on, and ends the work if a stop was requested.
ProgressHandler watched(const Options& options) {
  if (!options.stop.stop_possible() && !options.progress) return {};
  return [stop = options.stop, progress = options.progress](const ProgressEvent& event) {
    if (stop.stop_requested()) throw Interrupted(event.task, "stopped by the caller");
    const SignalShieldGap gap;
    if (progress) progress(event);
  };
}

}  // namespace

commands::Context context_of(const Options& options) {
  commands::Context context;
  GivenOptions given;
  for (const auto& [name, texts] : options.texts()) given.texts.emplace(name, texts);
  for (const std::string& name : options.flags()) given.flags.insert(name);
  for (const auto& [name, samples] : options.arrays()) {
    const auto& arrays = context.arrays.emplace(name, copied(name, samples)).first->second;
    given.texts.insert_or_assign(name, std::vector{data::arrays_text(arrays)});
  }
  context.options = read_options(*find_command(options.command()), given);
  context.progress = watched(options);
  return context;
}

void Call::require_unset(std::string_view name) const {
  if (!options_.texts().contains(name) && !options_.arrays().contains(name)) return;
  throw ConfigError(options_.command(),
                    fmt::format("'{}' is given by set() and by a member of the options or an "
                                "argument; remove one of them",
                                name));
}

Call& Call::model(const ModelRef& model, std::string_view operand) {
  path(operand, model.file);
  if (!model.input_shapes.empty() && !options_.texts().contains("input-shape")) {
    for (const std::string& shape : model.input_shapes) options_.add("input-shape", shape);
  }
  return *this;
}

Call& Call::samples(std::string_view name, const Samples& samples) {
  if (samples.empty()) return *this;
  require_unset(name);
  options_.set_samples(name, samples);
  return *this;
}

Call& Call::path(std::string_view name, const std::filesystem::path& path) {
  return path.empty() ? *this : value(name, path);
}

Call& Call::value(std::string_view name, const OptionValue& value) {
  require_unset(name);
  options_.set(name, value);
  return *this;
}

Call& Call::budget(const Budget& budget) {
  const auto put = [&](std::string_view name, const auto& amount) {
    if (amount) value(name, *amount);
  };
  put("size", budget.file_bytes);
  put("avg-bits", budget.average_bits);
  put("compression", budget.compression);
  put("weight-size", budget.weight_bytes);
  put("bops", budget.bit_operations);
  put("act-size", budget.activation_bytes);
  if (budget.latency) value("latency", fmt::format("{}us", budget.latency->count()));
  return path("latency-table", budget.latency_table);
}

}  // namespace ompq::api
