// SPDX-License-Identifier: Apache-2.0
#include "capture/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace gyr::capture {
namespace {

constexpr size_t kBuffer = 128u << 10;
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;
constexpr mode_t kMode = S_IRUSR | S_IWUSR;
constexpr uint64_t kInsideZlib = 256u << 10;  // more than it keeps of what it was given

bool is_stream(const struct stat& found) {
  return S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode);
}

int open_new(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
}

// Something has the name. A pipe or a device is opened, also through a link (/dev/stdout); a file
// is refused, or removed and made anew. What another user placed there is neither followed to a
// file nor written to.
Result<int> open_in_place(const std::string& path, IfThere if_there) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return Error{std::strerror(EISDIR)};
    if (is_stream(found)) {
      const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd < 0) return Error{std::strerror(errno)};
      if (::fstat(fd, &found) == 0 && is_stream(found)) return fd;
      ::close(fd);
      return Error{"it changed while it was opened"};
    }
    if (!S_ISREG(found.st_mode)) return Error{"it is neither a file nor a pipe"};
  }
  if (::lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
    return Error{"it is a symbolic link, which is not followed"};
  }
  if (if_there == IfThere::Refuse) return Error{"it is there already, and is not overwritten"};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error{std::strerror(errno)};
  const int fd = open_new(path);
  if (fd < 0) return Error{std::strerror(errno)};
  return fd;
}

}  // namespace

class Output::File {
 public:
  explicit File(int fd) : fd_(fd) { buffer_.reserve(kBuffer); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (gzip_) deflateEnd(&zlib_);
    if (fd_ >= 0) ::close(fd_);
  }

  bool use_gzip() {
    gzip_ = deflateInit2(&zlib_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                         Z_DEFAULT_STRATEGY) == Z_OK;
    deflated_.resize(kBuffer);
    return gzip_;
  }

  Result<void> write(Bytes bytes) {
    offset_ += bytes.size();
    if (buffer_.size() + bytes.size() > kBuffer) {
      if (auto done = drain(Z_NO_FLUSH); !done) return done;
    }
    if (bytes.size() > kBuffer) return pass_on(bytes, Z_NO_FLUSH);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<void> drain(int zlib_flush) {
    Result<void> done = pass_on(buffer_, zlib_flush);
    buffer_.clear();
    return done;
  }

  Result<void> close() {
    Result<void> done = drain(Z_FINISH);
    // A full disk of another machine may show itself only here.
    if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0 && done) return fail(errno);
    return done;
  }

  uint64_t offset() const { return offset_; }
  uint64_t closed_bytes() const { return gzip_ ? file_bytes_ : file_bytes_ + buffer_.size(); }
  uint64_t most_bytes() const { return file_bytes_ + buffer_.size() + (gzip_ ? kInsideZlib : 0); }
  uint64_t file_bytes() const { return file_bytes_; }

 private:
  Result<void> pass_on(Bytes bytes, int zlib_flush) {
    if (!error_.empty()) return Error{error_};
    return gzip_ ? compress(bytes, zlib_flush) : write_all(bytes);
  }

  Result<void> compress(Bytes bytes, int zlib_flush) {
    zlib_.next_in = const_cast<Bytef*>(bytes.data());
    zlib_.avail_in = static_cast<uInt>(bytes.size());
    do {
      zlib_.next_out = deflated_.data();
      zlib_.avail_out = static_cast<uInt>(deflated_.size());
      deflate(&zlib_, zlib_flush);
      const size_t made = deflated_.size() - zlib_.avail_out;
      if (auto done = write_all(Bytes(deflated_).first(made)); !done) return done;
    } while (zlib_.avail_out == 0);
    return {};
  }

  Result<void> write_all(Bytes bytes) {
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(fd_, bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return fail(errno);
      file_bytes_ += static_cast<uint64_t>(wrote);
      bytes = bytes.subspan(static_cast<size_t>(wrote));
    }
    return {};
  }

  Error fail(int number) {
    error_ = std::strerror(number);
    return {error_};
  }

  int fd_;
  bool gzip_ = false;
  z_stream zlib_{};
  std::vector<uint8_t> buffer_;
  std::vector<uint8_t> deflated_;
  uint64_t offset_ = 0;
  uint64_t file_bytes_ = 0;
  std::string error_;
};

Output::Output(std::unique_ptr<File> file) : file_(std::move(file)) {}
Output::Output(Output&&) noexcept = default;
Output& Output::operator=(Output&&) noexcept = default;
Output::~Output() = default;

Result<Output> Output::create(const std::string& path, bool gzip, IfThere if_there) {
  int fd = open_new(path);
  if (fd < 0) {
    if (errno != EEXIST) return Error{std::strerror(errno)};
    const Result<int> in_place = open_in_place(path, if_there);
    if (!in_place) return in_place.error();
    fd = *in_place;
  }
  auto file = std::make_unique<File>(fd);
  if (gzip && !file->use_gzip()) return Error{"not enough memory to compress"};
  return Output(std::move(file));
}

Result<void> Output::write(Bytes bytes) { return file_->write(bytes); }
Result<void> Output::flush() { return file_->drain(Z_SYNC_FLUSH); }
Result<void> Output::close() { return file_->close(); }
uint64_t Output::offset() const { return file_->offset(); }
uint64_t Output::closed_bytes() const { return file_->closed_bytes(); }
uint64_t Output::most_bytes() const { return file_->most_bytes(); }
uint64_t Output::file_bytes() const { return file_->file_bytes(); }

}  // namespace gyr::capture
