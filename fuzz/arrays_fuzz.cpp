#include <vector>

#include "fuzz_target.h"
#include "input_file.h"
#include "ompq/data/dataset.h"
#include "ompq/data/npy.h"

namespace {

/// Every kind of file with samples: .npz, .npy, IDX (plain or gzip), CIFAR-10. The kind follows
/// from the content, except for CIFAR-10.
void open_samples(std::string_view bytes) {
  using namespace ompq;
  constexpr std::size_t kCifarRecord = 3073;
  const bool is_cifar = bytes.size() % kCifarRecord == 0;
  const fuzz::InputFile input(bytes, is_cifar ? "data_batch_1.bin" : "samples");
  const std::vector<data::InputSpec> inputs{{"x", {1, -1, -1}}};
  const auto samples = data::open_dataset(input.file(), inputs, {});
  (void)samples->load({0});
}

}  // namespace

OMPQ_FUZZ_TARGET(arrays, open_samples);
