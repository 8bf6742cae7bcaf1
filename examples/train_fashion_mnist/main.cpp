// Writes one of the two networks for Fashion-MNIST, untrained, to an ONNX file.

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "fashion_mnist.h"
#include "initial_weights.h"
#include "network_plan.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/onnx_io/exporter.h"
#include "onnx_graph.h"

namespace {

namespace fs = std::filesystem;
using namespace ompq;
using namespace ompq::examples;

struct Arguments {
  std::string network = "resnet20";
  fs::path output;  ///< empty: NETWORK-untrained.onnx
  std::uint64_t seed = 1;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--network", arguments.network, "resnet20 or mobilenetv2")->capture_default_str();
  app.add_option("--output", arguments.output, "[NETWORK-untrained.onnx]")->type_name("FILE");
  app.add_option("--seed", arguments.seed, "Seed of the weights")->capture_default_str();
}

void run(Arguments arguments) {
  if (arguments.output.empty()) arguments.output = arguments.network + "-untrained.onnx";
  const NetworkPlan plan = plan_by_name(arguments.network);
  onnx_io::export_onnx(to_graph(plan, initial_weights(plan, arguments.seed)), arguments.output);
  const fs::path sidecar = fs::path(arguments.output).replace_extension(".preprocess.json");
  write_file_atomically(sidecar, data::to_json(fashion_preprocess()));
  fmt::print("{}: {}, untrained; preprocessing in {}\n",
             arguments.output.string(),
             arguments.network,
             sidecar.string());
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Writes a network for Fashion-MNIST, untrained, as an ONNX file.");
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::WrongUsage);
  }
  try {
    run(arguments);
    return static_cast<int>(ExitCode::Done);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fashion_mnist_network: {}\n", error.what());
    return static_cast<int>(exit_code_for(error));
  }
}
