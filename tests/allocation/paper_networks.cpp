#include "allocation/paper_networks.h"

#include <array>
#include <cstdint>
#include <utility>

namespace ompq::testing {
namespace {

using allocation::LayerCost;

class Network {
 public:
  explicit Network(bool folded) : folded_(folded) {}

  /// Square convolution with "same" padding. @return its index.
  std::ptrdiff_t conv(std::int64_t channels,
                      std::int64_t kernel,
                      std::int64_t stride,
                      std::int64_t groups = 1) {
    extent_ = (extent_ + stride - 1) / stride;
    const std::int64_t inputs = std::exchange(channels_, channels);
    return add(inputs, kernel, groups);
  }
  /// A 1 x 1 shortcut that ends where the network stands.
  std::ptrdiff_t shortcut(std::int64_t from_channels, std::ptrdiff_t tied_to) {
    const std::ptrdiff_t index = add(from_channels, 1, 1);
    layers_.back().tied_to = tied_to;
    return index;
  }
  void pool() { extent_ /= 2; }
  void linear(std::int64_t outputs) {
    LayerCost layer;
    layer.name = "fc";
    layer.weight_count = layer.macs = channels_ * outputs;
    layer.bias_count = layer.out_channels = layer.output_elements = outputs;
    layer.linear = true;
    layers_.push_back(layer);
  }
  [[nodiscard]] std::int64_t channels() const { return channels_; }
  [[nodiscard]] std::vector<LayerCost> layers() const { return layers_; }

 private:
  std::ptrdiff_t add(std::int64_t inputs, std::int64_t kernel, std::int64_t groups) {
    LayerCost layer;
    layer.name = "conv" + std::to_string(layers_.size());
    layer.weight_count = channels_ * inputs / groups * kernel * kernel;
    layer.out_channels = channels_;
    (folded_ ? layer.bias_count : layer.norm_count) = folded_ ? channels_ : 2 * channels_;
    layer.output_elements = channels_ * extent_ * extent_;
    layer.macs = layer.weight_count * extent_ * extent_;
    layers_.push_back(layer);
    return std::ssize(layers_) - 1;
  }

  bool folded_;
  std::int64_t channels_ = 3;
  std::int64_t extent_ = 224;
  std::vector<LayerCost> layers_;
};

}  // namespace

std::vector<LayerCost> resnet18_layers(bool folded) {
  Network net(folded);
  net.conv(64, 7, 2);
  net.pool();
  for (const std::int64_t width : {64, 128, 256, 512}) {
    for (int block = 0; block < 2; ++block) {
      const std::int64_t inputs = net.channels();
      net.conv(width, 3, width != inputs ? 2 : 1);
      const std::ptrdiff_t last = net.conv(width, 3, 1);
      if (width != inputs) net.shortcut(inputs, last);
    }
  }
  net.linear(1000);
  return net.layers();
}

std::vector<LayerCost> resnet50_layers(bool folded) {
  Network net(folded);
  net.conv(64, 7, 2);
  net.pool();
  std::int64_t width = 64;
  for (const int blocks : {3, 4, 6, 3}) {
    for (int block = 0; block < blocks; ++block) {
      const std::int64_t inputs = net.channels();
      net.conv(width, 1, 1);
      net.conv(width, 3, block == 0 && width > 64 ? 2 : 1);
      const std::ptrdiff_t last = net.conv(4 * width, 1, 1);
      if (block == 0) net.shortcut(inputs, last);
    }
    width *= 2;
  }
  net.linear(1000);
  return net.layers();
}

std::vector<LayerCost> mobilenetv2_layers(bool folded) {
  struct Stage {
    std::int64_t expansion, channels, blocks, stride;
  };
  constexpr std::array<Stage, 7> kStages{{{1, 16, 1, 1},
                                          {6, 24, 2, 2},
                                          {6, 32, 3, 2},
                                          {6, 64, 4, 2},
                                          {6, 96, 3, 1},
                                          {6, 160, 3, 2},
                                          {6, 320, 1, 1}}};
  Network net(folded);
  net.conv(32, 3, 2);
  for (const Stage& stage : kStages) {
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      const std::int64_t hidden = net.channels() * stage.expansion;
      if (stage.expansion > 1) net.conv(hidden, 1, 1);
      net.conv(hidden, 3, block == 0 ? stage.stride : 1, hidden);
      net.conv(stage.channels, 1, 1);
    }
  }
  net.conv(1280, 1, 1);
  net.linear(1000);
  return net.layers();
}

}  // namespace ompq::testing
