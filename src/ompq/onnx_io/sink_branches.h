#pragma once

#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// An If of a written graph, and which of its branches the nodes before it belong to.
struct TakenBranch {
  std::string output;  ///< of the If, for finding it
  bool condition = true;
};

/// Moves the nodes that the taken branches alone read into them, so that they do not run where the
/// condition is another. What depends on constants alone stays outside, where runtimes fold it.
void sink_branches(onnx::GraphProto& graph, const std::vector<TakenBranch>& taken);

}  // namespace ompq::onnx_io
