#include "ompq/ptq/distributions.h"

#include <algorithm>

#include "ompq/quant/grid.h"

namespace ompq::ptq {
namespace {

constexpr std::size_t kBins = 64;

struct Range {
  double low = 0;
  double high = 0;
};

/// The union of the ranges of all scales of a quantizer.
Range range_of(const quant::QuantParams& params) {
  Range range;
  for (std::size_t c = 0; c < params.scale.size(); ++c) {
    const double scale = params.scale[c];
    const quant::Grid grid = quant::grid_of(params, c);
    range.low = std::min(range.low, grid.low * scale);
    range.high = std::max(range.high, grid.high * scale);
  }
  return range;
}

report::Histogram blank(const graph::Layer& layer, const char* kind, const Range& range) {
  return {.layer = layer.name, .kind = kind, .low = range.low, .high = range.high};
}

report::Histogram of_weight(const pipeline::Model& model,
                            const graph::Layer& layer,
                            const quant::QuantizedTensor& codes) {
  report::Histogram made = blank(layer, "weight", range_of(codes.params));
  const auto values = model.graph.value(layer.weight).constant->data<float>();
  const auto [min, max] = std::ranges::minmax(values);
  const double width = std::max<double>(static_cast<double>(max) - min, 1e-30) / kBins;
  made.counts.assign(kBins, 0.0);
  for (const float value : values) {
    const auto bin = static_cast<std::size_t>((static_cast<double>(value) - min) / width);
    made.counts[std::min(bin, kBins - 1)] += 1.0;
  }
  for (std::size_t i = 0; i <= kBins; ++i) {
    made.edges.push_back(min + width * static_cast<double>(i));
  }
  return made;
}

/// The histogram's bins between the first and the last nonempty one, merged evenly.
report::Histogram of_activation(const graph::Layer& layer,
                                const quant::QuantParams& params,
                                const rounding::ActivationHistogram& histogram) {
  report::Histogram made = blank(layer, "activation", range_of(params));
  const auto holds = [](double count) { return count > 0; };
  const auto& counts = histogram.counts;
  const auto first = std::ranges::find_if(counts, holds) - counts.begin();
  const auto last = std::find_if(counts.rbegin(), counts.rend(), holds).base() - counts.begin();
  constexpr auto kMost = static_cast<std::ptrdiff_t>(kBins);
  const std::ptrdiff_t joined = (std::max<std::ptrdiff_t>(last - first, 1) + kMost - 1) / kMost;
  for (std::ptrdiff_t at = first; at < last; at += joined) {
    made.edges.push_back(histogram.lower_edge + histogram.bin_width * static_cast<double>(at));
    double& count = made.counts.emplace_back(0.0);
    for (std::ptrdiff_t i = at; i < std::min(at + joined, last); ++i) {
      count += counts[static_cast<std::size_t>(i)];
    }
  }
  if (!made.edges.empty()) {
    made.edges.push_back(made.edges.back() + histogram.bin_width * static_cast<double>(joined));
  }
  return made;
}

}  // namespace

std::vector<report::Histogram> distributions(const pipeline::Model& model,
                                             const pipeline::QuantizedNetwork& network,
                                             const rounding::ActivationQuantizers& quantizers,
                                             const rounding::ActivationHistograms& histograms) {
  std::vector<report::Histogram> made;
  for (const graph::Layer& layer : model.discovery.layers) {
    const auto codes = network.weights.find(model.graph.value(layer.weight).name);
    if (codes != network.weights.end()) made.push_back(of_weight(model, layer, codes->second));
    const auto params = quantizers.find(layer.activation);
    const auto histogram = histograms.find(layer.activation);
    if (params == quantizers.end() || histogram == histograms.end()) continue;
    made.push_back(of_activation(layer, params->second, histogram->second));
  }
  return made;
}

}  // namespace ompq::ptq
