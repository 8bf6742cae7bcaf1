#include "ompq/pipeline/read_back.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/evaluate.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using onnx_io::WeightFormat;
using ::testing::HasSubstr;

class ReadBack : public ::testing::Test {
 protected:
  ReadBack() {
    rounding::ActivationQuantizers activations;
    for (const graph::Layer& layer : model_.discovery.layers) {
      if (layer.input == model_.graph.inputs().front()) continue;
      activations[layer.input] = {.bits = BitWidth(6), .scale = {0.0625F}, .zero_point = {0}};
    }
    network_ = quantize_network(model_, {3, 8, 1, 5, allocation::kFloatBits}, activations, {});
  }

  void write(const QuantizedNetwork& network, WeightFormat format = WeightFormat::Packed) const {
    onnx_io::write_onnx_file(file_, export_file(network, {.format = format}));
  }

  [[nodiscard]] std::string complaint() const {
    try {
      (void)read_back(model_, network_, file_);
    } catch (const InternalError& error) {
      return error.what();
    }
    return "";
  }

  testing::TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "out.onnx";
  Model model_ = small_model();
  QuantizedNetwork network_;
};

TEST_F(ReadBack, GivesANetworkThatComputesWhatWasQuantized) {
  Samples samples = small_samples(32);
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    write(network_, format);
    const graph::Graph read = read_back(model_, network_, file_);
    const auto compared =
        evaluate(read, *samples.dataset, samples.indices, {}, &network_.graph).evaluation;
    EXPECT_EQ(compared.agreement, 1.0);
    // No noise at all, or that of sums of float32.
    EXPECT_GT(compared.snr_db.value_or(200.0), 100.0);
  }
}

TEST_F(ReadBack, NamesTheFirstWeightThatDiffers) {
  QuantizedNetwork broken = network_;
  auto& codes = broken.weights.at("conv2.weight").codes;
  codes[5] = static_cast<std::uint8_t>(codes[5] ^ 1U);
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    write(broken, format);
    EXPECT_THAT(complaint(), HasSubstr("element 5 of the weight of layer 'conv2' is "));
    EXPECT_THAT(complaint(), HasSubstr(file_.string()));
  }
}

TEST_F(ReadBack, NamesABiasThatDiffers) {
  QuantizedNetwork broken = network_;
  const graph::ValueId bias = broken.graph.find_value("fc.bias");
  broken.graph.mutable_value(bias).constant->mutable_data<float>()[2] += 0.5F;
  write(broken);
  EXPECT_THAT(complaint(), HasSubstr("element 2 of the bias of layer 'fc' is "));
}

TEST_F(ReadBack, NamesALayerOfAnotherSize) {
  Model wide = small_model(16);
  write(quantize_network(wide, {3, 8, 1, 5, allocation::kFloatBits}, {}, {}));
  EXPECT_THAT(
      complaint(),
      HasSubstr("the weight of layer 'conv1' has 432 elements when read back, but 216 were"));
}

TEST_F(ReadBack, SaysWhyAFileCannotBeRead) {
  write(network_);
  const std::string bytes = read_file(file_);
  write_file_atomically(file_, bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(complaint(), HasSubstr("cannot be read back: "));
}

/// The float weights of a file that stores half floats come back rounded to them, and no further.
TEST_F(ReadBack, AllowsTheRoundingOfAFileOfHalfFloatsAlone) {
  const auto stored_as_half = [](QuantizedNetwork& network) {
    network.graph.mutable_value(network.graph.find_value("fc.weight")).stored = DataType::Float16;
  };
  stored_as_half(network_);
  write(network_, WeightFormat::Float);
  EXPECT_EQ(complaint(), "");
  QuantizedNetwork broken = network_;
  const graph::ValueId weight = broken.graph.find_value("fc.weight");
  broken.graph.mutable_value(weight).constant->mutable_data<float>()[3] *= 1.002F;  // 4 half ulps
  write(broken, WeightFormat::Float);
  EXPECT_THAT(complaint(), HasSubstr("element 3 of the weight of layer 'fc'"));
}

}  // namespace
}  // namespace ompq::pipeline
