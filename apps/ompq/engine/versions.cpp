#include <string>

#include <coin/CbcConfig.h>
#include <coin/ClpConfig.h>
#include <dnnl.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>
#include <torch/version.h>

#include "request.h"

namespace {

std::string library_versions() {
  const dnnl_version_t* dnnl = dnnl_version();
  return fmt::format(
      "LibTorch {}\noneDNN {}.{}.{}\nCBC {}\nCLP {}\nprotobuf {}\nfmt {}.{}.{}\ncompiler {}\n",
      TORCH_VERSION,
      dnnl->major,
      dnnl->minor,
      dnnl->patch,
      CBC_VERSION,
      CLP_VERSION,
      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION),
      FMT_VERSION / 10000,
      FMT_VERSION / 100 % 100,
      FMT_VERSION % 100,
      __VERSION__);
}

}  // namespace

extern "C" const char* ompq_engine_versions() {
  static const std::string text = library_versions();
  return text.c_str();
}
