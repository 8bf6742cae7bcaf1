#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/row_table.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/operator.h"
#include "ompq/ops/registered_operator.h"

namespace ompq::ops {
namespace {

std::vector<Operator> assemble() {
  std::vector<Operator> table;
  for (const std::span<const Operator> family : {
           activation_operators(), attention_operators(),          bit_operators(),
           casting_operators(),    control_flow_operators(),       conv_operators(),
           einsum_operators(),     elementwise_binary_operators(), elementwise_unary_operators(),
           fused_operators(),      gemm_matmul_operators(),        joining_operators(),
           logic_operators(),      normalization_operators(),      padding_operators(),
           pooling_operators(),    quantize_linear_operators(),    recurrent_operators(),
           reduction_operators(),  reshaping_operators(),          resize_operators(),
           selection_operators(),  sequence_operators(),           slicing_operators(),
           softmax_operators(),
       }) {
    table.insert(table.end(), family.begin(), family.end());
  }
  return table;
}

std::string_view plain_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

using Key = std::pair<std::string_view, std::string_view>;

Key key_of(const Operator& row) { return {row.domain, row.type}; }

struct Table {
  RowTable<Operator> rows{assemble()};
  std::map<Key, const Operator*> index;  ///< of the listed rows

  Table() {
    for (const Operator& row : rows.rows()) index.emplace(key_of(row), &row);
  }
};

Table& the_table() {
  static Table table;
  return table;
}

}  // namespace

std::span<const Operator> operator_table() { return the_table().rows.rows(); }

const Operator* find_operator(std::string_view domain, std::string_view type) {
  const Table& table = the_table();
  const Key key{plain_domain(domain), type};
  const auto found = table.index.find(key);
  if (found != table.index.end()) return found->second;
  // Added rows (ScopedRow).
  return table.rows.find_if([&](const Operator& row) { return key_of(row) == key; });
}

RegisteredOperator::RegisteredOperator(const Operator& row) : row_(the_table().rows, row) {}

RegisteredOperator::RegisteredOperator(const Operator& row, graph::OperatorTraits traits)
    : RegisteredOperator(row) {
  traits_.emplace(graph::operator_traits(), std::move(traits));
}

std::string_view reason_without_row(std::string_view domain, std::string_view type) {
  static constexpr std::string_view kData =
      "its output's shape depends on the data; cut the network before it";
  static constexpr std::string_view kQuantized =
      "the network is quantized already; start from the float one";
  static constexpr std::string_view kTraining = "is only for training; export for inference";
  static constexpr std::string_view kSequences =
      "sequences of tensors are not supported; export the network with only tensors";
  static constexpr std::string_view kText =
      "text is not supported; cut the network after it and use its numeric inputs";
  static constexpr std::string_view kSignals =
      "signal processing is not supported; compute it before the network";
  static constexpr std::string_view kOutside =
      "the operator is not supported; cut the network before it";
  static constexpr std::string_view kCache =
      "a cache of keys and values is not supported; export the network without it";
  static const std::map<std::string_view, std::string_view> kReasons{
      {"NonMaxSuppression", kData},
      {"Unique", kData},
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
      {"SequenceAt", kSequences},
      {"SequenceConstruct", kSequences},
      {"SequenceEmpty", kSequences},
      {"SequenceErase", kSequences},
      {"SequenceInsert", kSequences},
      {"SequenceLength", kSequences},
      {"SequenceMap", kSequences},
      {"SplitToSequence", kSequences},
      {"ConcatFromSequence", kSequences},
      {"Optional", kSequences},
      {"OptionalGetElement", kSequences},
      {"OptionalHasElement", kSequences},
      {"StringConcat", kText},
      {"StringNormalizer", kText},
      {"StringSplit", kText},
      {"RegexFullMatch", kText},
      {"TfIdfVectorizer", kText},
      {"ImageDecoder", "decode the images before the network"},
      {"DFT", kSignals},
      {"STFT", kSignals},
      {"MelWeightMatrix", kSignals},
      {"BlackmanWindow", kSignals},
      {"HammingWindow", kSignals},
      {"HannWindow", kSignals},
      {"AffineGrid", kOutside},
      {"BitCast", kOutside},
      {"CenterCropPad", kOutside},
      {"DeformConv", kOutside},
      {"MaxRoiPool", kOutside},
      {"MaxUnpool", kOutside},
      {"RoiAlign", kOutside},
      {"TensorScatter", kCache},
      {"LinearAttention", kCache},
      {"CausalConvWithState", kCache},
  };
  if (!plain_domain(domain).empty()) {
    return domain == kMicrosoft
               ? "only some of ONNX Runtime's own operators are supported; optimize the network at "
                 "a lower level, or start from the file before the optimizer"
               : "this domain is not supported; export the network with ONNX's own operators";
  }
  const auto found = kReasons.find(type);
  return found == kReasons.end() ? "the operator is not supported; export the network without it"
                                 : found->second;
}

bool depends_on_data(std::string_view domain, std::string_view type) {
  return plain_domain(domain).empty() && (type == "NonMaxSuppression" || type == "Unique");
}

}  // namespace ompq::ops
