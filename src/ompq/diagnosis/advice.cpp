#include "ompq/diagnosis/advice.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace ompq::diagnosis {
namespace {

/// Smaller gains of the output are negligible compared with one bit more or less.
constexpr double kCountingGainDb = 0.1;
/// A layer counts below this SNR of its own noise if gains were not measured.
constexpr double kCountingSnrDb = 20;
constexpr std::size_t kMaxLayers = 10;

/// With noise of a tenth of the signal's power, the predicted class often changes.
constexpr double kPoorOutputDb = 10;
/// A channel with an eighth of the range loses three bits of resolution.
constexpr double kWideSpread = 8;
/// Among a million normal numbers the peak is 5 to 6 standard deviations; beyond 20, a few outliers
/// set the scale.
constexpr double kLongTail = 20;
constexpr double kMostlyClipping = 0.5;

constexpr int kMaxUsefulBits = 8;

/// SNR of the layer's own noise, very large if there is none.
double own_snr(const std::optional<double>& snr) { return snr.value_or(1e9); }

bool by_input(const AdviceCase& c) {
  return c.layer.input_snr_db.has_value() &&
         own_snr(c.layer.input_snr_db) <= own_snr(c.layer.weight_snr_db);
}

bool by_weights(const AdviceCase& c) { return c.layer.weight_snr_db.has_value() && !by_input(c); }

std::string decibels(const std::optional<double>& snr) {
  return snr ? fmt::format("{:.1f} dB", *snr) : "no noise";
}

std::string bits_text(const std::optional<int>& bits) {
  return bits ? fmt::format("{} bits", *bits) : std::string("its bits");
}

std::string own_text(const AdviceCase& c) {
  const std::string gain =
      c.layer.gain_db
          ? fmt::format("; the output would gain {:.1f} dB without it", *c.layer.gain_db)
          : std::string();
  return fmt::format("own noise: weights {}, input {}{}",
                     decibels(c.layer.weight_snr_db),
                     decibels(c.layer.input_snr_db),
                     gain);
}

std::string more_activation_bits(const AdviceCase& c) {
  const auto bits = c.layer.activation_bits;
  if (bits && *bits < kMaxUsefulBits) {
    const bool given = c.layer.reads_network_input;
    return fmt::format("give {} more bits than {} (--{} {})",
                       given ? "the network's inputs" : "activations",
                       *bits,
                       given ? "input-bits" : "act-bits",
                       std::min(*bits + 2, kMaxUsefulBits));
  }
  return fmt::format("keep the layer float (--exclude '{}')", c.layer.name);
}

std::string more_weight_bits(const AdviceCase& c, int more) {
  const auto bits = c.layer.weight_bits;
  if (bits && *bits >= kMaxUsefulBits) {
    return fmt::format("keep the layer float (--exclude '{}')", c.layer.name);
  }
  return fmt::format("--pin '{}={}'",
                     c.layer.name,
                     bits ? std::min(*bits + more, kMaxUsefulBits) : kMaxUsefulBits);
}

// --- the rules, in the order of the table -------------------------------------------------

bool input_channels_differ(const AdviceCase& c) {
  return by_input(c) && c.layer.channel_spread > kWideSpread;
}
std::string channels_found(const AdviceCase& c) {
  return fmt::format(
      "{}one scale for all input channels, but the largest has {:.0f} times the range of the "
      "median ({})",
      c.layer.depthwise ? "depthwise: " : "",
      c.layer.channel_spread,
      own_text(c));
}
std::string channels_remedy(const AdviceCase& c) {
  return "equalize the channels of the layers before quantizing, or " + more_activation_bits(c);
}

bool input_is_clipped(const AdviceCase& c) {
  return by_input(c) && c.layer.clipping_noise_share > kMostlyClipping;
}
std::string clipping_found(const AdviceCase& c) {
  return fmt::format(
      "{:.2g} % of its input is outside the quantizer's range and causes {:.0f} % of its noise "
      "({})",
      100 * c.layer.clipped_share,
      100 * c.layer.clipping_noise_share,
      own_text(c));
}
std::string clipping_remedy(const AdviceCase& c) {
  return "widen the range (--act-range minmax), calibrate with more samples (--samples), or " +
         more_activation_bits(c);
}

bool input_has_a_tail(const AdviceCase& c) {
  return by_input(c) && c.layer.peak_to_rms > kLongTail;
}
std::string tail_found(const AdviceCase& c) {
  return fmt::format(
      "its input has a long tail: the peak is {:.0f} times the root mean square, so rare values "
      "set the scale ({})",
      c.layer.peak_to_rms,
      own_text(c));
}
std::string tail_remedy(const AdviceCase& c) {
  return "clip the tail (--act-range percentile), or " + more_activation_bits(c);
}

std::string input_found(const AdviceCase& c) {
  return fmt::format("its input adds more noise than its weights at {} ({})",
                     bits_text(c.layer.activation_bits),
                     own_text(c));
}

bool is_end(const AdviceCase& c) {
  return by_weights(c) && (c.index == 0 || c.index + 1 == c.network.layers.size());
}
std::string end_found(const AdviceCase& c) {
  return fmt::format(
      "the {} layer's weights have {}, and {} ({})",
      c.index == 0 ? "first" : "last",
      bits_text(c.layer.weight_bits),
      c.index == 0 ? "its noise reaches all other layers" : "its noise goes directly to the output",
      own_text(c));
}
std::string end_remedy(const AdviceCase& c) {
  return "give the first and last layer 8 bits (--first-last 8), or " + more_weight_bits(c, 2);
}

bool is_depthwise(const AdviceCase& c) { return by_weights(c) && c.layer.depthwise; }
std::string depthwise_found(const AdviceCase& c) {
  return fmt::format(
      "depthwise: each output is a sum over few weights, whose rounding at {} does "
      "not average out ({})",
      bits_text(c.layer.weight_bits),
      own_text(c));
}
std::string depthwise_remedy(const AdviceCase& c) {
  return "more bits cost few bytes here: " + more_weight_bits(c, 2);
}

std::string weights_found(const AdviceCase& c) {
  return fmt::format("its weights add more noise than its input at {} ({})",
                     bits_text(c.layer.weight_bits),
                     own_text(c));
}
std::string weights_remedy(const AdviceCase& c) {
  const auto bits = c.layer.weight_bits;
  const std::string pinned = more_weight_bits(c, 1);
  if (!bits || *bits >= kMaxUsefulBits) return pinned;
  std::string candidates;
  for (int b = *bits + 1; b <= kMaxUsefulBits; ++b) {
    candidates += (candidates.empty() ? "" : ",") + std::to_string(b);
  }
  return fmt::format("{}, or raise its minimum and let the budget decide (--candidates '{}={}')",
                     pinned,
                     c.layer.name,
                     candidates);
}

constexpr std::array<AdviceRule, 7> kRules{{
    {"uneven input channels", input_channels_differ, channels_found, channels_remedy},
    {"clipped input", input_is_clipped, clipping_found, clipping_remedy},
    {"long-tailed input", input_has_a_tail, tail_found, tail_remedy},
    {"coarse input", by_input, input_found, more_activation_bits},
    {"first or last layer", is_end, end_found, end_remedy},
    {"depthwise weights", is_depthwise, depthwise_found, depthwise_remedy},
    {"coarse weights", by_weights, weights_found, weights_remedy},
}};

/// Layers whose noise affects the output, the worst first.
std::vector<const report::LayerDiagnosis*> noisy_layers(const report::Diagnosis& diagnosis) {
  if (diagnosis.gain_samples > 0) {
    auto sorted = report::offenders(diagnosis);
    std::erase_if(sorted, [](const auto* layer) { return *layer->gain_db < kCountingGainDb; });
    return sorted;
  }
  const auto noise = [](const report::LayerDiagnosis& layer) {
    return std::min(own_snr(layer.weight_snr_db), own_snr(layer.input_snr_db));
  };
  std::vector<const report::LayerDiagnosis*> sorted;
  for (const report::LayerDiagnosis& layer : diagnosis.layers) {
    if (noise(layer) < kCountingSnrDb) sorted.push_back(&layer);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) {
    return noise(*a) < noise(*b);
  });
  return sorted;
}

