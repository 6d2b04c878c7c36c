// SPDX-License-Identifier: Apache-2.0
#include "source/host_look.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "source/list_scan.h"
#include "source/live_checks.h"
#include "source/proc_scan.h"

namespace gyr {
namespace {

// In microseconds of CPU what a scan of /proc takes for each thread and open file, at least, and
// from when on iterators are cheaper although they have to be loaded (docs/live.md#what-it-costs).
constexpr uint64_t kThreadCost = 54, kFileCost = 14, kDear = 60'000;
constexpr size_t kLineLimit = 4096;

uint64_t number_at(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Threads of the host: the number behind the slash of "0.12 0.34 0.56 2/345 6789". The kernel's own
// are among them, which are soon read.
uint64_t thread_count(const Files& files) {
  const std::string text = files.read("/proc/loadavg", kLineLimit).value_or("");
  const size_t slash = text.find('/');
  return slash == std::string::npos ? 0 : number_at(std::string_view(text).substr(slash + 1));
}

// Open files of the host: descriptors, but for copies.
uint64_t file_count(const Files& files) {
  const std::string text = files.read("/proc/sys/fs/file-nr", kLineLimit).value_or("");
  return number_at(text);
}

bool sees_all_of_proc() {
  const auto status = own_status();
  return status && status->has(Capability::SysPtrace) &&
         (status->has(Capability::DacReadSearch) || status->has(Capability::DacOverride));
}

}  // namespace

bool HostLook::wants_iterators(bool again) const {
  if (use_ != IteratorUse::Auto || lists_ || again) return use_ != IteratorUse::Never;
  if (!sees_all_of_proc()) return true;
  return thread_count(files_) * kThreadCost + file_count(files_) * kFileCost > kDear;
}

void HostLook::open_lists() {
  if (lists_ || !counters_.why_proc.empty()) return;
  auto opened = open_iterators();
  if (opened) {
    lists_ = *std::move(opened);
  } else {
    counters_.why_proc = opened.error().message;
  }
}

Result<Snapshot> HostLook::take(bool again) {
  if (wants_iterators(again)) open_lists();
  if (lists_) {
    auto snapshot = scan_lists(*lists_, files_, users_, &counters_);
    if (snapshot) {
      ++counters_.looks_by_iterators;
      return snapshot;
    }
    counters_.why_proc = snapshot.error().message;
    lists_ = nullptr;
  }
  auto snapshot = scan_proc(files_, users_);
  if (snapshot) {
    ++counters_.looks_by_proc;
    counters_.tasks_by_proc += snapshot->threads.size();
    counters_.files_by_proc += snapshot->fds.size();
  }
  return snapshot;
}

}  // namespace gyr
