#include "ompq/onnx_io/model_structure.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

/// Protobuf does not parse deeper messages.
constexpr int kMaxNesting = 100;
constexpr std::int64_t kBytesPerNumber = 64;  // of a list of extents or of an attribute

/// Reads tags, numbers and lengths of protobuf's encoding. The bytes may be anything.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80U) return value;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> take(std::uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(static_cast<std::size_t>(count));
    return taken;
  }

 private:
  std::string_view rest_;
};

class Scan {
 public:
  explicit Scan(const ModelPlace& place) : place_(place) {}

  /// Stops at the first damage, which parsing reports.
  void message(const Descriptor& type, std::string_view bytes, int depth) {
    constexpr std::uint64_t kLengthDelimited = 2;
    Wire wire(bytes);
    while (!wire.empty() && depth < kMaxNesting) {
      const auto tag = wire.number();
      if (!tag) return;
      const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(*tag >> 3U));
      if ((*tag & 7U) != kLengthDelimited) {
        if (!skip_number(wire, *tag & 7U)) return;
        note_number(type, field);
        continue;
      }
      const auto length = wire.number();
      const auto content = length ? wire.take(*length) : std::nullopt;
      if (!content) return;
      if (field != nullptr) note(type, *field, *content, depth);
    }
  }

  [[nodiscard]] std::int64_t needed() const { return needed_; }

 private:
  static bool skip_number(Wire& wire, std::uint64_t kind) {
    if (kind == 0) return wire.number().has_value();
    if (kind == 1) return wire.take(8).has_value();
    if (kind == 5) return wire.take(4).has_value();
    return false;  // groups, which ONNX does not have
  }

  static bool is(const Descriptor& type, std::string_view name) { return type.name() == name; }

  /// The elements of a tensor are one copy; its extents and the numbers of attributes are in every
  /// copy of the network.
  void note_number(const Descriptor& type, const FieldDescriptor* field) {
    const bool copied = is(type, "AttributeProto") ||
                        (is(type, "TensorProto") && field != nullptr && field->name() == "dims");
    if (copied && field != nullptr && field->is_repeated()) add(kBytesPerNumber);
  }

  void note(const Descriptor& type,
            const FieldDescriptor& field,
            std::string_view content,
            int depth) {
    const auto bytes = static_cast<std::int64_t>(content.size());
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE:
        add(is(*field.message_type(), "NodeProto") ? kBytesPerNode : kBytesPerMessage);
        message(*field.message_type(), content, depth + 1);
        return;
      case FieldDescriptor::TYPE_STRING:
        if (is_name(field)) require_short(type, field, content);
        if (is_copied_text(type, field)) add(bytes * kBytesPerTextByte);
        return;
      case FieldDescriptor::TYPE_BYTES:
        if (is(type, "AttributeProto")) add(bytes * kBytesPerTextByte);
        return;
      default:  // packed numbers of a byte each
        if (is(type, "AttributeProto") || field.name() == "dims") add(bytes * kBytesPerNumber);
    }
  }

  static bool is_name(const FieldDescriptor& field) {
    return field.name() != "doc_string" && field.name() != "value";
  }

  /// The documentation of nodes and tensors is not.
  static bool is_copied_text(const Descriptor& type, const FieldDescriptor& field) {
    return field.name() != "doc_string" || is(type, "ModelProto") || is(type, "GraphProto") ||
           is(type, "ValueInfoProto");
  }

  void require_short(const Descriptor& type,
                     const FieldDescriptor& field,
                     std::string_view text) const {
    if (text.size() <= kMaxNameBytes) return;
    constexpr std::size_t kShown = 40;
    throw ImportError(place_.name,
                      fmt::format("a {} has the {} '{}...' of {} bytes; the limit is {}, so "
                                  "rename it",
                                  type.name(),
                                  field.name(),
                                  text.substr(0, kShown),
                                  text.size(),
                                  kMaxNameBytes));
  }

  void add(std::int64_t bytes) { needed_ = saturated_sum(needed_, bytes); }

  const ModelPlace& place_;
  std::int64_t needed_ = 0;
};

}  // namespace

void check_structure(std::string_view bytes, const ModelPlace& place) {
  Scan scan(place);
  scan.message(*onnx::ModelProto::descriptor(), bytes, 0);
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (scan.needed() <= allowed_bytes(size)) return;
  throw ImportError(
      place.name,
      fmt::format("the structure of the network (its nodes, names and attributes) {}",
                  over_memory_limit(scan.needed(), size, "export a smaller network")));
}

}  // namespace ompq::onnx_io
