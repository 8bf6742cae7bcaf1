#include "ompq/runtime/kernel_versions.h"

#include <dnnl.h>
#include <fmt/format.h>
#include <torch/version.h>

namespace ompq::runtime {

std::string kernel_versions() {
  const dnnl_version_t* dnnl = dnnl_version();
  return fmt::format(
      "LibTorch {}\noneDNN {}.{}.{}\n", TORCH_VERSION, dnnl->major, dnnl->minor, dnnl->patch);
}

}  // namespace ompq::runtime
