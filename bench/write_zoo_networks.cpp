// Writes networks of the tests' zoo, which have seeded weights, for benchmarks that read files.
//   write_zoo_networks FOLDER
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "ompq/core/atomic_file.h"
#include "ompq/graph/graph.h"
#include "ompq/onnx_io/exporter.h"
#include "support/zoo.h"

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;

/// Of torchvision's networks.
constexpr const char* kPreprocessing =
    R"({"format": "ompq-preprocess/1", "channels": "rgb", "scale": 0.00392156862745098,
 "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "resize": null, "crop": 224}
)";

void write(const fs::path& folder, const std::string& name, const graph::Graph& graph) {
  write_file_atomically(folder / (name + ".onnx"), onnx_io::export_onnx_bytes(graph));
  write_file_atomically(folder / (name + ".preprocess.json"), kPreprocessing);
}

int run(const fs::path& folder) {
  fs::create_directories(folder);
  write(folder, "resnet18-zoo", zoo::resnet18());
  write(folder, "resnet50-zoo", zoo::resnet50());
  return 0;
}

}  // namespace
}  // namespace ompq::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_zoo_networks FOLDER\n", stderr);
    return 2;
  }
  try {
    return ompq::testing::run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_zoo_networks: %s\n", error.what());
    return 1;
  }
}
