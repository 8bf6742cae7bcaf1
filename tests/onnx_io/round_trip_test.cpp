#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "support/graph_difference.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using testing::difference;

TEST(RoundTrip, KeepsEverySharedModel) {
  OMPQ_SHARED_OR_SKIP(shared);
  for (const char* name : {"resnet20-cifar10", "mobilenetv2-imagenet", "squeezenet1_1-imagenet"}) {
    const graph::Graph first = import_onnx(shared / "models" / (std::string(name) + ".onnx"));
    const graph::Graph second = import_onnx_bytes(export_onnx_bytes(first));
    EXPECT_EQ(difference(first, second), "") << name;
    EXPECT_GT(first.nodes().size(), 20U) << name;
  }
}

}  // namespace
}  // namespace ompq::onnx_io
