#include <map>
#include <string>

#include "ompq/ops/families/families.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {
namespace {

std::vector<Operator> assemble() {
  std::vector<Operator> table;
  for (const std::span<const Operator> family : {
           activation_operators(),
           bit_operators(),
           casting_operators(),
           conv_operators(),
           einsum_operators(),
           elementwise_binary_operators(),
           elementwise_unary_operators(),
           fused_operators(),
           gemm_matmul_operators(),
           joining_operators(),
           logic_operators(),
           normalization_operators(),
           padding_operators(),
           pooling_operators(),
           quantize_linear_operators(),
           reduction_operators(),
           reshaping_operators(),
           resize_operators(),
           selection_operators(),
           slicing_operators(),
           softmax_operators(),
       }) {
    table.insert(table.end(), family.begin(), family.end());
  }
  return table;
}

std::string_view plain_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

}  // namespace

std::span<const Operator> operator_table() {
  static const std::vector<Operator> kTable = assemble();
  return kTable;
}

const Operator* find_operator(std::string_view domain, std::string_view type) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const std::map<Key, const Operator*> kIndex = [] {
    std::map<Key, const Operator*> index;
    for (const Operator& row : operator_table()) index.emplace(Key{row.domain, row.type}, &row);
    return index;
  }();
  const auto found = kIndex.find({plain_domain(domain), type});
  return found == kIndex.end() ? nullptr : found->second;
}

std::string_view reason_without_row(std::string_view domain, std::string_view type) {
  static constexpr std::string_view kData = "its output's shape depends on the data";
  static constexpr std::string_view kControl = "control flow is not supported";
  static constexpr std::string_view kRecurrent = "recurrent networks are not supported";
  static constexpr std::string_view kQuantized =
      "the network is quantized already; start from the float one";
  static constexpr std::string_view kTraining = "belongs to training; export for inference";
  static const std::map<std::string_view, std::string_view> kReasons{
      {"NonMaxSuppression", kData},
      {"NonZero", kData},
      {"Compress", kData},
      {"Unique", kData},
      {"If", kControl},
      {"Loop", kControl},
      {"Scan", kControl},
      {"LSTM", kRecurrent},
      {"GRU", kRecurrent},
      {"RNN", kRecurrent},
      {"QLinearConv", kQuantized},
      {"QLinearMatMul", kQuantized},
      {"ConvInteger", kQuantized},
      {"MatMulInteger", kQuantized},
      {"DynamicQuantizeLinear", kQuantized},
      {"RandomNormal", kTraining},
      {"RandomNormalLike", kTraining},
      {"RandomUniform", kTraining},
      {"RandomUniformLike", kTraining},
      {"Bernoulli", kTraining},
      {"Multinomial", kTraining},
      {"SoftmaxCrossEntropyLoss", kTraining},
      {"NegativeLogLikelihoodLoss", kTraining},
  };
  if (!plain_domain(domain).empty()) return "no operator of this domain is known";
  const auto found = kReasons.find(type);
  return found == kReasons.end() ? "the operator is not known" : found->second;
}

}  // namespace ompq::ops
