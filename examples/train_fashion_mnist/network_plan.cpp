#include "network_plan.h"

#include "fashion_mnist.h"
#include "ompq/core/error.h"

namespace ompq::examples {
namespace {

/// Appends steps; every method returns the index of the last step that it added.
class PlanBuilder {
 public:
  PlanBuilder() { plan_.push_back({.kind = StepKind::Input, .name = "input", .out_channels = 1}); }

  std::size_t conv(std::string name,
                   std::size_t from,
                   std::int64_t out_channels,
                   std::int64_t kernel,
                   std::int64_t stride = 1,
                   std::int64_t groups = 1) {
    return add({.kind = StepKind::Conv,
                .name = std::move(name),
                .inputs = {from},
                .in_channels = channels(from),
                .out_channels = out_channels,
                .kernel = kernel,
                .stride = stride,
                .groups = groups});
  }

  std::size_t keep_channels(StepKind kind, std::string name, std::vector<std::size_t> from) {
    const std::int64_t count = channels(from.front());
    return add({.kind = kind,
                .name = std::move(name),
                .inputs = std::move(from),
                .in_channels = count,
                .out_channels = count});
  }

  std::size_t batch_norm(std::string name, std::size_t from) {
    return keep_channels(StepKind::BatchNorm, std::move(name), {from});
  }

  std::size_t relu(std::string name, std::size_t from) {
    return keep_channels(StepKind::Relu, std::move(name), {from});
  }

  std::size_t relu6(std::string name, std::size_t from) {
    return keep_channels(StepKind::Relu6, std::move(name), {from});
  }

  std::size_t sum(std::string name, std::size_t left, std::size_t right) {
    return keep_channels(StepKind::Add, std::move(name), {left, right});
  }

  NetworkPlan classify(std::size_t from) && {
    const std::size_t pooled = keep_channels(StepKind::GlobalAveragePool, "avgpool", {from});
    add({.kind = StepKind::Linear,
         .name = "fc",
         .inputs = {pooled},
         .in_channels = channels(pooled),
         .out_channels = kClasses});
    return std::move(plan_);
  }

  [[nodiscard]] std::int64_t channels(std::size_t step) const {
    return plan_.at(step).out_channels;
  }

 private:
  std::size_t add(PlanStep step) {
    plan_.push_back(std::move(step));
    return plan_.size() - 1;
  }

  NetworkPlan plan_;
};

std::size_t basic_block(PlanBuilder& net,
                        const std::string& name,
                        std::size_t input,
                        std::int64_t out_channels,
                        std::int64_t stride) {
  std::size_t x = net.conv(name + ".conv1", input, out_channels, 3, stride);
  x = net.relu(name + ".relu1", net.batch_norm(name + ".bn1", x));
  x = net.batch_norm(name + ".bn2", net.conv(name + ".conv2", x, out_channels, 3));
  std::size_t shortcut = input;
  if (stride != 1 || net.channels(input) != out_channels) {
    shortcut = net.conv(name + ".downsample.0", input, out_channels, 1, stride);
    shortcut = net.batch_norm(name + ".downsample.1", shortcut);
  }
  return net.relu(name + ".relu2", net.sum(name + ".add", x, shortcut));
}

struct InvertedResidual {
  std::int64_t expansion;
  std::int64_t out_channels;
  std::int64_t stride;
};

std::size_t conv_bn_relu6(PlanBuilder& net,
                          const std::string& name,
                          std::size_t input,
                          std::int64_t out_channels,
                          std::int64_t kernel,
                          std::int64_t stride = 1,
                          std::int64_t groups = 1) {
  const std::size_t x = net.conv(name + ".conv", input, out_channels, kernel, stride, groups);
  return net.relu6(name + ".relu6", net.batch_norm(name + ".bn", x));
}

std::size_t inverted_residual(PlanBuilder& net,
                              const std::string& name,
                              std::size_t input,
                              const InvertedResidual& shape) {
  const std::int64_t hidden = net.channels(input) * shape.expansion;
  std::size_t x = input;
  if (shape.expansion != 1) x = conv_bn_relu6(net, name + ".expand", x, hidden, 1);
  x = conv_bn_relu6(net, name + ".depthwise", x, hidden, 3, shape.stride, hidden);
  x = net.batch_norm(name + ".project.bn",
                     net.conv(name + ".project.conv", x, shape.out_channels, 1));
  const bool same_shape = shape.stride == 1 && net.channels(input) == shape.out_channels;
  return same_shape ? net.sum(name + ".add", x, input) : x;
}

}  // namespace

NetworkPlan resnet20_plan() {
  PlanBuilder net;
  std::size_t x = net.relu("relu1", net.batch_norm("bn1", net.conv("conv1", 0, 16, 3)));
  std::int64_t width = 16;
  for (int stage = 1; stage <= 3; ++stage, width *= 2) {
    for (int block = 0; block < 3; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
      x = basic_block(net, name, x, width, stage > 1 && block == 0 ? 2 : 1);
    }
  }
  return std::move(net).classify(x);
}

NetworkPlan mobilenetv2_plan() {
  constexpr InvertedResidual kBlocks[] = {{1, 16, 1},
                                          {4, 24, 2},
                                          {6, 24, 1},
                                          {6, 40, 2},
                                          {6, 40, 1},
                                          {6, 40, 1},
                                          {6, 64, 1},
                                          {6, 64, 1}};
  PlanBuilder net;
  std::size_t x = conv_bn_relu6(net, "stem", 0, 16, 3);
  int index = 0;
  for (const InvertedResidual& shape : kBlocks) {
    x = inverted_residual(net, "blocks." + std::to_string(index++), x, shape);
  }
  x = conv_bn_relu6(net, "head", x, 256, 1);
  return std::move(net).classify(x);
}

NetworkPlan plan_by_name(std::string_view name) {
  if (name == "resnet20") return resnet20_plan();
  if (name == "mobilenetv2") return mobilenetv2_plan();
  throw ConfigError(
      "fashion_mnist_network",
      "unknown network '" + std::string(name) + "'; pass --network resnet20 or mobilenetv2");
}

}  // namespace ompq::examples
