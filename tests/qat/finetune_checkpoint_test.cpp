#include "ompq/qat/finetune_checkpoint.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/named_tensors_file.h"
#include "qat/finetune_case.h"

namespace ompq::qat {
namespace {

using ::testing::HasSubstr;

/// A run of other options was stopped at the same output.
class FinetuneCheckpoint : public FinetuneTest {
 protected:
  FinetuneCheckpoint() {
    options_.float_network = true;
    options_.epochs = 2;
    (void)run();
    undisturbed_ = read_file(file("out.onnx"));
    options_.trainer.optimizer.rate = 0.01;
    options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
    EXPECT_THROW((void)run(), Interrupted);
    options_.on_epoch = {};
    options_.trainer.optimizer.rate = 0.02;
    log().sinks().push_back(lines_);
  }
  ~FinetuneCheckpoint() override { log().sinks().pop_back(); }

  /// The run goes on as if nothing were there, and what was there is kept under another name.
  void expect_moved(const std::string& kept, const std::string& name, const std::string& reason) {
    const report::Finetuning made = run();
    EXPECT_EQ(made.resumed_epochs, 0);
    EXPECT_EQ(read_file(file("out.onnx")), undisturbed_);
    EXPECT_EQ(read_file(file(name)), kept);
    EXPECT_FALSE(fs::exists(checkpoint_));
    int told = 0;
    for (const std::string& line : lines_->last_formatted()) {
      if (line.find(checkpoint_.string()) == std::string::npos) continue;
      ++told;
      EXPECT_THAT(line, ::testing::AllOf(HasSubstr(reason), HasSubstr(file(name).string())));
    }
    EXPECT_EQ(told, 1);
  }

  fs::path checkpoint_ = file("out.onnx.checkpoint");
  std::string undisturbed_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(64);
};

TEST_F(FinetuneCheckpoint, OfOtherOptionsIsMovedAsideAndTheyAreNamed) {
  expect_moved(read_file(checkpoint_), "out.onnx.checkpoint.1", "--lr was 0.01 and is 0.02");
}

TEST_F(FinetuneCheckpoint, OfOtherSamplesIsMovedAside) {
  model_.sha256 = "another";
  expect_moved(read_file(checkpoint_), "out.onnx.checkpoint.1", "another model");
}

TEST_F(FinetuneCheckpoint, ThatIsCutShortOrOfAnotherVersionIsMovedAside) {
  const std::string cut = read_file(checkpoint_).substr(0, 5000);
  write_file_atomically(checkpoint_, cut);
  write_file_atomically(file("out.onnx.checkpoint.1"), "kept by an earlier run");
  expect_moved(cut, "out.onnx.checkpoint.2", "damaged or truncated");
  EXPECT_EQ(read_file(file("out.onnx.checkpoint.1")), "kept by an earlier run");
  write_file_atomically(checkpoint_, "ompq-named-tensors/7\nwhat is not known yet");
  (void)run();
  EXPECT_TRUE(fs::exists(file("out.onnx.checkpoint.3")));
}

TEST_F(FinetuneCheckpoint, ThatIsNoneIsRefusedBeforeTheWorkAndNotTouched) {
  write_file_atomically(checkpoint_, "notes");
  fs::remove(file("out.onnx"));
  EXPECT_THAT(message(),
              ::testing::AllOf(HasSubstr(checkpoint_.string()), HasSubstr("--checkpoint")));
  EXPECT_EQ(read_file(checkpoint_), "notes");
  EXPECT_FALSE(fs::exists(file("out.onnx")));
}

constexpr std::string_view kCheckpoint010 = "ompq-finetune-checkpoint/1";

/// A checkpoint that version 0.1.0 wrote after two epochs, copied into `folder`.
NamedTensors checkpoint_010(const fs::path& copy) {
  fs::copy_file(testing::source_dir() / "tests/qat/finetune-0.1.0.checkpoint", copy);
  return read_named_tensors(copy, kCheckpoint010);
}

TEST(Checkpoint, OfVersion010IsRead) {
  const testing::TemporaryDirectory folder;
  const fs::path copy = folder / "checkpoint";
  const NamedTensors content = checkpoint_010(copy);
  const auto read = read_checkpoint(copy, {content.fingerprint, content.options});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->progress.epoch, 2);
  EXPECT_EQ(read->progress.rate, 0.0004999998629221736);
  ASSERT_EQ(read->progress.epochs.size(), 2U);
  EXPECT_EQ(read->progress.epochs[1].step, 2);
  EXPECT_EQ(read->progress.best.epoch, 0);
  EXPECT_FALSE(read->state.empty());
  // Written again, it says the same.
  write_checkpoint(copy, {content.fingerprint, content.options}, read->progress, read->state);
  EXPECT_EQ(read_named_tensors(copy, kCheckpoint010).metadata, content.metadata);
}

TEST(Checkpoint, WithAFieldOfAnotherTypeIsMovedAsideAndTheFieldNamed) {
  const testing::TemporaryDirectory folder;
  const fs::path copy = folder / "checkpoint";
  NamedTensors content = checkpoint_010(copy);
  const std::string field = "\"epoch\":2,";
  content.metadata.replace(content.metadata.find(field), field.size(), "\"epoch\":\"two\",");
  write_named_tensors(copy, content);
  const auto lines = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(8);
  log().sinks().push_back(lines);
  EXPECT_FALSE(read_checkpoint(copy, {content.fingerprint, content.options}));
  log().sinks().pop_back();
  EXPECT_TRUE(fs::exists(folder / "checkpoint.1"));
  ASSERT_EQ(lines->last_formatted().size(), 1U);
  EXPECT_THAT(lines->last_formatted().front(),
              HasSubstr(R"("epoch" is "two"; it must be a whole number)"));
}

/// A run was stopped after its first epoch, and then someone changes its checkpoint.
class ForgedCheckpoint : public FinetuneTest {
 protected:
  ForgedCheckpoint() {
    options_.epochs = 2;
    (void)run();
    undisturbed_ = read_file(file("out.onnx"));
    options_.on_epoch = [](const report::EpochRecord&) { request_interrupt(); };
    EXPECT_THROW((void)run(), Interrupted);
    options_.on_epoch = {};
    kept_ = read_file(checkpoint_);
  }
  /// The run starts again, and gives the same file as one that was not disturbed.
  void expect_started_again(const std::function<void(NamedTensors&)>& change) {
    write_file_atomically(checkpoint_, kept_);
    NamedTensors content = read_named_tensors(checkpoint_, kCheckpoint010);
    change(content);
    write_named_tensors(checkpoint_, content);
    EXPECT_EQ(run().resumed_epochs, 0);
    EXPECT_EQ(read_file(file("out.onnx")), undisturbed_);
  }
  static Tensor& tensor(NamedTensors& content, std::string_view start) {
    for (auto& [name, tensor] : content.tensors) {
      if (name.starts_with(start)) return tensor;
    }
    throw std::runtime_error("no such tensor");
  }

