#include "ompq/onnx_io/model_check.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/function_inliner.h"
#include "ompq/onnx_io/import_options.h"

namespace ompq::onnx_io {
namespace {

/// Of the file format; 14 is the newest that files of opset 28 have.
constexpr std::int64_t kMaxIrVersion = 14;

int read_opset(const onnx::ModelProto& model, const ModelPlace& place) {
  std::optional<std::int64_t> opset;
  for (const auto& import : model.opset_import()) {
    if (!is_onnx_domain(import.domain())) continue;
    if (opset && *opset != import.version()) {
      throw ImportError(
          place.name, fmt::format("imports two ONNX opsets, {} and {}", *opset, import.version()));
    }
    opset = import.version();
  }
  if (!opset) {
    throw ImportError(place.name, "imports no ONNX opset; it is truncated or not an ONNX model");
  }
  if (*opset < kMinOpset || *opset > kMaxOpset) {
    throw ImportError(place.name,
                      fmt::format("uses opset {}, and ompq reads {} to {}; {}",
                                  *opset,
                                  kMinOpset,
                                  kMaxOpset,
                                  *opset > kMaxOpset ? "export it again for opset 28 or lower"
                                                     : "convert it to opset 7 or higher"));
  }
  return static_cast<int>(*opset);
}

}  // namespace

bool is_onnx_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

onnx::ModelProto parse_model(std::string_view bytes, const ModelPlace& place) {
  if (bytes.empty()) throw ImportError(place.name, "is empty, which is not an ONNX model");
  if (bytes.size() > INT_MAX) {
    throw ImportError(place.name,
                      fmt::format("has {} bytes, more than the 2 GiB of an ONNX file; keep its "
                                  "weights as external data",
                                  bytes.size()));
  }
  onnx::ModelProto model;
  const google::protobuf::LogSilencer quiet;  // the exception has the message
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw ImportError(place.name,
                      fmt::format("is not an ONNX model: its {} bytes do not parse; it may be "
                                  "truncated or have another format",
                                  bytes.size()));
  }
  return model;
}

int check_model(const onnx::ModelProto& model, const ModelPlace& place) {
  if (!model.has_ir_version() || !model.has_graph()) {
    throw ImportError(
        place.name,
        fmt::format(
            "is not an ONNX model: it has no {}; it may be truncated or have another format",
            model.has_graph() ? "ir_version" : "graph"));
  }
  if (model.ir_version() < 1 || model.ir_version() > kMaxIrVersion) {
    throw ImportError(place.name,
                      fmt::format("has IR version {}, but ompq reads 1 to {}; export it again for "
                                  "opset 28 or lower",
                                  model.ir_version(),
                                  kMaxIrVersion));
  }
  return read_opset(model, place);
}

int newest_opset_note(const onnx::GraphProto& graph, const ModelPlace& place) {
  int newest = 0;
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) newest = std::max(newest, newest_opset_note(attribute.g(), place));
      if (attribute.name() != kOpsetNote) continue;
      if (attribute.i() < kMinOpset || attribute.i() > kMaxOpset) {
        throw ImportError(place.name,
                          fmt::format("has a function of opset {}, but ompq reads {} to {}",
                                      attribute.i(),
                                      kMinOpset,
                                      kMaxOpset));
      }
      newest = std::max(newest, static_cast<int>(attribute.i()));
    }
  }
  return newest;
}

}  // namespace ompq::onnx_io
