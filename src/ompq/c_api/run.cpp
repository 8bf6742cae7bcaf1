#include "ompq/c_api/run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/api/call.h"
#include "ompq/c_api/json_options.h"
#include "ompq/c_api/sigint_route.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/provenance.h"
#include "ompq/core/error.h"
#include "ompq/core/signal_shield.h"

namespace ompq::c_api {
namespace {

/// The command that shows results; the others run networks.
constexpr std::string_view kReport = "report";

DataType type_named(const std::string& array, std::string_view dtype) {
  constexpr std::array<DataType, 13> kTypes{DataType::Float32,
                                            DataType::Float16,
                                            DataType::BFloat16,
                                            DataType::Float64,
                                            DataType::Int8,
                                            DataType::UInt8,
                                            DataType::Int16,
                                            DataType::UInt16,
                                            DataType::Int32,
                                            DataType::UInt32,
                                            DataType::Int64,
                                            DataType::UInt64,
                                            DataType::Bool};
  const auto type =
      std::ranges::find_if(kTypes, [&](DataType known) { return name_of(known) == dtype; });
  if (type != kTypes.end()) return *type;
  throw DataError(
      fmt::format("array {}", array),
      fmt::format("elements of type {} cannot be samples; give uint8 pixels, or float32 "
                  "or integers as the network reads them",
                  dtype));
}

/// Bytes of an array; the library cannot check that the caller has that many.
std::size_t bytes_of(const std::string& array, DataType type, std::span<const std::int64_t> shape) {
  std::size_t bytes = size_of(type);
  for (const std::int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(extent), &bytes)) {
      throw ShapeError(fmt::format("array {}", array),
                       fmt::format("has the extent {}; extents are 0 or more, and an array fits "
                                   "into memory",
                                   extent));
    }
  }
  return bytes;
}

}  // namespace

void Run::keep(const std::exception& error) noexcept {
  failure_.status = OMPQ_OUT_OF_MEMORY;  // of the next line, which then has no text
  try {
    failure_ = failure_of(error);
  } catch (...) {
  }
}

void Run::keep_unknown() noexcept { keep(InternalError("ompq", "an unknown exception")); }

void Run::set_command(std::string_view command) {
  if (command != kReport) options_.emplace(command);
}

Options& Run::options() {
  if (options_) return *options_;
  throw ConfigError(kReport, "has no options here; give it results with ompq_run_add_result()");
}

void Run::set_options(std::string_view json) { set_json_options(options(), json); }

void Run::add_result(std::string name, std::string json) {
  if (options_) {
    throw ConfigError(options_->command(), "takes no results; create a run of \"report\" for them");
  }
  results_.push_back({std::move(name), std::move(json)});
}

void Run::add_array(const std::string& option,
                    const std::string& name,
                    std::string_view dtype,
                    std::span<const std::int64_t> shape,
                    const void* data) {
  const DataType type = type_named(name, dtype);
  const std::span bytes(static_cast<const std::byte*>(data), bytes_of(name, type, shape));
  if (data == nullptr && !bytes.empty()) {
    throw InternalError("C interface", fmt::format("the elements of the array {} are null", name));
  }
  auto& arrays = arrays_[option];
  arrays.insert_or_assign(name, Array(type, {shape.begin(), shape.end()}, bytes));
  options().set_samples(option, Samples(arrays));
}

void Run::set_progress(ompq_progress_handler handler, void* context) {
  handler_ = handler;
  handler_context_ = context;
}

void Run::set_evaluate(ompq_evaluate_handler handler, void* context) {
  options().set("eval-command", "a function of the caller");
  evaluate_ = handler;
  evaluate_context_ = context;
}

double Run::judge(const std::filesystem::path& file) const {
  double value = 0;
  const SignalShieldGap gap;
  if (evaluate_(evaluate_context_, file.c_str(), &value) == 0) return value;
  throw Interrupted("evaluation", "stopped by the caller");
}

void Run::report(const ProgressEvent& event) const {
  const auto stop = [&] { throw Interrupted(event.task, "stopped by the caller"); };
  if (cancelled_.load()) stop();
  if (handler_ == nullptr) return;
  const std::string task(event.task);
  const std::string detail(event.detail);
  if (handler_(handler_context_, task.c_str(), event.done, event.total, detail.c_str()) != 0)
    stop();
}

void Run::execute() {
  result_.reset();
  if (!options_) {
    result_ = report::report_page(results_);
    return;
  }
  Options& options = *options_;
  options.progress = [this](const ProgressEvent& event) { report(event); };
  commands::Context context = api::context_of(options);
  if (evaluate_ != nullptr) context.judge = [this](const auto& file) { return judge(file); };
  context.provenance = commands::provenance_of(call_);
  std::optional<SigintRoute> route;
  if (stop_on_sigint_) route.emplace();
  result_ = commands::run_as_json(options.command(), context);
}

}  // namespace ompq::c_api
