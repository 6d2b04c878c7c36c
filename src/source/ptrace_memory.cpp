// SPDX-License-Identifier: Apache-2.0
// The caller's memory (ptrace_tracee.h).
#include <fmt/format.h>
#include <linux/auxvec.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "source/ptrace_tracee.h"

namespace gyr {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kVectorLimit = 4096;
constexpr size_t kPathLimit = 4096;

// Up to the end of the page, since the next one may be missing.
size_t in_page(uint64_t from, size_t wanted) {
  return std::min<size_t>(wanted, static_cast<size_t>(kPage - from % kPage));
}

}  // namespace

bool read_memory(int64_t tid, uint64_t from, void* to, size_t size) {
  iovec local{.iov_base = to, .iov_len = size};
  iovec remote{.iov_base = reinterpret_cast<void*>(from), .iov_len = size};  // NOLINT: another's
  const ssize_t got = process_vm_readv(static_cast<pid_t>(tid), &local, 1, &remote, 1, 0);
  return got >= 0 && static_cast<size_t>(got) == size;
}

std::string read_text(int64_t tid, uint64_t from, size_t most) {
  std::string text(most + 1, '\0');
  const long size = [&] {
    size_t done = 0;
    while (done < most) {
      const size_t piece = in_page(from + done, most - done);
      if (!read_memory(tid, from + done, text.data() + done, piece)) return -1L;
      if (const void* nul = std::memchr(text.data() + done, 0, piece)) {
        return static_cast<const char*>(nul) - text.data();
      }
      done += piece;
    }
    return static_cast<long>(done);
  }();
  if (size < 0) return {};
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string started_path(const Files& files, int64_t tid, bool compat) {
  const auto vector = files.read(fmt::format("/proc/{}/auxv", tid), kVectorLimit);
  if (!vector) return {};
  const size_t width = compat ? 4 : 8;
  for (size_t at = 0; at + 2 * width <= vector->size(); at += 2 * width) {
    uint64_t key = 0, value = 0;
    std::memcpy(&key, vector->data() + at, width);
    std::memcpy(&value, vector->data() + at + width, width);
    if (key == AT_EXECFN) return read_text(tid, value, kPathLimit - 1);
  }
  return {};
}

}  // namespace gyr

extern "C" {

int gyr_read_memory(struct gyr_tracee* tracee, void* to, uint32_t size, uint64_t from) {
  return gyr::read_memory(tracee->tid, from, to, size) ? 0 : -1;
}

long gyr_read_text(struct gyr_tracee* tracee, char* to, uint32_t size, uint64_t from) {
  uint32_t done = 0;
  while (done < size) {
    const auto piece = static_cast<uint32_t>(gyr::in_page(from + done, size - done));
    if (!gyr::read_memory(tracee->tid, from + done, to + done, piece)) return -1;
    if (const void* nul = std::memchr(to + done, 0, piece)) {
      return static_cast<const char*>(nul) - to + 1;
    }
    done += piece;
  }
  if (size > 0) to[size - 1] = '\0';
  return size;
}

}  // extern "C"
