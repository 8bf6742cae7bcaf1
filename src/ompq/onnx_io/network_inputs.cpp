#include "ompq/onnx_io/network_inputs.h"

#include <algorithm>
#include <optional>

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
    throw ImportError(place.name,
                      fmt::format("{} '{}' is not a tensor; networks with sequence, map or "
                                  "optional inputs or outputs are not supported",
                                  kind,
                                  info.name()));
  }
  const int onnx_type = info.type().tensor_type().elem_type();
  const auto type = data_type_from_onnx(onnx_type);
  if (!type) {
    throw ImportError(place.name,
                      fmt::format("{} '{}' has elements of {}, which ompq does not support",
                                  kind,
                                  info.name(),
                                  onnx_type_name(onnx_type)));
  }
  return *type;
}

/// Some exporters write 0 or -1 for an open extent.
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

void check_given(const std::string& name,
                 const Extents& given,
                 const Extents* declared,
                 std::size_t batch_axis) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] > 0 || (i == batch_axis && given[i] == kUnknown)) continue;
    throw ConfigError("--input-shape",
                      fmt::format("the shape [{}] given for input '{}' has {} at position {}; "
                                  "extents must be positive, and -1 (the batch) may only be first",
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
    throw ConfigError("--input-shape",
                      fmt::format("the shape [{}] given for input '{}' does not fit {}, which the "
                                  "model declares; only unknown extents and the first can be set",
                                  fmt::join(given, ", "),
                                  name,
                                  extents_text(*declared)));
  }
}

bool is_integer(DataType type) {
  return type != DataType::Float32 && type != DataType::Float64 && type != DataType::Bool;
}

/// An example for an open extent: 3 channels and 224 pixels a side for images; otherwise a sequence
/// length.
std::int64_t likely_extent(const Extents& extents, std::size_t axis) {
  constexpr std::int64_t kSide = 224;
  constexpr std::int64_t kLength = 128;
  constexpr std::int64_t kChannels = 3;
  if (extents.size() != 4) return kLength;
  const std::int64_t last = extents.back();
  const bool channels_last = last == 1 || last == kChannels;
  return axis == (channels_last ? 3 : 1) ? kChannels : kSide;
}

std::string example_of(const Extents* declared, DataType type) {
  if (declared == nullptr) return is_integer(type) ? "-1,128" : "-1,3,224,224";
  std::string example = declared->empty() || declared->front() == kUnknown
                            ? "-1"
                            : fmt::format("{}", declared->front());
  for (std::size_t i = 1; i < declared->size(); ++i) {
    const std::int64_t extent = (*declared)[i];
    example += fmt::format(",{}", extent == kUnknown ? likely_extent(*declared, i) : extent);
  }
  return example;
}

[[noreturn]] void fail_unknown(const std::string& name,
                               DataType type,
                               const Extents* declared,
                               const ModelPlace& place) {
  const std::string shape = declared == nullptr ? "no shape" : "shape " + extents_text(*declared);
  throw ImportError(place.name,
                    fmt::format("input '{}' ({}) has {}, and there are no samples that show its "
                                "extents; give them, for example --input-shape {}={}",
                                name,
                                name_of(type),
                                shape,
                                name,
                                example_of(declared, type)));
}

bool has_open_extent(const DeclaredInput& input) {
  for (std::size_t i = 0; i < input.extents.size(); ++i) {
    if (input.extents[i] == kUnknown && i != input.batch_axis) return true;
  }
  return false;
}

/// True if samples may show that the extent at the batch's position is not a batch.
bool has_doubtful_batch(const std::vector<DeclaredInput>& inputs) {
  const bool open = std::ranges::any_of(inputs, [](const DeclaredInput& input) {
    return !input.extents.empty() && input.extents.at(input.batch_axis) == kUnknown;
  });
  return open && std::ranges::any_of(inputs, is_of_one_sample);
}

