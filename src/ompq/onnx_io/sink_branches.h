#pragma once

#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// An If of a written graph, and the branch to which the nodes before it belong.
struct TakenBranch {
  std::string output;  ///< first output, identifies the If
  bool condition = true;
};

/// Moves nodes that only the taken branch reads into it, so that they do not run if the other
/// branch is taken. Nodes that depend only on constants stay outside, so that runtimes can fold
/// them.
void sink_branches(onnx::GraphProto& graph, const std::vector<TakenBranch>& taken);

}  // namespace ompq::onnx_io
