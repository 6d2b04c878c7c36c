// SPDX-License-Identifier: Apache-2.0
#include "capture/findings.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "capture/format.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

constexpr std::string_view kThread = "gyr.thread";
constexpr std::string_view kFds = "gyr.fds";
constexpr std::string_view kGone = "gyr.gone";
constexpr std::string_view kLost = "gyr.lost";
constexpr std::string_view kSupplement = "gyr.snapshot";
constexpr std::string_view kHostSupplement = "gyr.host_snapshot";  // of a host that gyr watched
constexpr std::string_view kNote = "gyr.note";
constexpr std::string_view kOurs = "gyr.";
constexpr std::string_view kContainer = "container";  // the reference's own
constexpr size_t kPlugin = 0, kName = 1, kData = 2;   // parameters of the event
constexpr uint32_t kNone = 0;                         // number of no plugin
constexpr int64_t kNobody = -1;
constexpr std::string_view kProgress = "gyr.state";

template <class Write>
void with_length(EntryWriter& out, Write write) {
  const size_t start = out.size();
  out.put(uint32_t{0});
  write();
  out.patch(start, static_cast<uint32_t>(out.size() - start - sizeof(uint32_t)));
}

// The lists store flags and device of plain files alone, so both stand before each descriptor.
void write_fds(EntryWriter& out, const std::vector<SnapshotFd>& fds) {
  for (const SnapshotFd& fd : fds) {
    if (!has_layout(fd.kind)) continue;
    out.put(fd.open_flags);
    out.put(fd.dev);
    with_length(out, [&] { write_fd(out, fd); });
  }
}

Record make(const FoundThread& found, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put(found.thread.clone_ts_ns);
  out.put(found.thread.as_of_ns);
  with_length(out, [&] { write_process(out, found.thread); });
  write_fds(out, found.fds);
  return own_record(kThread, out, ts_ns, builder);
}

Record make(const FoundFds& found, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put(found.tid);
  write_fds(out, found.fds);
  return own_record(kFds, out, ts_ns, builder);
}

Record make(const GoneThread& gone, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put(gone.tid);
  return own_record(kGone, out, ts_ns, builder);
}

Record make(const LostEvents& lost, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put(lost.pid);
  out.put(lost.until_ns);
  return own_record(kLost, out, ts_ns, builder);
}

Record make(const FoundContainer& found, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put_bytes({reinterpret_cast<const uint8_t*>(found.json.c_str()), found.json.size() + 1});
  return own_record(kContainer, out, ts_ns, builder);
}

Record make(const FoundUser& found, uint64_t ts_ns, EventBuilder& builder) {
  builder.begin(Ev::USER_ADDED_E, ts_ns, kNobody);
  builder.add_value(found.user.uid);
  builder.add_value(found.user.gid);
  builder.add_text(found.user.name);
  builder.add_text(found.user.home);
  builder.add_text(found.user.shell);
  builder.add_text(found.container_id);
  return {.bytes = builder.finish(), .cpu = 0, .flags = kStateOnly};
}

Record make(const FoundGroup& found, uint64_t ts_ns, EventBuilder& builder) {
  builder.begin(Ev::GROUP_ADDED_E, ts_ns, kNobody);
  builder.add_value(found.group.gid);
  builder.add_text(found.group.name);
  builder.add_text(found.container_id);
  return {.bytes = builder.finish(), .cpu = 0, .flags = kStateOnly};
}

// The next entry that with_length() wrote.
EntryReader entry_of(EntryReader& in) {
  const auto length = in.read<uint32_t>();
  const Bytes bytes = in.take(length);
  if (bytes.size() != length) in.fail("it is cut off");
  return EntryReader(bytes);
}

