#include "ompq/data/zip.h"

#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <zip.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"

namespace ompq::data {
namespace {

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

using OpenMember = std::unique_ptr<zip_file_t, int (*)(zip_file_t*)>;

/// A source in memory, which an archive is written to.
class GrowingBuffer {
 public:
  GrowingBuffer() : source_(zip_source_buffer_create(nullptr, 0, 0, nullptr)) {
    if (source_ == nullptr) throw InternalError("npz", "libzip has no memory");
    zip_source_keep(source_);  // the archive gives its own reference back
  }
  ~GrowingBuffer() { zip_source_free(source_); }
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;

  [[nodiscard]] zip_source_t* get() const { return source_; }
  [[nodiscard]] std::string content() const {
    zip_stat_t stat;
    std::string bytes;
    const bool opened = zip_source_open(source_) == 0 && zip_source_stat(source_, &stat) == 0;
    if (opened) bytes.resize(stat.size);
    if (!opened || zip_source_read(source_, bytes.data(), bytes.size()) !=
                       static_cast<zip_int64_t>(bytes.size())) {
      throw InternalError("npz", "libzip does not give the archive back");
    }
    zip_source_close(source_);
    return bytes;
  }

 private:
  zip_source_t* source_;
};

void add_stored(zip_t* archive, const ZipEntry& entry) {
  constexpr zip_uint16_t kFirstDay = (1 << 5) | 1;  // 1 January 1980: equal bytes at any time
  zip_source_t* source = zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), 0);
  const zip_int64_t added = zip_file_add(archive, entry.name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    throw InternalError("npz", fmt::format("{}: {}", entry.name, zip_strerror(archive)));
  }
  const auto index = static_cast<zip_uint64_t>(added);
  zip_set_file_compression(archive, index, ZIP_CM_STORE, 0);
  zip_file_set_dostime(archive, index, 0, kFirstDay, 0);
}

}  // namespace

ZipReader::ZipReader(const std::filesystem::path& file)
    : name_(file.string()), archive_(nullptr, zip_discard) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) throw FileError(name_, "cannot be opened for reading");
  file_bytes_ = static_cast<std::uint64_t>(stream.tellg());
  int code = ZIP_ER_OK;
  archive_.reset(zip_open(name_.c_str(), ZIP_RDONLY, &code));
  // Not the archive's fault: there is no memory, or no file may be opened any more.
  if (!archive_ && (code == ZIP_ER_OPEN || code == ZIP_ER_READ)) {
    throw FileError(name_, fmt::format("cannot be read: {}", text_of(code)));
  }
  if (!archive_) fail(text_of(code));
  read_directory();
}

void ZipReader::fail(const std::string& reason) const {
  throw DataError(name_, fmt::format("the archive is broken: {}", reason));
}

void ZipReader::read_directory() {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_INDEX | ZIP_STAT_SIZE |
                                   ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                                   ZIP_STAT_ENCRYPTION_METHOD;
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    const bool known =
        zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &stat) == 0;
    if (!known || (stat.valid & kNeeded) != kNeeded) {
      fail(fmt::format("entry {} of {} in its directory is damaged", i, count));
    }
    members_.push_back({.name = stat.name,
                        .index = stat.index,
                        .bytes = stat.size,
                        .packed_bytes = stat.comp_size,
                        .method = stat.comp_method,
                        .encrypted = stat.encryption_method != ZIP_EM_NONE});
  }
}

/// Checks the sizes in the directory for plausibility, before memory is allocated for the member.
void ZipReader::check(const Member& member) {
  if (member.encrypted) fail(fmt::format("member {} is encrypted", member.name));
  if (member.method != ZIP_CM_STORE && member.method != ZIP_CM_DEFLATE) {
    fail(fmt::format(
        "member {} is compressed with method {}; only stored and deflated members are supported",
        member.name,
        member.method));
  }
  constexpr std::uint64_t kMaxDeflateRatio = 1032;
  const std::uint64_t ratio = member.method == ZIP_CM_DEFLATE ? kMaxDeflateRatio : 1;
  if (member.packed_bytes > file_bytes_ || member.bytes / ratio > member.packed_bytes + 1) {
    fail(fmt::format("member {} cannot hold the {} bytes it claims", member.name, member.bytes));
  }
  count(member);
}

/// A member may unpack to a thousand times its bytes in the file.
void ZipReader::count(const Member& member) {
  unpacked_[member.index] = static_cast<std::int64_t>(member.bytes);
  std::int64_t total = 0;
  for (const auto& [index, bytes] : unpacked_) total = saturated_sum(total, bytes);
  const auto size = static_cast<std::int64_t>(file_bytes_);
  if (total <= allowed_bytes(size)) return;
  throw DataError(name_,
                  fmt::format("unpacking member {} {}",
                              member.name,
                              over_memory_limit(total, size, "save the archive uncompressed")));
}

std::string ZipReader::read(const Member& member) {
  check(member);
  const OpenMember opened(zip_fopen_index(archive_.get(), member.index, 0), zip_fclose);
  if (!opened) fail(fmt::format("member {}: {}", member.name, zip_strerror(archive_.get())));
  std::string bytes(member.bytes, '\0');
  const zip_int64_t read = zip_fread(opened.get(), bytes.data(), bytes.size());
  char more = 0;
  const zip_int64_t rest = zip_fread(opened.get(), &more, 1);  // the end, where the CRC is checked
  if (zip_error_code_zip(zip_file_get_error(opened.get())) == ZIP_ER_CRC) {
    fail(fmt::format("the bytes of member {} do not match its checksum", member.name));
  }
  if (read != static_cast<zip_int64_t>(bytes.size()) || rest != 0) {
    fail(fmt::format("member {} cannot be unpacked", member.name));
  }
  return bytes;
}

std::string zip_stored(const std::vector<ZipEntry>& entries) {
  const GrowingBuffer buffer;
  zip_t* archive = zip_open_from_source(buffer.get(), ZIP_TRUNCATE, nullptr);
  if (archive == nullptr) throw InternalError("npz", "libzip cannot begin an archive");
  std::unique_ptr<zip_t, void (*)(zip_t*)> owner(archive, zip_discard);
  for (const ZipEntry& entry : entries) add_stored(archive, entry);
  if (zip_close(archive) != 0) throw InternalError("npz", zip_strerror(archive));
  static_cast<void>(owner.release());
  return buffer.content();
}

}  // namespace ompq::data
