// SPDX-License-Identifier: Apache-2.0
#include "capture/progress.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "capture/findings.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

constexpr std::string_view kName = "gyr.state";
constexpr size_t kData = 2;  // parameter of the event

// Each kind of entry has its list: the number of entries, then one after the other.
template <class Entries, class Write>
void put_list(EntryWriter& out, const Entries& entries, Write write) {
  out.put(static_cast<uint32_t>(entries.size()));
  for (const auto& entry : entries) write(out, entry);
}

// No entry takes less than a byte, so a hostile number ends with the bytes.
template <class Entries, class Read>
void read_list(EntryReader& in, Entries* entries, Read read) {
  const auto count = in.read<uint32_t>();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    auto entry = read(in);
    if (in.ok()) entries->push_back(std::move(entry));
  }
}

// Longer texts than those of the format's lists: names are to come back as they were.
void put_text(EntryWriter& out, std::string_view text) {
  out.put(static_cast<uint32_t>(text.size()));
  out.put_bytes(as_bytes(text));
}

std::string read_text(EntryReader& in) {
  const auto size = in.read<uint32_t>();
  return std::string(as_text(in.take(size)));
}

void write_half_known(EntryWriter& out, const SnapshotThread& thread) {
  out.put(thread.clone_ts_ns);
  out.put(thread.as_of_ns);
  const size_t start = out.size();
  out.put(uint32_t{0});
  write_process(out, thread);
  out.patch(start, static_cast<uint32_t>(out.size() - start - sizeof(uint32_t)));
}

SnapshotThread read_half_known(EntryReader& in) {
  const auto clone_ts_ns = in.read<uint64_t>();
  const auto as_of_ns = in.read<uint64_t>();
  EntryReader entry(in.take(in.read<uint32_t>()));
  SnapshotThread thread = read_process(entry, 9);
  if (in.ok() && !entry.ok()) in.fail(entry.reason());
  thread.clone_ts_ns = clone_ts_ns;
  thread.as_of_ns = as_of_ns;
  return thread;
}

void write_thread(EntryWriter& out, const ThreadProgress& thread) {
  out.put(thread.tid);
  out.put(thread.reaper_tid);
  out.put(static_cast<uint8_t>(thread.reaps));
  out.put(thread.ctime_duration_clone_ns);
  out.put(thread.ctime_duration_pidns_ns);
  out.put(thread.last_fd);
  out.put(static_cast<uint16_t>(thread.last_type));
  out.put(static_cast<uint8_t>(thread.last_type_valid));
  put_text(out, thread.cwd);
  put_text(out, as_text(thread.enter_event));
}

ThreadProgress read_thread(EntryReader& in) {
  ThreadProgress thread;
  thread.tid = in.read<int64_t>();
  thread.reaper_tid = in.read<int64_t>();
  thread.reaps = in.read<uint8_t>() != 0;
  thread.ctime_duration_clone_ns = in.read<uint64_t>();
  thread.ctime_duration_pidns_ns = in.read<uint64_t>();
  thread.last_fd = in.read<int64_t>();
  const auto type = in.read<uint16_t>();
  thread.last_type_valid = in.read<uint8_t>() != 0 && type < kEventCount;
  if (thread.last_type_valid) thread.last_type = static_cast<Ev>(type);
  thread.cwd = read_text(in);
  const std::string enter = read_text(in);
  thread.enter_event.assign(enter.begin(), enter.end());
  return thread;
}

void write_descriptor(EntryWriter& out, const FdProgress& entry) {
  const SnapshotFd& fd = entry.fd;
  out.put(fd.tid);
  out.put(fd.fd);
  out.put(static_cast<uint8_t>(fd.kind));
  out.put(entry.role);
  out.put(fd.l4);
  out.put(static_cast<uint8_t>(entry.connected));
  out.put(static_cast<uint8_t>(entry.upper_layer));
  out.put(static_cast<uint8_t>(entry.lower_layer));
  out.put(static_cast<uint8_t>(entry.from_snapshot));
  out.put(fd.open_flags);
  out.put(fd.dev);
  out.put(fd.mount_id);
  out.put(fd.ino);
  out.put(fd.source_ip);
  out.put(fd.dest_ip);
  out.put(fd.source_port);
  out.put(fd.dest_port);
  out.put(fd.unix_source);
  out.put(fd.unix_dest);
  out.put(entry.pid);
  put_text(out, fd.name);
  put_text(out, entry.name_raw);
  put_text(out, entry.real_path);
}

