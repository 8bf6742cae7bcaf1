// Trains one of the two networks under models/ on Fashion-MNIST and writes it as an ONNX file.

#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "fashion_mnist.h"
#include "network_plan.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/runtime/executor.h"
#include "onnx_graph.h"
#include "trainable_network.h"
#include "training.h"

namespace {

namespace fs = std::filesystem;
using namespace ompq;
using namespace ompq::examples;

struct Arguments {
  std::string network = "resnet20";
  fs::path data = "/usr/share/datasets/fashion-mnist";
  fs::path output;      ///< empty: models/NETWORK-fashion-mnist.onnx
  fs::path checkpoint;  ///< empty: OUTPUT.checkpoint, removed when the file is written
  bool float32 = false;
  int threads = 0;  ///< 0: all cores
  TrainingOptions training;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--network", arguments.network, "What to train")
      ->check(CLI::IsMember({"resnet20", "mobilenetv2"}))
      ->capture_default_str();
  app.add_option("--data", arguments.data, "Folder with the four IDX files of Fashion-MNIST")
      ->capture_default_str();
  app.add_option("--output", arguments.output, "[models/NETWORK-fashion-mnist.onnx]")
      ->type_name("FILE");
  app.add_option("--checkpoint",
                 arguments.checkpoint,
                 "Where the state after each epoch is kept, to go on from after a kill "
                 "[OUTPUT.checkpoint, removed at the end]")
      ->type_name("FILE");
  app.add_option("--epochs", arguments.training.epochs, "Passes over the training images")
      ->capture_default_str();
  app.add_option("--batch", arguments.training.batch, "Images a step")->capture_default_str();
  app.add_option("--rate", arguments.training.peak_rate, "Highest learning rate")
      ->capture_default_str();
  app.add_option("--seed", arguments.training.seed, "Seed of weights, order and augmentation")
      ->capture_default_str();
  app.add_option("--threads", arguments.threads, "0: all cores; on a busy machine 1 is faster")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--float32",
               arguments.float32,
               "Compute in float32 even where the processor multiplies bfloat16");
}

/// Activations of one step are megabytes and live for milliseconds. By default glibc hands such
/// blocks back to the system at once, and half of the time goes into page faults.
void keep_freed_memory() {
  constexpr int kNever = 0x7fffffff;
  constexpr int kGrowBy = 256 << 20;
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, kNever);
  mallopt(M_TOP_PAD, kGrowBy);
}

/// One line that is rewritten on a terminal; elsewhere one line an epoch.
class ProgressLine {
 public:
  explicit ProgressLine(int epochs) : epochs_(epochs), terminal_(isatty(STDERR_FILENO) == 1) {}

  void show(const TrainingProgress& progress) {
    const bool finished = progress.images == progress.images_in_epoch;
    if (!finished && (!terminal_ || progress.seconds - shown_at_ < 0.5)) return;
    shown_at_ = finished ? 0.0 : progress.seconds;
    const double rate = static_cast<double>(progress.images) / progress.seconds;
    const auto left = static_cast<double>(
        (epochs_ - progress.epoch + 1) * progress.images_in_epoch - progress.images);
    fmt::print(stderr,
               "{}epoch {:2}/{}  {:5} images  loss {:.4f}  accuracy {:5.2f} %  {:4.0f} images/s  "
               "{:3.0f} min left{}",
               terminal_ ? "\r" : "",
               progress.epoch,
               epochs_,
               progress.images,
               progress.loss,
               100.0 * progress.accuracy,
               rate,
               left / rate / 60.0,
               finished ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  int epochs_;
  bool terminal_;
  double shown_at_ = 0.0;
};

fs::path sidecar(const fs::path& model) {
  return fs::path(model).replace_extension(".preprocess.json");
}

void write_model(const TrainableNetwork& network, const fs::path& output) {
  onnx_io::export_onnx(to_graph(network), output);
  write_file_atomically(sidecar(output), data::to_json(fashion_preprocess()));
}

void run(Arguments arguments) {
  if (arguments.output.empty()) {
    arguments.output = fmt::format("models/{}-fashion-mnist.onnx", arguments.network);
  }
  const bool own_checkpoint = arguments.checkpoint.empty();
  if (own_checkpoint) arguments.checkpoint = arguments.output.string() + ".checkpoint";
  // A missing folder should be told before the training, not after it.
  const fs::path folder = arguments.output.parent_path();
  if (!folder.empty() && !fs::is_directory(folder)) {
    throw FileError("train_fashion_mnist",
                    fmt::format("there is no folder {} to write into; make it or pass --output",
                                folder.string()));
  }
  if (runtime::has_native_bfloat16() && !arguments.float32) {
    arguments.training.compute = at::kBFloat16;
  }
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  at::set_num_threads(arguments.threads > 0 ? arguments.threads : cores);

  TrainableNetwork network(plan_by_name(arguments.network), arguments.training.seed);
  const ImageSet images = read_fashion_mnist(arguments.data, Split::Train);
  ProgressLine line(arguments.training.epochs);
  train(network,
        images,
        arguments.training,
        arguments.checkpoint,
        [&](const TrainingProgress& progress) { line.show(progress); });
  // The test images are looked at once, here: nothing was chosen by them.
  const double accuracy = top1_accuracy(network, read_fashion_mnist(arguments.data, Split::Test));
  write_model(network, arguments.output);
  if (own_checkpoint) fs::remove(arguments.checkpoint);
  fmt::print("{}: test top-1 {:.2f} %, {} bytes, preprocessing in {}\n",
             arguments.output.string(),
             100.0 * accuracy,
             fs::file_size(arguments.output),
             sidecar(arguments.output).filename().string());
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Trains a small network on Fashion-MNIST and writes it as an ONNX file.");
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::WrongUsage);
  }
  try {
    keep_freed_memory();
    run(arguments);
    return static_cast<int>(ExitCode::Done);
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_fashion_mnist: {}\n", error.what());
    return static_cast<int>(exit_code_for(error));
  }
}
