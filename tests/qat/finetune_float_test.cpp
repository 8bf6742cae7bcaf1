#include <algorithm>

#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/load_model.h"
#include "qat/finetune_case.h"
#include "support/graph_difference.h"

// Training of the network itself, `FinetuneOptions::float_network`.

namespace ompq::qat {
namespace {

/// As TrainableModel::unfolded: a convolution with a norm after it, then a block, each with
/// its own norms, and 3 classes.
graph::Graph network_with_norms() {
  testing::GraphBuilder b("normed");
  auto x = b.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  x = b.relu("relu1", b.norm("norm1", b.conv("conv1", x, {.out = 8, .kernel = 3})));
  const auto y = b.norm("norm2", b.conv("conv2", x, {.out = 8, .kernel = 3}));
  x = b.relu("relu2", b.add("add", x, y));
  x = b.flatten("flatten", b.global_average_pool("pool", x));
  graph::Graph graph = b.finish({b.gemm("fc", x, 3)});
  graph.metadata["author"] = "somebody";
  return graph;
}

class FloatTraining : public FinetuneTest {
 protected:
  FloatTraining() {
    unfolded_ = network_with_norms();
    model_.graph = unfolded_;
    graph::fold_batch_norms(model_.graph);
    model_.graph.sort();
    model_.discovery = graph::discover(model_.graph);
    options_.float_network = true;
    options_.epochs = 6;
  }
};

/// The same network but for the numbers that training changes.
graph::Graph with_constants_of(graph::Graph graph, const graph::Graph& other) {
  for (const graph::Node& node : graph.nodes()) {
    for (const graph::ValueId id : node.inputs) {
      if (!graph.is_constant(id)) continue;
      const graph::ValueId there = other.find_value(graph.value(id).name);
      if (there == graph::kNoValue) continue;
      graph.mutable_value(id).constant = other.value(there).constant;
    }
  }
  return graph;
}

TEST_F(FloatTraining, MakesANetworkThatTellsTheClasses) {
  const report::Finetuning made = run();
  ASSERT_GE(made.quantization.networks.size(), 1U);
  EXPECT_GT(*made.quantization.networks.front().evaluation.top1, 0.8);
  pipeline::Samples evaluation = labelled_samples(96, 3);
  const auto outcome = pipeline::evaluate(
      pipeline::load_model(file("out.onnx")).graph, *evaluation.dataset, evaluation.indices, {});
  EXPECT_EQ(outcome.evaluation.top1, made.quantization.networks.front().evaluation.top1);
  EXPECT_NEAR(*outcome.evaluation.cross_entropy,
              *made.quantization.networks.front().evaluation.cross_entropy,
              1e-5);
}

TEST_F(FloatTraining, WritesTheNetworkThatItWasGivenButForItsNumbers) {
  (void)run();
  const graph::Graph written = onnx_io::import_onnx(file("out.onnx"));
  EXPECT_EQ(testing::difference(with_constants_of(written, unfolded_), unfolded_), "");
  for (const std::string norm : {"norm1", "norm2"}) {
    const auto node = std::ranges::find(written.nodes(), norm, &graph::Node::name);
    ASSERT_NE(node, written.nodes().end()) << norm;
    for (std::size_t slot = 1; slot < 5; ++slot) {
      const graph::Value& now = written.value(node->inputs[slot]);
      const graph::Value& before = unfolded_.value(unfolded_.find_value(now.name));
      EXPECT_FALSE(now.constant->equals(*before.constant)) << now.name << " was not trained";
    }
  }
}

TEST_F(FloatTraining, FoldsNormsThatAreFrozen) {
  options_.norms = Norms::Frozen;
  (void)run();
  const graph::Graph written = onnx_io::import_onnx(file("out.onnx"));
  for (const graph::Node& node : written.nodes()) {
    EXPECT_FALSE(node.is("BatchNormalization")) << node.name;
  }
}

TEST_F(FloatTraining, NeedsLabelsToValidateWith) {
  pipeline::Samples samples = labelled_samples(64, 1);
  pipeline::Samples training = labelled_samples(192, 2);
  pipeline::Samples evaluation = pipeline::small_samples(96, 3);
  EXPECT_THROW((void)finetune(model_, unfolded_, samples, training, evaluation, options_),
               ConfigError);
}

}  // namespace
}  // namespace ompq::qat
