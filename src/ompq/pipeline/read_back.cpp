#include "ompq/pipeline/read_back.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"

namespace ompq::pipeline {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_read_back(const fs::path& file, const std::string& reason) {
  throw InternalError("read back",
                      fmt::format("'{}' was written, but {}; do not use this file, and report the "
                                  "error with the float network",
                                  file.string(),
                                  reason));
}

/// The tolerance for a value of `stored` type, rounded from float32.
double rounding_of(std::optional<DataType> stored, double value) {
  if (stored == DataType::Float16) return std::ldexp(std::abs(value), -11) + std::ldexp(1.0, -25);
  if (stored == DataType::BFloat16) return std::ldexp(std::abs(value), -8);
  return 0.0;
}

void compare_constants(const fs::path& file,
                       const graph::Value& written,
                       const Tensor& read,
                       std::string_view what) {
  const Tensor& expected = *written.constant;
  // Leading axes of 1 may be added or removed.
  if (read.elements() != expected.elements()) {
    refuse_read_back(file,
                     fmt::format("{} has {} elements when read back, but {} were written",
                                 what,
                                 read.elements(),
                                 expected.elements()));
  }
  const auto got = read.data<float>();
  const auto wanted = expected.data<float>();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - wanted[i]);
    if (difference <= rounding_of(written.stored, wanted[i])) continue;
    refuse_read_back(file,
                     fmt::format("element {} of {} is {} when read back, but {} was written",
                                 i,
                                 what,
                                 got[i],
                                 wanted[i]));
  }
}

/// Values have the same ids in `model` and in the graph with its codes.
void compare_layer(const fs::path& file,
                   const graph::Layer& ours,
                   const graph::Graph& written,
                   const graph::Layer& theirs,
                   const graph::Graph& read) {
  compare_constants(file,
                    written.value(ours.weight),
                    *read.value(theirs.weight).constant,
                    fmt::format("the weight of layer '{}'", ours.name));
  if (ours.bias == graph::kNoValue) return;
  if (theirs.bias == graph::kNoValue) {
    const auto bias = written.value(ours.bias).constant->data<float>();
    const bool needed = std::ranges::any_of(bias, [](float value) { return value != 0.0F; });
    if (!needed) return;
    refuse_read_back(file, fmt::format("layer '{}' has no bias when read back", ours.name));
  }
  compare_constants(file,
                    written.value(ours.bias),
                    *read.value(theirs.bias).constant,
                    fmt::format("the bias of layer '{}'", ours.name));
}

}  // namespace

graph::Graph read_back(const Model& model, const QuantizedNetwork& network, const fs::path& file) {
  graph::Graph read;
  graph::Discovery found;
  try {
    read = load_graph(file, model.import);
    found = graph::discover(read);
  } catch (const Interrupted&) {
    throw;
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    refuse_read_back(file, fmt::format("cannot be read back: {}", error.what()));
  }
  for (const graph::Layer& ours : model.discovery.layers) {
    for (const graph::Layer& theirs : found.layers) {
      if (theirs.name != ours.name || theirs.op_type != ours.op_type) continue;
      compare_layer(file, ours, network.graph, theirs, read);
      break;
    }
  }
  return read;
}

}  // namespace ompq::pipeline
