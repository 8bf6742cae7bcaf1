#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ompq/errors.h"
#include "ompq/evaluate.h"
#include "ompq/search.h"

namespace ompq {

struct OMPQ_API QuantizeOptions : Options {
  QuantizeOptions();
  Samples data;
  Samples eval_data;  ///< by default held-out samples of `data`
  Budget budget;
  std::filesystem::path allocation;  ///< bits.json, instead of a budget
  std::filesystem::path output;      ///< the ONNX file to write
};

/// A quantized network, measured.
struct QuantizedNetwork {
  std::filesystem::path file;  ///< empty if only the chosen network was kept
  std::int64_t bytes = 0;
  std::string allocator;
  std::string method;            ///< how weights were rounded
  std::vector<int> weight_bits;  ///< in the order of the layers
  double average_bits = 0;       ///< per quantized weight
  double compression = 0;        ///< bytes of the float file / bytes
  Evaluation evaluation;
};

struct Quantization {
  std::vector<Layer> layers;
  QuantizedNetwork network;
  std::vector<QuantizedNetwork> others;  ///< for comparison, not written: those of `beside`
  Evaluation float_evaluation;
  std::string json;
};

/// Chooses bit-widths under a budget, rounds, writes an ONNX file and evaluates it:
/// `ompq quantize`. @throws InfeasibleBudget, DataError, FileError.
[[nodiscard]] OMPQ_API Quantization quantize(const ModelRef& model, const QuantizeOptions& options);

}  // namespace ompq