std::vector<SnapshotFd> read_fds(EntryReader& in, int64_t tid) {
  std::vector<SnapshotFd> fds;
  while (in.ok() && in.remaining() > 0) {
    const auto open_flags = in.read<uint32_t>();
    const auto dev = in.read<uint32_t>();
    EntryReader entry = entry_of(in);
    SnapshotFd fd = read_fd(entry, 2);
    fd.tid = tid;
    fd.open_flags = open_flags;
    fd.dev = dev;
    if (in.ok() && !entry.ok()) in.fail(entry.reason());
    fds.push_back(std::move(fd));
  }
  return fds;
}

Result<FoundRecord> read_thread(Bytes data) {
  EntryReader in(data);
  FoundThread found;
  const auto clone_ts_ns = in.read<uint64_t>();
  const auto as_of_ns = in.read<uint64_t>();
  EntryReader process = entry_of(in);
  found.thread = read_process(process, 9);
  found.thread.clone_ts_ns = clone_ts_ns;
  found.thread.as_of_ns = as_of_ns;
  if (in.ok() && !process.ok()) in.fail(process.reason());
  found.fds = read_fds(in, found.thread.tid);
  if (!in.ok()) return Error{fmt::format("a thread that was found is damaged: {}", in.reason())};
  return FoundRecord(Finding(std::move(found)));
}

Result<FoundRecord> read_given(Bytes data) {
  EntryReader in(data);
  FoundFds found;
  found.tid = in.read<int64_t>();
  found.fds = read_fds(in, found.tid);
  if (!in.ok())
    return Error{fmt::format("descriptors that were found are damaged: {}", in.reason())};
  return FoundRecord(Finding(std::move(found)));
}

Result<FoundRecord> read_gone(Bytes data) {
  if (data.size() < sizeof(int64_t)) return Error{"a thread that was gone is damaged"};
  return FoundRecord(Finding(GoneThread{load<int64_t>(data.data())}));
}

Result<FoundRecord> read_lost(Bytes data) {
  EntryReader in(data);
  LostEvents lost;
  lost.pid = in.read<int64_t>();
  lost.until_ns = in.read<uint64_t>();
  if (!in.ok()) return Error{"a note of lost events is damaged"};
  return FoundRecord(Finding(lost));
}

Result<FoundRecord> read_note(Bytes data) {
  if (data.empty() || data.size() > UINT16_MAX) return Error{"a note about an event is damaged"};
  return FoundRecord(Note{data});
}

FoundUser read_user(const EventView& event) {
  FoundUser found;
  found.container_id = event.text(5);
  found.user = {event.get<uint32_t>(0, kNoId), event.get<uint32_t>(1, kNoId),
                std::string(event.text(2)), std::string(event.text(3)), std::string(event.text(4))};
  return found;
}

FoundGroup read_group(const EventView& event) {
  FoundGroup found;
  found.container_id = event.text(2);
  found.group = {event.get<uint32_t>(0, kNoId), std::string(event.text(1))};
  return found;
}

uint16_t type_of(const Record& record) { return load<uint16_t>(record.bytes.data() + 20); }

bool is_told_by_lists(const SnapshotFd& fd) {
  return fd.kind == FdKind::FileV2 || (fd.open_flags == 0 && fd.dev == 0);
}

}  // namespace

Record own_record(std::string_view name, const EntryWriter& data, uint64_t ts_ns,
                  EventBuilder& builder) {
  builder.begin(Ev::ASYNCEVENT_E, ts_ns, kNobody);
  builder.add_value(kNone);
  builder.add_text(name);
  builder.add(data.bytes());
  return {.bytes = builder.finish(), .cpu = 0, .flags = kStateOnly};
}

Record note_record(Bytes note, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put_bytes(note);
  return own_record(kNote, out, ts_ns, builder);
}

Record finding_record(const Finding& finding, uint64_t ts_ns, EventBuilder& builder) {
  return std::visit([&](const auto& one) { return make(one, ts_ns, builder); }, finding);
}

