#pragma once

#include <string>

namespace ompq {

/// The name of a file that must not remain if the program ends before its work is done: a temporary
/// file, or a journal without entries. During the lifetime of this object,
/// remove_unfinished_files() removes it.
class UnfinishedFile {
 public:
  /// The file need not exist yet.
  explicit UnfinishedFile(const std::string& name);
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  /// The name, ends in a zero byte. mkstemp() may change it in place, so that the name is known
  /// before the file exists.
  [[nodiscard]] char* name() { return name_; }

 private:
  char* name_ = nullptr;
  int slot_ = -1;      ///< -1: the table is full, or the name is too long for any file
  std::string spare_;  ///< the name without a slot
};

/// Removes all of them. Safe in a signal handler: it only calls unlink().
void remove_unfinished_files() noexcept;

}  // namespace ompq