FdProgress read_descriptor(EntryReader& in) {
  FdProgress entry;
  SnapshotFd& fd = entry.fd;
  fd.tid = in.read<int64_t>();
  fd.fd = in.read<int64_t>();
  const auto kind = in.read<uint8_t>();
  fd.kind =
      kind <= static_cast<uint8_t>(FdKind::PidFd) ? static_cast<FdKind>(kind) : FdKind::Unsupported;
  entry.role = in.read<uint8_t>();
  fd.l4 = in.read<uint8_t>();
  entry.connected = in.read<uint8_t>() != 0;
  entry.upper_layer = in.read<uint8_t>() != 0;
  entry.lower_layer = in.read<uint8_t>() != 0;
  entry.from_snapshot = in.read<uint8_t>() != 0;
  fd.open_flags = in.read<uint32_t>();
  fd.dev = in.read<uint32_t>();
  fd.mount_id = in.read<uint32_t>();
  fd.ino = in.read<uint64_t>();
  fd.source_ip = in.read<std::array<uint8_t, 16>>();
  fd.dest_ip = in.read<std::array<uint8_t, 16>>();
  fd.source_port = in.read<uint16_t>();
  fd.dest_port = in.read<uint16_t>();
  fd.unix_source = in.read<uint64_t>();
  fd.unix_dest = in.read<uint64_t>();
  entry.pid = in.read<int64_t>();
  fd.name = read_text(in);
  entry.name_raw = read_text(in);
  entry.real_path = read_text(in);
  return entry;
}

void write_exit(EntryWriter& out, const RecentExit& exit) {
  out.put(exit.ptid);
  out.put(exit.tid);
  out.put(exit.ts_ns);
}

RecentExit read_exit(EntryReader& in) {
  RecentExit exit;
  exit.ptid = in.read<int64_t>();
  exit.tid = in.read<int64_t>();
  exit.ts_ns = in.read<uint64_t>();
  return exit;
}

void write_shared(EntryWriter& out, const SharedTable& shared) {
  out.put(shared.tid);
  out.put(shared.with);
  out.put(static_cast<uint8_t>(shared.is_directory));
}

SharedTable read_shared(EntryReader& in) {
  SharedTable shared;
  shared.tid = in.read<int64_t>();
  shared.with = in.read<int64_t>();
  shared.is_directory = in.read<uint8_t>() != 0;
  return shared;
}

}  // namespace

Record progress_record(const SnapshotProgress& progress, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  put_list(out, progress.half_known, write_half_known);
  put_list(out, progress.threads, write_thread);
  put_list(out, progress.fds, write_descriptor);
  put_list(out, progress.containers, put_text);
  put_list(out, progress.exits, write_exit);
  put_list(out, progress.shared_tables, write_shared);
  return own_record(kName, out, ts_ns, builder);
}

Result<SnapshotProgress> read_progress(const Record& record) {
  EventView event;
  if (!event.decode(record)) return Error{"the state is damaged"};
  EntryReader in(event.param(kData));
  SnapshotProgress progress;
  read_list(in, &progress.half_known, read_half_known);
  read_list(in, &progress.threads, read_thread);
  read_list(in, &progress.fds, read_descriptor);
  read_list(in, &progress.containers, read_text);
  read_list(in, &progress.exits, read_exit);
  read_list(in, &progress.shared_tables, read_shared);
  if (!in.ok()) return Error{fmt::format("the state is damaged: {}", in.reason())};
  return progress;
}

}  // namespace gyr::capture