Record supplement_record(const Snapshot& snapshot, uint64_t ts_ns, EventBuilder& builder) {
  EntryWriter out;
  out.put(static_cast<uint32_t>(snapshot.threads.size()));
  for (const SnapshotThread& thread : snapshot.threads) {
    out.put(thread.tid);
    out.put(thread.clone_ts_ns);
    out.put(thread.as_of_ns);
  }
  for (const SnapshotFd& fd : snapshot.fds) {
    if (is_told_by_lists(fd)) continue;
    out.put(fd.tid);
    out.put(fd.fd);
    out.put(fd.open_flags);
    out.put(fd.dev);
  }
  return own_record(snapshot.of_our_own ? kHostSupplement : kSupplement, out, ts_ns, builder);
}

bool is_finding(const Record& record) {
  if ((record.flags & kStateOnly) == 0) return false;
  const auto type = static_cast<Ev>(type_of(record));
  if (type == Ev::USER_ADDED_E || type == Ev::GROUP_ADDED_E) return true;
  if (type != Ev::ASYNCEVENT_E) return false;
  EventView event;
  if (!event.decode(record)) return false;
  const std::string_view name = event.text(kName);
  // A plugin's container event is an event like others: it has a number.
  return name.starts_with(kOurs) || (name == kContainer && event.get<uint32_t>(kPlugin) == kNone);
}

Result<FoundRecord> read_finding(const Record& record) {
  EventView event;
  if (!event.decode(record)) return Error{"a finding is damaged"};
  if (event.type() == Ev::USER_ADDED_E) return FoundRecord(Finding(read_user(event)));
  if (event.type() == Ev::GROUP_ADDED_E) return FoundRecord(Finding(read_group(event)));
  const std::string_view name = event.text(kName);
  if (name == kThread) return read_thread(event.param(kData));
  if (name == kFds) return read_given(event.param(kData));
  if (name == kGone) return read_gone(event.param(kData));
  if (name == kLost) return read_lost(event.param(kData));
  if (name == kProgress) return FoundRecord(Progress{});
  if (name == kNote) return read_note(event.param(kData));
  if (name == kContainer) {
    std::string_view json = as_text(event.param(kData));
    while (json.ends_with('\0')) json.remove_suffix(1);
    return FoundRecord(Finding(FoundContainer{std::string(json)}));
  }
  const bool supplements = name == kSupplement || name == kHostSupplement;
  return supplements ? FoundRecord(Supplement{}) : FoundRecord(UnknownFinding{});
}

Result<void> merge_supplement(const Record& record, Snapshot* snapshot) {
  EventView event;
  if (!event.decode(record)) return Error{"the snapshot's supplement is damaged"};
  snapshot->of_our_own = event.text(kName) == kHostSupplement;
  ByteReader in(event.param(kData));
  absl::flat_hash_map<int64_t, SnapshotThread*> threads;
  for (SnapshotThread& thread : snapshot->threads) threads[thread.tid] = &thread;
  absl::flat_hash_map<std::pair<int64_t, int64_t>, SnapshotFd*> fds;
  for (SnapshotFd& fd : snapshot->fds) fds[{fd.tid, fd.fd}] = &fd;
  const auto count = in.read<uint32_t>();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto at = threads.find(in.read<int64_t>());
    const auto clone_ts_ns = in.read<uint64_t>();
    const auto as_of_ns = in.read<uint64_t>();
    if (at == threads.end() || !in.ok()) continue;
    at->second->clone_ts_ns = clone_ts_ns;
    at->second->as_of_ns = as_of_ns;
  }
  while (in.ok() && in.remaining() > 0) {
    const auto tid = in.read<int64_t>();
    const auto at = fds.find({tid, in.read<int64_t>()});
    const auto open_flags = in.read<uint32_t>();
    const auto dev = in.read<uint32_t>();
    if (at == fds.end() || !in.ok()) continue;
    at->second->open_flags = open_flags;
    at->second->dev = dev;
  }
  if (!in.ok()) return Error{"the snapshot's supplement is damaged: it is cut off"};
  return {};
}

}  // namespace gyr::capture
