// SPDX-License-Identifier: Apache-2.0
#include "capture/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
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

// Small enough to stay in the second-level cache between the read and its use.
constexpr size_t kWindow = 128u << 10;
constexpr size_t kStaging = 64u << 10;  // compressed bytes read at once
constexpr int kGzipWindowBits = 15 + 16;

constexpr int kAskPauseMs = 100;

bool is_gzip(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

// Its writer may let us wait, or not have come yet.
bool is_stream(int fd) {
  struct stat about {};
  if (fstat(fd, &about) != 0) return false;
  return S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode) || S_ISSOCK(about.st_mode);
}

}  // namespace

// Where the bytes come from: a descriptor or memory, inflated when they begin like gzip.
class Input::Origin {
 public:
  Origin(int fd, GiveUp give_up)
      : fd_(fd), is_stream_(is_stream(fd)), give_up_(std::move(give_up)) {}
  explicit Origin(Bytes bytes) : memory_(bytes) {}
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() {
    if (compressed_) inflateEnd(&zlib_);
    if (fd_ >= 0) close(fd_);
  }

  // Up to `size` bytes; 0 at the end or after a fault. `size` is not 0.
  size_t read(uint8_t* to, size_t size) {
    if (!started_) {
      started_ = true;
      return start(to, size);
    }
    return compressed_ ? inflate_some(to, size) : raw_read(to, size);
  }
  bool compressed() const { return compressed_; }
  const std::string& fault() const { return fault_; }
  bool given_up() const { return given_up_; }

 private:
  // False when it was given up.
  bool wait_for_data() {
    while (!given_up_) {
      pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&entry, 1, give_up_ ? kAskPauseMs : -1) > 0) return true;
      given_up_ = give_up_ && give_up_();
    }
    return false;
  }

  size_t raw_read(uint8_t* to, size_t size) {
    if (fd_ < 0) {
      const size_t got = std::min(size, memory_.size());
      if (got > 0) std::memcpy(to, memory_.data(), got);
      memory_ = memory_.subspan(got);
      return got;
    }
    while (true) {
      if (is_stream_ && !wait_for_data()) return 0;
      const ssize_t got = ::read(fd_, to, size);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno == EINTR || (errno == EAGAIN && is_stream_)) continue;
      fault_ = fmt::format("cannot read on: {}", std::strerror(errno));
      return 0;
    }
  }

  size_t start(uint8_t* to, size_t size) {
    size_t got = raw_read(to, std::min(size, kStaging));
    if (got == 1 && size > 1) got += raw_read(to + 1, 1);
    if (!is_gzip({to, got})) return got;
    if (inflateInit2(&zlib_, kGzipWindowBits) != Z_OK) {
      fault_ = "not enough memory to uncompress";
      return 0;
    }
    compressed_ = true;
    staging_.resize(kStaging);
    std::memcpy(staging_.data(), to, got);
    zlib_.next_in = staging_.data();
    zlib_.avail_in = static_cast<uInt>(got);
    raw_offset_ = got;
    return inflate_some(to, size);
  }

  // False at the end of the file or on a fault.
  bool refill() {
    const size_t got = raw_read(staging_.data(), staging_.size());
    zlib_.next_in = staging_.data();
    zlib_.avail_in = static_cast<uInt>(got);
    raw_offset_ += got;
    return got > 0;
  }

  size_t inflate_some(uint8_t* to, size_t size) {
    if (!fault_.empty() || ended_) return 0;
    zlib_.next_out = to;
    zlib_.avail_out = static_cast<uInt>(std::min(size, kMaxInflate));
    const uInt wanted = zlib_.avail_out;
    while (zlib_.avail_out == wanted && fault_.empty() && !ended_) inflate_step();
    return wanted - zlib_.avail_out;
  }

  void inflate_step() {
    if (between_members_ && !begin_member()) return;
    if (zlib_.avail_in == 0 && !refill()) {
      if (given_up_) ended_ = true;
      if (fault_.empty() && !given_up_) fault_ = at_raw("the compressed data is cut off");
      return;
    }
    const int status = inflate(&zlib_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      between_members_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      const char* reason = zlib_.msg == nullptr ? "unknown" : zlib_.msg;
      fault_ = at_raw(fmt::format("the compressed data is damaged ({})", reason));
    }
  }

  // After a gzip member: another one, the end, or zero bytes that pad the file (tapes do so).
  bool begin_member() {
    while (true) {
      if (zlib_.avail_in == 0 && !refill()) {
        ended_ = true;
        return false;
      }
      if (*zlib_.next_in != 0) break;
      ++zlib_.next_in;
      --zlib_.avail_in;
    }
    if (*zlib_.next_in != 0x1f) {
      fault_ = at_raw("bytes that are not gzip follow the compressed data");
      return false;
    }
    inflateReset(&zlib_);
    between_members_ = false;
    return true;
  }

  std::string at_raw(std::string_view what) const {
    return fmt::format("{} near byte {} of the file", what, raw_offset_ - zlib_.avail_in);
  }

  static constexpr size_t kMaxInflate = 1u << 30;  // per call: zlib counts in 32 bits

  int fd_ = -1;
  bool is_stream_ = false;
  GiveUp give_up_;
  bool given_up_ = false;
  Bytes memory_;
  bool started_ = false;
  bool compressed_ = false;
  bool between_members_ = false;
  bool ended_ = false;
  z_stream zlib_{};
  std::vector<uint8_t> staging_;
  uint64_t raw_offset_ = 0;  // bytes taken from the file
  std::string fault_;
};

Input::Input(std::unique_ptr<Origin> origin) : origin_(std::move(origin)) {
  resize_window(kWindow, 0);
}
Input::Input(Input&&) noexcept = default;
Input& Input::operator=(Input&&) noexcept = default;
Input::~Input() = default;

Result<Input> Input::open(const std::string& path, GiveUp give_up) {
  // A named pipe without a writer would hold up a plain open().
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error{std::strerror(errno)};
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return Input(std::make_unique<Origin>(fd, std::move(give_up)));
}

Input Input::over(Bytes bytes) { return Input(std::make_unique<Origin>(bytes)); }

bool Input::compressed() const { return origin_->compressed(); }
const std::string& Input::fault() const { return origin_->fault(); }
bool Input::given_up() const { return origin_->given_up(); }

void Input::resize_window(size_t capacity, size_t kept) {
  auto buffer = std::make_unique<uint8_t[]>(capacity + kSlack);
  if (kept > 0) std::memcpy(buffer.get(), at_, kept);
  base_ += static_cast<uint64_t>(at_ - buffer_.get());
  buffer_ = std::move(buffer);
  capacity_ = capacity;
  at_ = buffer_.get();
  end_ = at_ + kept;
}

bool Input::fill(size_t size) {
  const size_t kept = available();
  if (capacity_ > kWindow && std::max(size, kept) <= kWindow) {
    resize_window(kWindow, kept);
  } else {
    std::memmove(buffer_.get(), at_, kept);
    base_ = offset();
    at_ = buffer_.get();
    end_ = at_ + kept;
  }
  while (available() < size) {
    // Grows with what is really there, not with what a length claims.
    if (available() == capacity_) resize_window(std::min(size, capacity_ * 2), capacity_);
    const size_t got = origin_->read(end_, capacity_ - available());
    if (got == 0) return false;
    end_ += got;
  }
  return true;
}

bool Input::skip(uint64_t size) {
  while (size > available()) {
    size -= available();
    advance(available());
    if (!ensure(1)) return false;
  }
  advance(static_cast<size_t>(size));
  return true;
}

}  // namespace gyr::capture