void advise_on_output(const report::Diagnosis& diagnosis, std::vector<report::Advice>& advice) {
  const auto& before = diagnosis.output_snr_before_db;
  const auto& after = diagnosis.output_snr_after_db;
  if (after && *after < kPoorOutputDb) {
    advice.push_back(
        {"",
         fmt::format("the output's signal-to-noise ratio is {:.1f} dB, below {:.0f} dB",
                     *after,
                     kPoorOutputDb),
         "raise the budget (--avg-bits, --size), or give the layers below more bits"});
  }
  if (before && after && *after < *before) {
    advice.push_back(
        {"",
         fmt::format(
             "the output is noisier than with nearest rounding, {:.1f} dB against {:.1f} dB",
             *after,
             *before),
         "give the method more samples to learn from (--samples)"});
  }
}

}  // namespace

std::span<const AdviceRule> advice_rules() { return kRules; }

std::vector<report::Advice> advise(const report::Diagnosis& diagnosis) {
  std::vector<report::Advice> advice;
  advise_on_output(diagnosis, advice);
  auto layers = noisy_layers(diagnosis);
  if (layers.size() > kMaxLayers) layers.resize(kMaxLayers);
  for (const report::LayerDiagnosis* layer : layers) {
    const AdviceCase subject{
        diagnosis, *layer, static_cast<std::size_t>(layer - diagnosis.layers.data())};
    const auto rule = std::find_if(
        kRules.begin(), kRules.end(), [&](const AdviceRule& r) { return r.applies(subject); });
    if (rule == kRules.end()) continue;
    advice.push_back({layer->name, rule->finding(subject), rule->remedy(subject)});
  }
  return advice;
}

}  // namespace ompq::diagnosis
