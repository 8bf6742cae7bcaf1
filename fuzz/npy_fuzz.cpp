#include <cstdlib>

#include "fuzz_target.h"
#include "ompq/data/npy.h"

namespace {

/// Numbers or text.
void parse_array(std::string_view bytes) {
  using namespace ompq;
  try {
    (void)data::parse_npy_text(bytes, "x.npy");
  } catch (const Error&) {
  }
  const Tensor read = data::parse_npy(bytes, "x.npy");
  if (!data::parse_npy(data::to_npy(read), "x.npy").equals(read)) std::abort();
}

}  // namespace

OMPQ_FUZZ_TARGET(npy, parse_array);
