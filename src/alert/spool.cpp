// SPDX-License-Identifier: Apache-2.0
#include "alert/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#define XXH_NO_INLINE_HINTS 1  // g++ -Og cannot follow all of them
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/sandbox.h"

namespace gyr {
namespace {

constexpr char kMagic[4] = {'g', 'y', 'S', '1'};
constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
constexpr std::string_view kSuffix = ".spool";
constexpr uint64_t kSyncPauseNs = 1'000'000'000;
constexpr std::string_view kOpenFolder = "open the folder (which may be no symbolic link)";

struct FrameHead {
  char magic[4];
  uint32_t length;
  uint64_t checksum;
};
static_assert(sizeof(FrameHead) == 16);
constexpr size_t kMaxRest = Spool::kMaxLine + 2 + UINT8_MAX;

struct Cursor {
  uint64_t segment;
  uint64_t offset;
  uint64_t checksum;

  uint64_t right_checksum() const { return XXH3_64bits(this, offsetof(Cursor, checksum)); }
};

std::string segment_name(uint64_t number) { return fmt::format("{:016}{}", number, kSuffix); }

// Nothing for other files.
uint64_t segment_number(std::string_view name) {
  if (!name.ends_with(kSuffix)) return 0;
  name.remove_suffix(kSuffix.size());
  uint64_t number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && stop == name.data() + name.size() ? number : 0;
}

bool read_all(int fd, void* to, size_t bytes, uint64_t offset) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(fd, at, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

bool write_all(int fd, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t got = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

std::string make_frame(const Outgoing& alert) {
  const std::string_view id = alert.id.substr(0, UINT8_MAX);
  std::string frame(sizeof(FrameHead), '\0');
  frame += static_cast<char>(alert.priority);
  frame += static_cast<char>(id.size());
  frame += id;
  frame += alert.line;
  const std::string_view rest = std::string_view(frame).substr(sizeof(FrameHead));
  FrameHead head{.magic = {}, .length = static_cast<uint32_t>(rest.size()), .checksum = 0};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.checksum = XXH3_64bits(rest.data(), rest.size());
  std::memcpy(frame.data(), &head, sizeof head);
  return frame;
}

void close_fd(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

}  // namespace

Spool::Spool(std::string folder, uint64_t max_bytes)
    : folder_(std::move(folder)),
      max_bytes_(max_bytes),
      segment_bytes_(std::clamp<uint64_t>(max_bytes / 8, 65536, 16u << 20)) {}

Spool::~Spool() {
  for (int* fd : {&tail_fd_, &head_fd_, &cursor_fd_, &lock_fd_, &folder_fd_}) close_fd(fd);
}

std::string Spool::fault(std::string_view what) const {
  return fmt::format("spool {}: cannot {}: {}", folder_, what, std::strerror(errno));
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& folder, uint64_t max_bytes) {
  std::unique_ptr<Spool> spool(new Spool(folder, max_bytes));
  if (Result<void> opened = spool->open_folder(); !opened) return opened.error();
  if (Result<void> scanned = spool->scan(); !scanned) return scanned.error();
  spool->read_cursor();
  spool->forget_sent_segments();
  spool->count_alerts();
  return spool;
}

Result<void> Spool::check(const std::string& folder) {
  const Spool spool(folder.substr(0, folder.find_last_not_of('/') + 1), 0);
  struct stat about {};
  if (lstat(spool.folder_.c_str(), &about) != 0) {
    if (errno == ENOENT && may_use(folder_of(spool.folder_), W_OK | X_OK)) return {};
    return Error{spool.fault("make the folder")};
  }
  errno = S_ISLNK(about.st_mode) ? ELOOP : ENOTDIR;
  if (!S_ISDIR(about.st_mode) || !may_use(spool.folder_, R_OK | W_OK | X_OK)) {
    return Error{spool.fault(kOpenFolder)};
  }
  return spool.check_owner(about);
}

Result<void> Spool::check_owner(const struct stat& about) const {
  if (about.st_uid == geteuid() && (about.st_mode & 022) == 0) return {};
  return Error{
      fmt::format("spool {}: others may write to this folder; it must belong to the user gyr "
                  "runs as and have mode 0700",
                  folder_)};
}

Result<void> Spool::open_folder() {
  if (mkdir(folder_.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return Error{fault("make the folder")};
  }
  folder_fd_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | kFlags);
  if (folder_fd_ < 0) return Error{fault(kOpenFolder)};
  struct stat about {};
  fstat(folder_fd_, &about);
  if (Result<void> owner = check_owner(about); !owner) return owner;
  lock_fd_ = openat(folder_fd_, "lock", O_RDWR | O_CREAT | kFlags, kFileMode);
  if (lock_fd_ < 0) return Error{fault("open 'lock'")};
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return Error{fmt::format("spool {}: another process or output uses this folder", folder_)};
  }
  cursor_fd_ = openat(folder_fd_, "cursor", O_RDWR | O_CREAT | kFlags, kFileMode);
  if (cursor_fd_ < 0) return Error{fault("open 'cursor'")};
  return {};
}

Result<void> Spool::scan() {
  DIR* dir = fdopendir(dup(folder_fd_));
  if (dir == nullptr) return Error{fault("list the folder")};
  while (const dirent* entry = readdir(dir)) {
    const uint64_t number = segment_number(entry->d_name);
    struct stat about {};
    if (number == 0 || fstatat(folder_fd_, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(about.st_mode)) {
      continue;
    }
    segments_.push_back({number, static_cast<uint64_t>(about.st_size)});
    bytes_ += static_cast<uint64_t>(about.st_size);
    next_number_ = std::max(next_number_, number + 1);
  }
  closedir(dir);
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return {};
}

void Spool::read_cursor() {
  read_segment_ = segments_.empty() ? 0 : segments_.front().number;
  Cursor cursor{};
  if (!read_all(cursor_fd_, &cursor, sizeof cursor, 0)) return;
  if (cursor.checksum != cursor.right_checksum()) return;
  // Numbers are never used again, so that an old cursor does not hide new alerts.
  next_number_ = std::max(next_number_, cursor.segment + 1);
  if (cursor.segment < read_segment_) return;
  read_segment_ = cursor.segment;
  read_offset_ = cursor.offset;
}

void Spool::write_cursor() {
  Cursor cursor{.segment = read_segment_, .offset = read_offset_, .checksum = 0};
  cursor.checksum = cursor.right_checksum();
  write_all(cursor_fd_, {reinterpret_cast<const char*>(&cursor), sizeof cursor}, 0);
}

uint64_t Spool::size_of(uint64_t number) const {
  for (const Segment& segment : segments_) {
    if (segment.number == number) return segment.bytes;
  }
  return 0;
}

// Those before the cursor, and the one under it when nothing is left in it.
void Spool::forget_sent_segments() {
  while (!segments_.empty()) {
    const Segment& first = segments_.front();
    const bool sent = first.number < read_segment_ ||
                      (first.number == read_segment_ && read_offset_ >= first.bytes);
    if (!sent) return;
    if (segments_.size() == 1) close_fd(&tail_fd_);
    if (head_number_ == first.number) close_fd(&head_fd_);
    unlinkat(folder_fd_, segment_name(first.number).c_str(), 0);
    bytes_ -= first.bytes;
    segments_.erase(segments_.begin());
  }
}

void Spool::count_alerts() {
  uint64_t segment = read_segment_;
  uint64_t offset = read_offset_;
  Entry entry;
  while (read_next(&segment, &offset, &entry)) ++alerts_;
  if (alerts_ == 0) pass_damage(segment, offset, entry.damaged_before);
}

// Nothing is left but what is damaged.
void Spool::pass_damage(uint64_t segment, uint64_t offset, uint64_t places) {
  damaged_ += places;
  alerts_ = 0;
  if (segment == read_segment_ && offset == read_offset_) return;
  read_segment_ = segment;
  read_offset_ = offset;
  write_cursor();
  forget_sent_segments();
}

bool Spool::open_head(uint64_t number) {
  if (head_fd_ >= 0 && head_number_ == number) return true;
  close_fd(&head_fd_);
  head_number_ = number;
  head_fd_ = openat(folder_fd_, segment_name(number).c_str(), O_RDONLY | kFlags);
  return head_fd_ >= 0;
}

uint64_t Spool::read_frame(uint64_t offset, Entry* entry) {
  FrameHead head{};
  if (!read_all(head_fd_, &head, sizeof head, offset)) return 0;
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0) return 0;
  if (head.length < 2 || head.length > kMaxRest) return 0;
  if (offset + sizeof head + head.length > size_of(head_number_)) return 0;
  std::string rest(head.length, '\0');
  if (!read_all(head_fd_, rest.data(), rest.size(), offset + sizeof head)) return 0;
  if (XXH3_64bits(rest.data(), rest.size()) != head.checksum) return 0;
  const auto priority = static_cast<uint8_t>(rest[0]);
  const auto id_length = static_cast<uint8_t>(rest[1]);
  if (priority > static_cast<uint8_t>(Priority::Debug) || rest.size() < 2u + id_length) return 0;
  entry->priority = static_cast<Priority>(priority);
  entry->id = rest.substr(2, id_length);
  entry->line = rest.substr(2u + id_length);
  return offset + sizeof head + head.length;
}

// Segments are 16 MiB at most, so the rest of one is looked at in memory.
uint64_t Spool::next_good_frame(uint64_t offset, uint64_t end) {
  if (offset >= end) return end;
  std::string rest(end - offset, '\0');
  if (!read_all(head_fd_, rest.data(), rest.size(), offset)) return end;
  Entry ignored;
  for (size_t at = 0; (at = rest.find(std::string_view(kMagic, 4), at)) != std::string::npos;
       ++at) {
    if (read_frame(offset + at, &ignored) != 0) return offset + at;
  }
  return end;
}

bool Spool::read_next(uint64_t* segment, uint64_t* offset, Entry* entry) {
  entry->damaged_before = 0;
  for (const Segment& candidate : segments_) {
    if (candidate.number < *segment) continue;
    if (candidate.number > *segment) {
      *segment = candidate.number;
      *offset = 0;
    }
    if (*offset >= candidate.bytes) continue;
    if (open_head(candidate.number)) {
      uint64_t behind = read_frame(*offset, entry);
      if (behind == 0) {
        ++entry->damaged_before;
        *offset = next_good_frame(*offset + 1, candidate.bytes);
        behind = *offset < candidate.bytes ? read_frame(*offset, entry) : 0;
      }
      if (behind != 0) {
        *offset = behind;
        entry->next_segment = *segment;
        entry->next_offset = behind;
        return true;
      }
    } else {
      ++entry->damaged_before;
    }
    *offset = candidate.bytes;
  }
  return false;
}

const std::vector<Spool::Entry>& Spool::peek(const BatchLimits& limits) {
  peeked_.clear();
  uint64_t segment = read_segment_;
  uint64_t offset = read_offset_;
  size_t bytes = 0;
  while (peeked_.size() < limits.alerts && (peeked_.empty() || bytes < limits.bytes)) {
    Entry entry;
    if (!read_next(&segment, &offset, &entry)) {
      if (peeked_.empty()) pass_damage(segment, offset, entry.damaged_before);
      break;
    }
    bytes += entry.line.size();
    if (!peeked_.empty() && bytes > limits.bytes) break;
    peeked_.push_back(std::move(entry));
  }
  return peeked_;
}

void Spool::drop(size_t count) {
  count = std::min(count, peeked_.size());
  if (count == 0) return;
  read_segment_ = peeked_[count - 1].next_segment;
  read_offset_ = peeked_[count - 1].next_offset;
  for (size_t i = 0; i < count; ++i) damaged_ += peeked_[i].damaged_before;
  alerts_ -= std::min<uint64_t>(alerts_, count);
  peeked_.clear();
  write_cursor();
  forget_sent_segments();
  if (alerts_ == 0 && !segments_.empty()) peek({.alerts = 1});
}

bool Spool::open_tail() {
  if (tail_fd_ >= 0 && segments_.back().bytes < segment_bytes_) return true;
  sync(UINT64_MAX);
  close_fd(&tail_fd_);
  const uint64_t number = next_number_;
  tail_fd_ = openat(folder_fd_, segment_name(number).c_str(), O_RDWR | O_CREAT | O_EXCL | kFlags,
                    kFileMode);
  if (tail_fd_ < 0) return false;
  ++next_number_;
  segments_.push_back({number, 0});
  if (segments_.size() == 1) {
    read_segment_ = number;
    read_offset_ = 0;
  }
  return true;
}

Spool::Appended Spool::append(const Outgoing& alert) {
  peeked_.clear();
  const std::string frame = make_frame(alert);
  if (alert.line.size() > kMaxLine || bytes_ + frame.size() > max_bytes_) {
    reason_ = fmt::format("spool {}: it is full", folder_);
    return Appended::Full;
  }
  if (!open_tail()) {
    reason_ = fault("make a file");
    return Appended::Failed;
  }
  Segment& tail = segments_.back();
  if (!write_all(tail_fd_, frame, tail.bytes)) {
    reason_ = fault("write");
    // Half a frame: taken back, else what follows goes to another file and this end is passed over.
    if (ftruncate(tail_fd_, static_cast<off_t>(tail.bytes)) != 0) close_fd(&tail_fd_);
    return Appended::Failed;
  }
  tail.bytes += frame.size();
  bytes_ += frame.size();
  ++alerts_;
  unsynced_ = true;
  return Appended::Yes;
}

void Spool::sync(uint64_t now_ns) {
  if (!unsynced_ || tail_fd_ < 0 || now_ns < synced_ns_ + kSyncPauseNs) return;
  fdatasync(tail_fd_);
  unsynced_ = false;
  if (now_ns != UINT64_MAX) synced_ns_ = now_ns;
}

uint64_t Spool::take_damaged() { return std::exchange(damaged_, 0); }

}  // namespace gyr
