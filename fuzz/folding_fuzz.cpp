#include "fuzz_target.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "ompq/ops/inline_branches.h"

namespace {

/// Shapes and constants of any network.
void infer_and_fold_network(std::string_view bytes) {
  using namespace ompq;
  graph::Graph graph = onnx_io::import_onnx_bytes(bytes);
  ops::inline_known_branches(graph);
  ops::infer_and_fold(graph);
}

}  // namespace

OMPQ_FUZZ_TARGET(folding, infer_and_fold_network);
