#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"

/// Any input is either refused with an ompq::Error or gives a network that can be written and read
/// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ompq;
  graph::Graph graph;
  try {
    graph = onnx_io::import_onnx_bytes({reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {
    return 0;
  }
  std::string written;
  try {
    written = onnx_io::export_onnx_bytes(graph);
  } catch (const UnsupportedOp&) {  // some sub-networks can be read, but not written
    return 0;
  }
  const graph::Graph again = onnx_io::import_onnx_bytes(written);
  if (again.nodes().size() != graph.nodes().size()) std::abort();
  return 0;
}
