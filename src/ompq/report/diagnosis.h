#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ompq::report {

/// What quantization does to one layer. Signal-to-noise ratios in dB, 10 log10(|x|^2 / |x_q - x|^2)
/// over all samples; nothing where there is no noise, or no signal.
struct LayerDiagnosis {
  std::string name;
  std::string op;
  std::string block;  ///< "" where the layer is in none
  bool depthwise = false;
  std::optional<int> weight_bits;      ///< nothing where unknown, or where the weight stays float
  std::optional<int> activation_bits;  ///< of the layer's input, likewise
  bool reads_network_input = false;
  std::optional<double> snr_before_db;  ///< of its feature in the network that was quantized first
  std::optional<double> snr_after_db;   ///< of its feature in the network that is the result
  /// Of the operator's output where the float network's input meets quantized weights.
  std::optional<double> weight_snr_db;
  /// Of the operator's output where the quantized input of the float network meets float weights.
  std::optional<double> input_snr_db;
  /// How much the SNR of the network's first output would grow if this layer alone were float.
  std::optional<double> gain_db;
  /// Of the float network's input x to the layer: the largest |x| of all channels over the median
  /// of the channels' largest |x|. One scale serves them all.
  double channel_spread = 0;
  double peak_to_rms = 0;           ///< largest |x| over the root mean square
  double clipped_share = 0;         ///< elements outside of the quantizer's range, 0..1
  double clipping_noise_share = 0;  ///< of the quantizer's noise, that of such elements, 0..1
};

struct BlockDiagnosis {
  std::string name;
  std::vector<std::string> layers;
  std::optional<double> snr_before_db;
  std::optional<double> snr_after_db;
};

/// What stands out and what can be done about it.
struct Advice {
  std::string layer;    ///< "" where it speaks of the whole network
  std::string finding;  ///< with the measured values
  std::string remedy;   ///< with the options to give
};

/// Where a quantized network loses its signal: `before` is it with weights rounded to nearest,
/// `after` the result of the method; both may be the same.
struct Diagnosis {
  std::int64_t samples = 0;       ///< that the SNRs are measured on
  std::int64_t gain_samples = 0;  ///< that gain_db is measured on; 0: not measured
  std::optional<double> output_snr_before_db;
  std::optional<double> output_snr_after_db;
  std::vector<LayerDiagnosis> layers;  ///< in topological order
  std::vector<BlockDiagnosis> blocks;
  std::vector<Advice> advice;  ///< the most harmful layers first
};

/// Layers by falling gain_db, without those that were not measured.
[[nodiscard]] std::vector<const LayerDiagnosis*> offenders(const Diagnosis& diagnosis);

}  // namespace ompq::report
