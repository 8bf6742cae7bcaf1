#include "ompq/pipeline/companion_files.h"

namespace ompq::pipeline {

namespace fs = std::filesystem;

fs::path beside(const fs::path& output, std::string_view ending) {
  fs::path path = output;
  path += ending;
  return path;
}

fs::path journal_file(const fs::path& output) { return beside(output, ".journal"); }

fs::path checkpoint_file(const fs::path& output) { return beside(output, ".checkpoint"); }

fs::path last_file(const fs::path& output) {
  fs::path path = output;
  path.replace_extension(".last" + output.extension().string());
  return path;
}

}  // namespace ompq::pipeline
