// Quantizes a network under a byte budget with images in memory, and evaluates the written file.
//
//   quantize_fashion_mnist MODEL.onnx FASHION-MNIST-FOLDER OUT.onnx [OPTION=VALUE ...]
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/ompq.h"

namespace {

constexpr std::int64_t kSide = 28;
constexpr std::int64_t kBudget = 120'000;

/// The bytes of a compressed IDX file after its header.
std::vector<std::uint8_t> read_idx(const std::string& file, std::size_t header, std::size_t bytes) {
  const auto close = [](std::FILE* stream) { pclose(stream); };
  const std::unique_ptr<std::FILE, decltype(close)> stream(
      popen(("gzip -dc '" + file + "'").c_str(), "r"), close);
  std::vector<std::uint8_t> content(header + bytes);
  if (!stream || std::fread(content.data(), 1, content.size(), stream.get()) != content.size()) {
    throw std::runtime_error(file + " cannot be read");
  }
  content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(header));
  return content;
}

struct Images {
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;

  /// Views of both: uint8 images are preprocessed as the file next to the network says.
  [[nodiscard]] ompq::Samples samples() const {
    const auto count = static_cast<std::int64_t>(labels.size());
    return {ompq::Array({count, kSide, kSide}, pixels), ompq::Array({count}, labels)};
  }
};

Images read_images(const std::string& folder, const std::string& part, std::size_t count) {
  return {
      .pixels = read_idx(folder + "/" + part + "-images-idx3-ubyte.gz", 16, count * kSide * kSide),
      .labels = read_idx(folder + "/" + part + "-labels-idx1-ubyte.gz", 8, count)};
}

void print_row(const std::string& name, std::int64_t bytes, const ompq::Evaluation& evaluation) {
  std::printf("%-12s %8lld bytes  %6.2f %% top-1\n",
              name.c_str(),
              static_cast<long long>(bytes),
              100 * evaluation.top1.value());
}

void run(const std::string& file,
         const std::string& data,
         const std::string& output,
         std::span<char*> settings) {
  const Images train = read_images(data, "train", 1000);
  const Images test = read_images(data, "t10k", 1000);

  const ompq::Model model = ompq::load(file);
  std::printf("%zu layers, %lld parameters\n",
              model.layers.size(),
              static_cast<long long>(model.parameters));

  ompq::QuantizeOptions options;
  options.data = train.samples();
  options.eval_data = test.samples();
  options.budget = {.file_bytes = kBudget};
  options.output = output;
  options.set("samples", 64);  // every option of `ompq quantize` has its name here
  for (const std::string_view setting : settings) {
    const std::size_t equals = setting.find('=');
    options.set(setting.substr(0, equals), setting.substr(equals + 1));
  }
  options.progress = [](const ompq::ProgressEvent& event) {
    std::fprintf(stderr,
                 "\r%.*s %lld/%lld   ",
                 static_cast<int>(event.task.size()),
                 event.task.data(),
                 static_cast<long long>(event.done),
                 static_cast<long long>(event.total));
  };
  const ompq::Quantization result = ompq::quantize(model, options);
  std::fprintf(stderr, "\n");

  print_row("float", model.bytes, result.float_evaluation);
  print_row(result.network.allocator, result.network.bytes, result.network.evaluation);
  for (const ompq::QuantizedNetwork& other : result.others) {
    print_row(other.allocator, other.bytes, other.evaluation);
  }

  ompq::EvaluateOptions again;  // the file itself, as anyone reads it
  again.data = test.samples();
  again.reference = file;
  const ompq::EvaluatedModel written = ompq::evaluate(output, again);
  print_row("written file", written.bytes, written.evaluation);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr,
                 "usage: %s MODEL.onnx FASHION-MNIST-FOLDER OUT.onnx [OPTION=VALUE ...]\n",
                 arguments[0]);
    return static_cast<int>(ompq::ExitCode::WrongUsage);
  }
  try {
    run(arguments[1], arguments[2], arguments[3], std::span(arguments, count).subspan(4));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(ompq::exit_code_for(error));
  }
}
