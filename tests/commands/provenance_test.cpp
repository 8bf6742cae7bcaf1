#include "ompq/commands/provenance.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/version.h"

namespace ompq::commands {
namespace {

TEST(ProvenanceOf, HasTheCommandAndAVersionOfEachLibrary) {
  const report::Provenance provenance = provenance_of("ompq search net.onnx");
  EXPECT_EQ(provenance.command, "ompq search net.onnx");
  std::vector<std::string> names;
  std::string lines;
  for (const auto& [name, version] : provenance.versions) {
    names.push_back(name);
    EXPECT_FALSE(version.empty()) << name;
    if (name != "ompq") lines += name + " " + version + "\n";
  }
  EXPECT_THAT(names,
              ::testing::ElementsAre(
                  "ompq", "LibTorch", "oneDNN", "CBC", "CLP", "protobuf", "fmt", "compiler"));
  EXPECT_EQ(provenance.versions.front().second, version());
  EXPECT_EQ(lines, library_versions());
}

}  // namespace
}  // namespace ompq::commands
