#include <cstring>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A folder "models" with net.onnx, whose weight w [2, 3] lies in a file that the test names.
class ExternalData : public ::testing::Test {
 protected:
  ExternalData() {
    fs::create_directory(models());
    const float elements[] = {9, 9, 1, 2, 3, 4, 5, 6};  // the weight starts at byte 8
    bytes_.assign(reinterpret_cast<const char*>(elements), sizeof elements);
  }

  [[nodiscard]] fs::path models() const { return folder_ / "models"; }

  graph::Graph import_with(const std::string& location,
                           const std::string& offset = "8",
                           const std::string& length = "24") const {
    onnx::ModelProto model = testing::sound_model();
    auto* weight = model.mutable_graph()->mutable_initializer(0);
    weight->clear_float_data();
    weight->set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto* entry = weight->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    write_file_atomically(models() / "net.onnx", model.SerializeAsString());
    return import_onnx(models() / "net.onnx");
  }

  std::string refusal(const std::string& location,
                      const std::string& offset = "8",
                      const std::string& length = "24") const {
    try {
      (void)import_with(location, offset, length);
    } catch (const ImportError& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  testing::TemporaryDirectory folder_;
  std::string bytes_;
};

std::vector<float> weight(const graph::Graph& graph) {
  return graph.value(graph.find_value("w")).constant->to_floats();
}

TEST_F(ExternalData, IsReadFromItsOffset) {
  write_file_atomically(models() / "w.bin", bytes_);
  EXPECT_THAT(weight(import_with("w.bin")), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(weight(import_with("./w.bin", "8", "")), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(weight(import_with("w.bin", "", "")), ElementsAre(9, 9, 1, 2, 3, 4));
}

TEST_F(ExternalData, MayLieBelowTheModelsFolder) {
  fs::create_directory(models() / "data");
  write_file_atomically(models() / "data" / "w.bin", bytes_);
  fs::create_symlink("data/w.bin", models() / "link.bin");
  EXPECT_THAT(weight(import_with("data/w.bin")), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(weight(import_with("link.bin")), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ExternalData, IsFoundFromARelativeModelPath) {
  write_file_atomically(models() / "w.bin", bytes_);
  (void)import_with("w.bin");
  const fs::path before = fs::current_path();
  fs::current_path(models());
  const auto elements = weight(import_onnx("net.onnx"));
  fs::current_path(before);
  EXPECT_THAT(elements, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ExternalData, OutsideOfTheModelsFolderIsRefused) {
  write_file_atomically(folder_ / "secret.bin", bytes_);
  fs::create_directory(folder_ / "models-too");
  write_file_atomically(folder_ / "models-too" / "secret.bin", bytes_);
  fs::create_symlink(folder_ / "secret.bin", models() / "link.bin");
  fs::create_directory_symlink(folder_ / "models-too", models() / "door");
  for (const std::string& location : {(folder_ / "secret.bin").string(),
                                      (models() / "link.bin").string(),
                                      std::string("../secret.bin"),
                                      std::string("./../models/../secret.bin"),
                                      std::string("link.bin"),
                                      std::string("door/secret.bin")}) {
    EXPECT_THAT(refusal(location),
                AllOf(HasSubstr("external data of initializer 'w'"),
                      HasSubstr("outside of the model's folder")))
        << location;
  }
}

TEST_F(ExternalData, InACacheOfLinksIsReadWhereverTheLinksLead) {
  write_file_atomically(models() / "w.bin", bytes_);
  (void)import_with("w.bin");
  // Content under other names, each in a folder of its own, and links with the names to read.
  const fs::path snapshot = folder_ / "snapshots" / "main";
  for (const fs::path& made : {folder_ / "blobs" / "4f", folder_ / "blobs" / "9c", snapshot}) {
    fs::create_directories(made);
  }
  fs::rename(models() / "net.onnx", folder_ / "blobs" / "4f" / "model");
  fs::rename(models() / "w.bin", folder_ / "blobs" / "9c" / "data");
  fs::create_symlink("../../blobs/4f/model", snapshot / "net.onnx");
  fs::create_symlink("../../blobs/9c/data", snapshot / "w.bin");
  std::set<fs::path> read;
  EXPECT_THAT(weight(import_onnx(snapshot / "net.onnx", {}, &read)), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(read, ElementsAre(fs::canonical(folder_ / "blobs" / "9c" / "data")));
}

TEST_F(ExternalData, BesideTheFileThatALinkLeadsToIsFound) {
  write_file_atomically(models() / "w.bin", bytes_);
  (void)import_with("w.bin");
  fs::create_symlink(models() / "net.onnx", folder_ / "latest.onnx");
  EXPECT_THAT(weight(import_onnx(folder_ / "latest.onnx")), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ExternalData, IsRefusedByNameAlsoWhereTheModelIsALink) {
  write_file_atomically(folder_ / "secret.bin", bytes_);
  for (const std::string& location : {(folder_ / "secret.bin").string(),
                                      std::string("../secret.bin"),
                                      std::string("./../models/../secret.bin")}) {
    (void)refusal(location);
    fs::remove(models() / "link.onnx");
    fs::create_symlink("net.onnx", models() / "link.onnx");
    EXPECT_THROW((void)import_onnx(models() / "link.onnx"), ImportError) << location;
  }
}

TEST_F(ExternalData, ThatIsMissingIsRefused) {
  EXPECT_THAT(refusal("w.bin"),
              AllOf(HasSubstr("net.onnx]"),
                    HasSubstr("external data of initializer 'w', 'w.bin'"),
                    HasSubstr("No such file")));
  EXPECT_THAT(refusal(""), HasSubstr("has no location"));
}

TEST_F(ExternalData, ThatIsNoRegularFileIsRefused) {
  fs::create_directory(models() / "w.bin");
  EXPECT_THAT(refusal("w.bin"), HasSubstr("is not a regular file"));
}

TEST_F(ExternalData, OfTheWrongLengthIsRefused) {
  write_file_atomically(models() / "w.bin", bytes_);
  EXPECT_THAT(refusal("w.bin", "8", "20"),
              HasSubstr("has 20 bytes, but its type and shape require 24"));
  EXPECT_THAT(refusal("w.bin", "12", ""),
              HasSubstr("is 24 bytes from offset 12, but 'w.bin' has only 32"));
  EXPECT_THAT(refusal("w.bin", "18446744073709551615", ""), HasSubstr("but 'w.bin' has only 32"));
  EXPECT_THAT(refusal("w.bin", "-8", ""), HasSubstr("offset '-8', which is no byte count"));
}

TEST_F(ExternalData, IsRefusedForAModelInMemory) {
  write_file_atomically(models() / "w.bin", bytes_);
  (void)import_with("w.bin");
  try {
    (void)import_onnx_bytes(read_file(models() / "net.onnx"));
    FAIL() << "nothing was thrown";
  } catch (const ImportError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a model in memory has no folder"));
  }
}

TEST_F(ExternalData, ThatTensorsShareIsLimitedByTheFiles) {
  const auto import_repeated = [&](int count) {
    onnx::ModelProto model = testing::sound_model();
    for (int i = 0; i < count; ++i) {
      auto* tensor = model.mutable_graph()->add_initializer();
      tensor->set_name("t" + std::to_string(i));
      tensor->set_data_type(onnx::TensorProto::UINT8);
      tensor->add_dims(1 << 20);
      tensor->set_data_location(onnx::TensorProto::EXTERNAL);
      auto* location = tensor->add_external_data();
      location->set_key("location");
      location->set_value("weights");
    }
    write_file_atomically(models() / "net.onnx", model.SerializeAsString());
    return import_onnx(models() / "net.onnx");
  };
  write_file_atomically(models() / "weights", std::string(1 << 20, 'w'));
  const graph::Graph few = import_repeated(20);
  EXPECT_GT(few.source_bytes, 1 << 20);
  EXPECT_LT(few.source_bytes, 2 << 20);
  try {
    (void)import_repeated(300);
    FAIL() << "nothing was thrown";
  } catch (const ImportError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("external data up to initializer 't256' needs 257 MiB"),
                      HasSubstr("more than the limit of 256 MiB")));
  }
}

}  // namespace
}  // namespace ompq::onnx_io
