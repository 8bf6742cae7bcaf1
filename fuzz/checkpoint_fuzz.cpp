#include <cstdlib>
#include <string>

#include "fuzz_target.h"
#include "input_file.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/named_tensors_file.h"

namespace {

/// A stranger can compute the checksum too, so it is appended to the input.
void read_checkpoint(std::string_view bytes) {
  using namespace ompq;
  const fuzz::InputFile input(std::string(bytes) + sha256(bytes), "run.checkpoint");
  const NamedTensors read = read_named_tensors(input.file(), "ompq-finetune/1");
  write_named_tensors(input.file(), read);
  const NamedTensors again = read_named_tensors(input.file(), "ompq-finetune/1");
  if (again.tensors.size() != read.tensors.size()) std::abort();
}

}  // namespace

OMPQ_FUZZ_TARGET(checkpoint, read_checkpoint);
