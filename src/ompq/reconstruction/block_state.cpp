#include "ompq/reconstruction/block_state.h"

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ompq/core/error.h"

namespace ompq::reconstruction {
namespace {

constexpr std::string_view kMagic = "ompq-block/2";
constexpr std::string_view kDistillationMagic = "ompq-distillation/1";

class Writer {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void text(std::string_view value) {
    number<std::uint64_t>(value.size());
    bytes_.append(value);
  }
  template <typename T>
  void numbers(const std::vector<T>& values) {
    text({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view text() { return take(number<std::uint64_t>()); }
  template <typename T>
  std::vector<T> numbers() {
    const std::string_view bytes = text();
    if (bytes.size() % sizeof(T) != 0) fail();
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  void finish() const {
    if (!rest_.empty()) fail();
  }
  [[noreturn]] static void fail() {
    throw DataError(
        "reconstruction",
        "the journal's entry is damaged or has another version; remove the journal to start again");
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

void write_codes(Writer& writer, const quant::QuantizedTensor& codes) {
  writer.number<std::int32_t>(codes.params.bits.value());
  writer.number(static_cast<std::int32_t>(codes.params.symmetry));
  writer.number<std::int32_t>(codes.params.granularity.per_axis ? 1 : 0);
  writer.number<std::int64_t>(codes.params.granularity.axis);
  writer.number<std::int64_t>(codes.params.granularity.stacked);
  writer.numbers(codes.params.scale);
  writer.numbers(codes.params.zero_point);
  writer.numbers(codes.shape);
  writer.numbers(codes.codes);
}

quant::QuantizedTensor read_codes(Reader& reader) {
  quant::QuantizedTensor codes;
  const auto bits = reader.number<std::int32_t>();
  if (bits < kMinBits || bits > kMaxBits) Reader::fail();
  codes.params.bits = BitWidth(bits);
  const auto symmetry = reader.number<std::int32_t>();
  if (symmetry < 0 || symmetry > static_cast<std::int32_t>(quant::Symmetry::Normal)) Reader::fail();
  codes.params.symmetry = static_cast<quant::Symmetry>(symmetry);
  codes.params.granularity.per_axis = reader.number<std::int32_t>() != 0;
  codes.params.granularity.axis = reader.number<std::int64_t>();
  codes.params.granularity.stacked = reader.number<std::int64_t>();
  codes.params.scale = reader.numbers<float>();
  codes.params.zero_point = reader.numbers<std::int32_t>();
  codes.shape = reader.numbers<std::int64_t>();
  codes.codes = reader.numbers<std::uint8_t>();
  return codes;
}

void write_report(Writer& writer, const BlockReport& report) {
  writer.text(report.name);
  for (const double value : {report.loss_before,
                             report.loss_after,
                             report.snr_before_db,
                             report.snr_after_db,
                             report.seconds}) {
    writer.number(value);
  }
  writer.number<std::int64_t>(report.iterations);
  writer.number<std::int32_t>(report.kept_initial ? 1 : 0);
}

BlockReport read_report(Reader& reader) {
  BlockReport report;
  report.name = reader.text();
  for (double* value : {&report.loss_before,
                        &report.loss_after,
                        &report.snr_before_db,
                        &report.snr_after_db,
                        &report.seconds}) {
    *value = reader.number<double>();
  }
  report.iterations = reader.number<std::int64_t>();
  report.kept_initial = reader.number<std::int32_t>() != 0;
  return report;
}

}  // namespace

std::string to_bytes(const BlockState& state) {
  Writer writer;
  writer.text(kMagic);
  writer.text(state.name);
  writer.number<std::uint64_t>(state.codes.size());
  for (const auto& [name, codes] : state.codes) {
    writer.text(name);
    write_codes(writer, codes);
  }
  writer.number<std::uint64_t>(state.steps.size());
  for (const auto& [name, step] : state.steps) {
    writer.text(name);
    writer.number(step);
  }
  writer.number<std::uint64_t>(state.biases.size());
  for (const auto& [name, bias] : state.biases) {
    writer.text(name);
    writer.numbers(bias);
  }
  write_report(writer, state.report);
  return writer.take();
}

BlockState block_state_from(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.text() != kMagic) Reader::fail();
  BlockState state;
  state.name = reader.text();
  for (auto left = reader.number<std::uint64_t>(); left > 0; --left) {
    const std::string name(reader.text());
    state.codes.emplace(name, read_codes(reader));
  }
  for (auto left = reader.number<std::uint64_t>(); left > 0; --left) {
    const std::string name(reader.text());
    state.steps.emplace(name, reader.number<float>());
  }
  for (auto left = reader.number<std::uint64_t>(); left > 0; --left) {
    const std::string name(reader.text());
    state.biases.emplace(name, reader.numbers<float>());
  }
  state.report = read_report(reader);
  reader.finish();
  return state;
}

std::string to_bytes(const DistillationState& state) {
  Writer writer;
  writer.text(kDistillationMagic);
  for (const std::int64_t value : {state.epochs, state.steps, state.best_epoch}) {
    writer.number(value);
  }
  for (const double value : {state.loss_before, state.loss_best, state.seconds}) {
    writer.number(value);
  }
  writer.text(to_bytes(state.best));
  writer.number<std::uint64_t>(state.numbers.size());
  for (const auto& [name, values] : state.numbers) {
    writer.text(name);
    writer.numbers(values);
  }
  return writer.take();
}

DistillationState distillation_state_from(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.text() != kDistillationMagic) Reader::fail();
  DistillationState state;
  for (std::int64_t* value : {&state.epochs, &state.steps, &state.best_epoch}) {
    *value = reader.number<std::int64_t>();
  }
  for (double* value : {&state.loss_before, &state.loss_best, &state.seconds}) {
    *value = reader.number<double>();
  }
  state.best = block_state_from(reader.text());
  for (auto left = reader.number<std::uint64_t>(); left > 0; --left) {
    const std::string name(reader.text());
    state.numbers.emplace(name, reader.numbers<float>());
  }
  reader.finish();
  return state;
}

}  // namespace ompq::reconstruction
