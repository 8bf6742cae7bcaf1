#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// The effect of quantization on one layer. Signal-to-noise ratios in dB, 10 log10(|x|^2 / |x_q -
/// x|^2) over all samples; nullopt without noise or signal.
struct LayerDiagnosis {
  std::string name;
  std::string op_type;
  std::string block;
  bool depthwise = false;
  std::optional<int> weight_bits;
  std::optional<int> activation_bits;
  bool reads_network_input = false;
  std::optional<double> snr_before_db;
  std::optional<double> snr_after_db;
  std::optional<double> weight_snr_db;
  std::optional<double> input_snr_db;
  std::optional<double> gain_db;
  double channel_spread = 0;
  double peak_to_rms = 0;
  double clipped_share = 0;
  double clipping_noise_share = 0;
};

template <typename Visitor, fields::Of<LayerDiagnosis> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("LayerDiagnosis",
         "Effect of quantization on one layer. Signal-to-noise ratios are in dB, over all samples; "
         "none without noise or signal.");
  v("name", s.name, "");
  v("op_type", s.op_type, "operator type of its ONNX node", fields::formerly("operator"));
  v("block", s.block, "empty if the layer is in no block");
  v("weight_bits", s.weight_bits, "none if unknown or float", fields::kWidths);
  v("activation_bits",
    s.activation_bits,
    "width of its input; none if unknown or float",
    fields::kWidths);
  v("snr_before_db", s.snr_before_db, "SNR of its output with weights rounded to nearest");
  v("snr_after_db", s.snr_after_db, "SNR of its output in the result");
  v("weight_snr_db",
    s.weight_snr_db,
    "SNR of the operator's output if only the weights are quantized");
  v("input_snr_db", s.input_snr_db, "SNR of the operator's output if only the input is quantized");
  v("gain_db",
    s.gain_db,
    "increase of the SNR of the network's first output if only this layer were float");
  v("channel_spread",
    s.channel_spread,
    "of the input: largest |x| / median of the channels' largest |x|; they share one scale");
  v("clipped_share",
    s.clipped_share,
    "share of elements outside the quantizer's range, 0..1",
    fields::kShare);
  v("clipping_noise_share",
    s.clipping_noise_share,
    "share of the quantizer's noise that is due to clipped elements, 0..1",
    fields::kShare);
  v("peak_to_rms", s.peak_to_rms, "of the input: largest |x| / root mean square");
  v.internal(s.depthwise);
  v.internal(s.reads_network_input);
}

struct BlockDiagnosis {
  std::string name;
  std::vector<std::string> layers;
  std::optional<double> snr_before_db;
  std::optional<double> snr_after_db;
};

template <typename Visitor, fields::Of<BlockDiagnosis> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("BlockDiagnosis", "Effect of quantization on a block's output.");
  v("name", s.name, "");
  v("layers", s.layers, "");
  v("snr_before_db", s.snr_before_db, "SNR with weights rounded to nearest");
  v("snr_after_db", s.snr_after_db, "SNR in the result");
}

/// A finding and its remedy.
struct Advice {
  std::string layer;
  std::string finding;
  std::string remedy;
};

template <typename Visitor, fields::Of<Advice> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Advice", "A finding and its remedy.");
  v("layer", s.layer, "empty if it concerns the whole network");
  v("finding", s.finding, "text with the measured values");
  v("remedy", s.remedy, "text with the options to use");
}

/// Where a quantized network loses accuracy: `before` has weights rounded to nearest, `after` is
/// the result of the method; both may be the same.
struct Diagnosis {
  std::int64_t samples = 0;
  std::int64_t gain_samples = 0;
  std::optional<double> output_snr_before_db;
  std::optional<double> output_snr_after_db;
  std::vector<LayerDiagnosis> layers;
  std::vector<BlockDiagnosis> blocks;
  std::vector<Advice> advice;
};

template <typename Visitor, fields::Of<Diagnosis> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Diagnosis",
         "Where a quantized network loses signal. Before: with weights rounded to nearest; after: "
         "the result of the method.");
  v("samples", s.samples, "samples that the SNRs are measured on", fields::kCount);
  v("gain_samples",
    s.gain_samples,
    "samples that gain_db is measured on; 0: not measured",
    fields::kCount);
  v("output_snr_before_db", s.output_snr_before_db, "SNR of the network's first output");
  v("output_snr_after_db", s.output_snr_after_db, "SNR of the network's first output");
  v("layers", s.layers, "in topological order");
  v("blocks", s.blocks, "");
  v("advice", s.advice, "most harmful layers first");
}

/// Layers by decreasing gain_db, without those that were not measured.
[[nodiscard]] std::vector<const LayerDiagnosis*> offenders(const Diagnosis& diagnosis);

}  // namespace ompq::report
