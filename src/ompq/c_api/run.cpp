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

namespace ompq::c_api {
namespace {

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

void Run::set_options(std::string_view json) { set_json_options(options_.value(), json); }

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
  options_.value().set_samples(option, Samples(arrays));
}

void Run::set_progress(ompq_progress_handler handler, void* context) {
  handler_ = handler;
  handler_context_ = context;
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
  Options& options = options_.value();
  options.progress = [this](const ProgressEvent& event) { report(event); };
  commands::Context context = api::context_of(options);
  context.provenance = commands::provenance_of(call_);
  std::optional<SigintRoute> route;
  if (stop_on_sigint_) route.emplace();
  result_ = commands::run_as_json(options.command(), context);
}

}  // namespace ompq::c_api
