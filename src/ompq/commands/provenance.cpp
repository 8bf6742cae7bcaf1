#include "ompq/commands/provenance.h"

#include <sstream>
#include <utility>

#include <coin/CbcConfig.h>
#include <coin/ClpConfig.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>

#include "ompq/core/version.h"
#include "ompq/runtime/kernel_versions.h"

namespace ompq::commands {

std::string library_versions() {
  return fmt::format("{}CBC {}\nCLP {}\nprotobuf {}\nfmt {}.{}.{}\ncompiler {}\n",
                     runtime::kernel_versions(),
                     CBC_VERSION,
                     CLP_VERSION,
                     google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION),
                     FMT_VERSION / 10000,
                     FMT_VERSION / 100 % 100,
                     FMT_VERSION % 100,
                     __VERSION__);
}

report::Provenance provenance_of(std::string command) {
  report::Provenance provenance{std::move(command), {{"ompq", std::string(version())}}};
  std::istringstream lines(library_versions());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    provenance.versions.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return provenance;
}

}  // namespace ompq::commands
