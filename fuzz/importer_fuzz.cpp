#include <cstdlib>
#include <string>

#include "fuzz_target.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"

namespace {

/// Any network that is read can be written, and read again with as many nodes.
void import_and_export(std::string_view bytes) {
  using namespace ompq;
  const graph::Graph graph = onnx_io::import_onnx_bytes(bytes);
  std::string written;
  try {
    written = onnx_io::export_onnx_bytes(graph);
  } catch (const UnsupportedOp&) {  // some sub-networks can be read, but not written
    return;
  }
  const graph::Graph again = onnx_io::import_onnx_bytes(written);
  if (again.nodes().size() != graph.nodes().size()) std::abort();
}

}  // namespace

OMPQ_FUZZ_TARGET(importer, import_and_export);
