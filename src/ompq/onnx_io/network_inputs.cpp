#include "ompq/onnx_io/network_inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::onnx_io {
namespace {

using Extents = std::vector<std::int64_t>;
constexpr std::int64_t kUnknown = -1;

DataType read_type(const onnx::ValueInfoProto& info,
                   std::string_view kind,
                   const ModelPlace& place) {
  if (!info.type().has_tensor_type()) {
    throw ImportError(
        place.name,
        fmt::format("{} '{}' is no tensor; networks over sequences, maps or optional values cannot "
                    "be read",
                    kind,
                    info.name()));
  }
  const int onnx_type = info.type().tensor_type().elem_type();
  const auto type = data_type_from_onnx(onnx_type);
  if (!type) {
    throw ImportError(place.name,
                      fmt::format("{} '{}' has elements of {}, which ompq does not hold",
                                  kind,
                                  info.name(),
                                  onnx_type_name(onnx_type)));
  }
  return *type;
}

/// Some exporters write 0 or -1 for an extent that they leave open.
Extents declared_extents(const onnx::TensorShapeProto& shape) {
  Extents extents;
  for (const auto& dim : shape.dim()) {
    extents.push_back(dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : kUnknown);
  }
  return extents;
}

std::string extents_text(const Extents& extents) {
  std::vector<std::string> parts;
  for (const std::int64_t extent : extents) {
    parts.push_back(extent == kUnknown ? "?" : fmt::format("{}", extent));
  }
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

void check_given(const std::string& name, const Extents& given, const Extents* declared) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] > 0 || (i == 0 && given[i] == kUnknown)) continue;
    throw ConfigError("import",
                      fmt::format("the shape [{}] given for input '{}' has {} in place {}; extents "
                                  "are positive, and -1 (the batch) may only come first",
                                  fmt::join(given, ", "),
                                  name,
                                  given[i],
                                  i));
  }
  if (declared == nullptr) return;
  bool fits = given.size() == declared->size();
  for (std::size_t i = 1; fits && i < given.size(); ++i) {
    fits = (*declared)[i] == kUnknown || (*declared)[i] == given[i];
  }
  if (!fits) {
    throw ConfigError("import",
                      fmt::format("the shape [{}] given for input '{}' does not fit {}, which the "
                                  "model declares; only unknown extents and the first can be given",
                                  fmt::join(given, ", "),
                                  name,
                                  extents_text(*declared)));
  }
}

[[noreturn]] void fail_unknown(const std::string& name,
                               const Extents* declared,
                               const ModelPlace& place) {
  const std::string shape = declared == nullptr ? "no shape" : "shape " + extents_text(*declared);
  std::string example = "-1,3,224,224";
  if (declared != nullptr) {
    example = "-1";
    for (std::size_t i = 1; i < declared->size(); ++i) {
      const std::int64_t extent = (*declared)[i];
      example += extent == kUnknown ? ",224" : fmt::format(",{}", extent);
    }
  }
  throw ImportError(
      place.name,
      fmt::format("input '{}' has {}, and only the batch may stay open; give its extents, for "
                  "example {}={} (ImportOptions::input_shapes)",
                  name,
                  shape,
                  name,
                  example));
}

}  // namespace

graph::Declaration read_declaration(const onnx::ValueInfoProto& info,
                                    std::string_view kind,
                                    const ModelPlace& place) {
  graph::Declaration declaration{.name = info.name(), .type = read_type(info, kind, place)};
  if (!info.type().tensor_type().has_shape()) return declaration;
  auto& shape = declaration.shape.emplace();
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    graph::DeclaredDim& extent = shape.emplace_back();
    if (dim.has_dim_value()) extent.size = dim.dim_value();
    extent.name = dim.dim_param();
  }
  return declaration;
}

InputDeclaration read_input(const onnx::ValueInfoProto& info,
                            const ImportOptions& options,
                            const ModelPlace& place) {
  InputDeclaration result;
  result.type = widened(read_type(info, "input", place));
  const bool has_shape = info.type().tensor_type().has_shape();
  Extents extents = declared_extents(info.type().tensor_type().shape());
  const Extents* declared = has_shape ? &extents : nullptr;
  const auto given = options.input_shapes.find(info.name());
  if (given != options.input_shapes.end()) {
    check_given(info.name(), given->second, declared);
    extents = given->second;
  } else if (!has_shape) {
    fail_unknown(info.name(), nullptr, place);
  }
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == kUnknown && i > 0) fail_unknown(info.name(), declared, place);
    result.shape.push_back(extents[i] == kUnknown ? graph::Dim::batch()
                                                  : graph::Dim::fixed(extents[i]));
  }
  return result;
}

graph::Value read_output(const onnx::ValueInfoProto& info,
                         const std::set<std::string>& batch_names,
                         const ModelPlace& place) {
  graph::Value value;
  value.name = info.name();
  value.type = widened(read_type(info, "output", place));
  if (!info.type().tensor_type().has_shape()) return value;
  graph::Shape shape;
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() > 0) {
      shape.push_back(graph::Dim::fixed(dim.dim_value()));
    } else if (batch_names.contains(dim.dim_param())) {
      shape.push_back(graph::Dim::batch());
    } else {
      return value;
    }
  }
  value.shape = std::move(shape);
  return value;
}

}  // namespace ompq::onnx_io