/// The symbol of an open extent in the file; nullopt if the extent is a number.
std::optional<std::string> open_name(const onnx::ValueInfoProto& info, int axis) {
  const auto& dims = info.type().tensor_type().shape().dim();
  if (axis >= dims.size() || (dims[axis].has_dim_value() && dims[axis].dim_value() > 0)) {
    return std::nullopt;
  }
  return dims[axis].dim_param();
}

/// Inputs of known rank, with the given shapes. Files of IR version 3 and older list all
/// initializers as inputs.
std::vector<DeclaredInput> declared_inputs(const onnx::GraphProto& graph,
                                           const ImportOptions& options,
                                           const ModelPlace& place) {
  std::set<std::string> constants;
  for (const auto& tensor : graph.initializer()) constants.insert(tensor.name());
  std::vector<DeclaredInput> inputs;
  for (const auto& info : graph.input()) {
    const auto given = options.input_shapes.find(info.name());
    const bool is_given = given != options.input_shapes.end();
    if (constants.contains(info.name())) continue;
    if (!is_given && !info.type().tensor_type().has_shape()) continue;
    inputs.push_back(
        {info.name(),
         read_type(info, "input", place),
         is_given ? given->second : declared_extents(info.type().tensor_type().shape()),
         batch_axis_of(info, graph)});
  }
  return inputs;
}

}  // namespace

bool is_of_one_sample(const DeclaredInput& input) {
  const Extents& extents = input.extents;
  return !extents.empty() && extents.front() == 1 && !std::ranges::count(extents, kUnknown);
}

std::size_t batch_axis_of(const onnx::ValueInfoProto& info, const onnx::GraphProto& graph) {
  if (open_name(info, 0)) return 0;
  std::set<std::string> first_names;
  for (const auto& other : graph.input()) {
    if (const auto name = open_name(other, 0)) first_names.insert(*name);
  }
  const int rank = info.type().tensor_type().shape().dim_size();
  for (int axis = 1; axis < rank; ++axis) {
    const auto name = open_name(info, axis);
    if (name && first_names.contains(*name)) return static_cast<std::size_t>(axis);
  }
  return 0;
}

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
                            const ModelPlace& place,
                            std::size_t batch_axis) {
  InputDeclaration result;
  result.type = widened(read_type(info, "input", place));
  const bool has_shape = info.type().tensor_type().has_shape();
  Extents extents = declared_extents(info.type().tensor_type().shape());
  const Extents* declared = has_shape ? &extents : nullptr;
  const auto given = options.input_shapes.find(info.name());
  if (given != options.input_shapes.end()) {
    check_given(info.name(), given->second, declared, batch_axis);
    extents = given->second;
  } else if (!has_shape) {
    fail_unknown(info.name(), result.type, nullptr, place);
  }
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == kUnknown && i != batch_axis)
      fail_unknown(info.name(), result.type, declared, place);
    result.shape.push_back(extents[i] == kUnknown ? graph::Dim::batch()
                                                  : graph::Dim::fixed(extents[i]));
  }
  return result;
}

ImportOptions with_sample_extents(const onnx::GraphProto& graph,
                                  const ImportOptions& options,
                                  const ModelPlace& place) {
  ImportOptions result = options;
  if (!options.sample_extents) return result;
  const std::vector<DeclaredInput> inputs = declared_inputs(graph, options, place);
  const bool asks = std::ranges::any_of(inputs, has_open_extent) || has_doubtful_batch(inputs);
  if (!asks) return result;
  const SampleExtents known = options.sample_extents(inputs);
  for (const DeclaredInput& input : inputs) {
    const auto found = known.find(input.name);
    if (found == known.end()) continue;
    Extents shape = found->second;
    if (!shape.empty() && shape.size() == input.extents.size()) {
      result.input_shapes.insert_or_assign(input.name, std::move(shape));
      continue;
    }
    if (!has_open_extent(input)) continue;
    const auto axis = static_cast<std::ptrdiff_t>(input.batch_axis);
    shape.insert(shape.begin() + axis, input.extents.at(input.batch_axis));
    result.input_shapes.insert_or_assign(input.name, std::move(shape));
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
