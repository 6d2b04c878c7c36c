// SPDX-License-Identifier: Apache-2.0
#include "source/capture_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/sandbox.h"
#include "base/system.h"

namespace gyr {
namespace {

constexpr size_t kMaxName = 4096;

std::string time_text(const std::string& format, uint64_t ts_ns) {
  const auto seconds = static_cast<time_t>(ts_ns / 1'000'000'000);
  tm local{};
  localtime_r(&seconds, &local);
  std::array<char, kMaxName> text{};
  const size_t size = strftime(text.data(), text.size(), format.c_str(), &local);
  return {text.data(), size};
}

// Pipes and devices take nothing of a disk.
bool is_stream(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode);
}

}  // namespace

Compression compression_of(std::string_view path) {
  return path.ends_with(".gz") ? Compression::Gzip : Compression::None;
}

Result<std::unique_ptr<CaptureFiles>> CaptureFiles::create(const RecordingSettings& settings) {
  std::unique_ptr<CaptureFiles> files(new CaptureFiles(settings));
  files->path_ = files->name_at(clock_ns(CLOCK_REALTIME));
  if (Result<void> opened = files->open(); !opened) return opened.error();
  return files;
}

std::unique_ptr<CaptureFiles> CaptureFiles::for_later(const RecordingSettings& settings,
                                                      std::deque<Closed> earlier) {
  std::unique_ptr<CaptureFiles> files(new CaptureFiles(settings));
  for (const Closed& file : earlier) files->kept_bytes_ += file.bytes;
  files->closed_ = std::move(earlier);
  return files;
}

std::string CaptureFiles::name_at(uint64_t ts_ns) const {
  const RotationSettings& rotation = settings_.rotation;
  if (!rotation.is_on()) return settings_.path;
  const bool is_timed = rotation.period_ns > 0 && settings_.path.find('%') != std::string::npos;
  std::string name = is_timed ? time_text(settings_.path, ts_ns) : settings_.path;
  if (is_timed && rotation.bytes == 0 && rotation.events == 0) return name;
  const uint64_t number = rotation.files > 0 ? made_ % rotation.files : made_;
  const size_t width = rotation.files > 0 ? std::to_string(rotation.files).size() : 1;
  return name + fmt::format("{:0{}}", number, width);
}

Result<void> CaptureFiles::open() {
  if (leaves_too_little()) {
    return Error{fmt::format(
        "cannot create capture file {}: less than {} % of its file system is free, which is to "
        "stay so",
        path_, settings_.disk.free_percent)};
  }
  std::error_code unimportant;  // one of them does not exist, then
  if (!settings_.source_path.empty() &&
      std::filesystem::equivalent(settings_.source_path, path_, unimportant)) {
    return Error{fmt::format("{} cannot be recorded onto itself", path_)};
  }
  auto writer = CaptureWriter::create(path_, settings_.compression, settings_.if_there);
  if (!writer) return writer.error();
  writer_ = *std::move(writer);
  ++made_;
  next_look_ = kBytesBetweenLooks;
  return {};
}

Result<void> CaptureFiles::begin_next(uint64_t ts_ns) { return begin(name_at(ts_ns)); }

Result<void> CaptureFiles::begin(const std::string& path) {
  leave_current();
  const uint32_t most = settings_.rotation.files;
  while (most > 0 && closed_.size() >= most) {
    if (Result<void> deleted = delete_oldest(); !deleted) return deleted;
  }
  path_ = path;
  return open();
}

void CaptureFiles::leave_current() {
  if (!has_current()) return;
  closed_.push_back({path_, writer_->file_bytes()});
  kept_bytes_ += writer_->file_bytes();
  closed_bytes_ += writer_->file_bytes();
  closed_texts_cut_ += writer_->texts_cut();
  writer_ = nullptr;
}

bool CaptureFiles::is_over_total(uint64_t bytes) const {
  const uint64_t most = settings_.disk.total_bytes;
  return most > 0 && kept_bytes_ + (has_current() ? writer_->most_bytes() : 0) + bytes > most;
}

// Before the first file there is but the pattern of their names, which is in the same folder.
const std::string& CaptureFiles::some_path() const {
  return path_.empty() ? settings_.path : path_;
}

bool CaptureFiles::leaves_too_little() const {
  struct statvfs system {};
  const std::string& path = some_path();
  if (settings_.disk.free_percent == 0 || statvfs(folder_of(path).c_str(), &system) != 0 ||
      system.f_blocks == 0) {
    return false;
  }
  const double free = static_cast<double>(system.f_bavail) / static_cast<double>(system.f_blocks);
  return free * 100 < settings_.disk.free_percent && !is_stream(path);
}

Result<void> CaptureFiles::make_room(uint64_t bytes) {
  while (is_over_total(bytes)) {
    if (settings_.rotation.files == 0 || closed_.empty()) {
      return Error{fmt::format("the limit of {} bytes for all files of {} is reached",
                               settings_.disk.total_bytes, settings_.path)};
    }
    if (Result<void> deleted = delete_oldest(); !deleted) return deleted;
  }
  if (has_current()) {
    if (writer_->offset() + bytes < next_look_) return {};
    next_look_ = writer_->offset() + bytes + kBytesBetweenLooks;
  }
  while (leaves_too_little()) {
    if (settings_.rotation.files == 0 || closed_.empty()) {
      return Error{
          fmt::format("less than {} % of the file system of {} is free, which is to stay so",
                      settings_.disk.free_percent, some_path())};
    }
    if (Result<void> deleted = delete_oldest(); !deleted) return deleted;
  }
  return {};
}

Result<void> CaptureFiles::delete_oldest() {
  const Closed oldest = std::move(closed_.front());
  closed_.pop_front();
  kept_bytes_ -= oldest.bytes;
  if (unlink(oldest.path.c_str()) != 0 && errno != ENOENT) {
    return Error{
        fmt::format("cannot delete capture file {}: {}", oldest.path, std::strerror(errno))};
  }
  ++deleted_;
  return {};
}

}  // namespace gyr