  fs::path checkpoint_ = file("out.onnx.checkpoint");
  std::string undisturbed_;
  std::string kept_;
};

TEST_F(ForgedCheckpoint, ThatNobodyChangedIsUsed) {
  EXPECT_EQ(run().resumed_epochs, 1);
  EXPECT_EQ(read_file(file("out.onnx")), undisturbed_);
}

TEST_F(ForgedCheckpoint, WithOtherProgressIsNotUsed) {
  const auto replaced = [&](const std::string& from, const std::string& to) {
    SCOPED_TRACE(to);
    expect_started_again([&](NamedTensors& content) {
      const std::size_t at = content.metadata.find(from);
      ASSERT_NE(at, std::string::npos) << content.metadata;
      content.metadata.replace(at, from.size(), to);
    });
  };
  replaced("\"epoch\":1", "\"epoch\":7");
  replaced("\"epoch\":1", "\"epoch\":null");
  replaced("\"batch\":0", "\"batch\":1000000");
  replaced("\"batch\":0", "\"batch\":-1");
  replaced("\"samples\":0", "\"samples\":9223372036854775807");
  replaced("\"loss_sum\":0.0", "\"loss_sum\":null");
  replaced("\"epochs\":[", "\"epochs\":[\"{}\",");
  replaced("{", "{\"epoch\":1,");
  replaced("{", std::string(100'000, '['));
}

TEST_F(ForgedCheckpoint, WithOtherTensorsIsNotUsed) {
  expect_started_again([](NamedTensors& content) {
    tensor(content, "state/parameter/").mutable_data<float>()[0] =
        std::numeric_limits<float>::quiet_NaN();
  });
  expect_started_again([](NamedTensors& content) {
    tensor(content, "state/counters").mutable_data<std::int64_t>()[2] = -1;
  });
  expect_started_again([](NamedTensors& content) {
    Tensor& parameter = tensor(content, "state/parameter/");
    parameter = Tensor(DataType::Float32, {1, 1});
  });
  expect_started_again(
      [](NamedTensors& content) { content.tensors.erase(content.tensors.begin()); });
  expect_started_again([](NamedTensors& content) {
    content.tensors.emplace_back("state/unknown", Tensor(DataType::Float32, {1}));
  });
}

TEST_F(ForgedCheckpoint, WithAnotherBestNetworkIsNotUsed) {
  // Both start and epoch compete; the test needs one that has a file of an epoch.
  NamedTensors content = read_named_tensors(checkpoint_, kCheckpoint010);
  const bool has_best = std::ranges::any_of(
      content.tensors, [](const auto& entry) { return entry.first == "best file"; });
  ASSERT_TRUE(has_best) << content.metadata;
  expect_started_again([](NamedTensors& made) {
    auto bytes = tensor(made, "best file").mutable_bytes();
    std::fill(bytes.begin(), bytes.end(), std::byte{7});
  });
  // A valid network that does not say of which model it is.
  std::string forged = undisturbed_;
  forged.replace(forged.find("ompq.float_sha256"), 17, "ompq.float_sha257");
  expect_started_again([&](NamedTensors& made) {
    tensor(made, "best file") =
        Tensor::from_bytes(DataType::UInt8,
                           {static_cast<std::int64_t>(forged.size())},
                           std::as_bytes(std::span(forged.data(), forged.size())));
  });
}

}  // namespace
}  // namespace ompq::qat
