#include "ompq/onnx_io/external_data_writer.h"

#include <memory>

namespace ompq::onnx_io {
namespace {

constexpr std::size_t kPage = 4096;

bool moves_out(const onnx::TensorProto& tensor) { return tensor.raw_data().size() >= kPage; }

std::size_t next_page(std::size_t size) { return (size + kPage - 1) / kPage * kPage; }

void add_entry(onnx::TensorProto& tensor, const char* key, const std::string& value) {
  auto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

}  // namespace

std::string move_out_big_tensors(onnx::ModelProto& model, const std::string& location) {
  auto& tensors = *model.mutable_graph()->mutable_initializer();
  std::size_t total = 0;
  for (const auto& tensor : tensors) {
    if (moves_out(tensor)) total = next_page(total) + tensor.raw_data().size();
  }
  std::string data;
  data.reserve(total);  // avoids copying gigabytes when the string grows
  for (auto& tensor : tensors) {
    if (!moves_out(tensor)) continue;
    data.resize(next_page(data.size()), '\0');
    add_entry(tensor, "location", location);
    add_entry(tensor, "offset", std::to_string(data.size()));
    const std::unique_ptr<std::string> bytes(tensor.release_raw_data());
    add_entry(tensor, "length", std::to_string(bytes->size()));
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    data += *bytes;
  }
  return data;
}

}  // namespace ompq::onnx_io
