// SPDX-License-Identifier: Apache-2.0
#include "capture/writer.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "capture/findings.h"
#include "capture/format.h"
#include "capture/lists.h"

namespace gyr {
namespace {

using namespace capture;  // NOLINT: the whole file is about the format

constexpr std::array<uint8_t, 3> kPadding{};

constexpr uint64_t padding_of(uint64_t body) { return (4 - body % 4) % 4; }
constexpr uint64_t block_length(uint64_t body) { return body + padding_of(body) + kBlockFrame; }

// Adds the sub-length that stands before an entry. Interfaces do not count it.
template <class Write>
void with_sub_length(EntryWriter& out, bool counts_itself, Write write) {
  const size_t start = out.size();
  out.put(uint32_t{0});
  write();
  const size_t skipped = counts_itself ? 0 : sizeof(uint32_t);
  out.patch(start, static_cast<uint32_t>(out.size() - start - skipped));
}

// The descriptors of one thread.
struct FdTable {
  int64_t tid;
  std::vector<const SnapshotFd*> fds;
};

// In the order in which the threads are named; a descriptor of a thread that has no list gets one.
std::vector<FdTable> by_thread(const Snapshot& snapshot) {
  std::vector<FdTable> tables;
  absl::flat_hash_map<int64_t, size_t> index;
  const auto table_of = [&](int64_t tid) -> FdTable& {
    const auto [at, is_new] = index.try_emplace(tid, tables.size());
    if (is_new) tables.push_back({tid, {}});
    return tables[at->second];
  };
  for (const int64_t tid : snapshot.fd_tids) table_of(tid);
  for (const SnapshotFd& fd : snapshot.fds) table_of(fd.tid).fds.push_back(&fd);
  return tables;
}

uint32_t event_block_number(bool large, bool has_flags) {
  if (large) return has_flags ? kEventFlagsLargeV2 : kEventLargeV2;
  return has_flags ? kEventFlagsV2 : kEventV2;
}

}  // namespace

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::create(const std::string& path,
                                                             Compression compression,
                                                             IfThere if_there) {
  Result<Output> output = Output::create(path, compression == Compression::Gzip, if_there);
  if (!output) {
    return Error{fmt::format("cannot create capture file {}: {}", path, output.error().message)};
  }
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(*std::move(output), path));
}

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::create(const std::string& path,
                                                             Compression compression,
                                                             const Snapshot& snapshot) {
  auto writer = create(path, compression, IfThere::Replace);
  if (!writer) return writer;
  if (auto done = (*writer)->begin_section(snapshot); !done) return done.error();
  return writer;
}

Result<void> CaptureWriter::begin_section(const Snapshot& snapshot) {
  if (auto done = write_section_header(); !done) return done;
  if (auto done = write_machine(snapshot.machine); !done) return done;
  auto done = write_list(kInterfaceListV2, [&](auto emit) {
    for (const SnapshotInterface& interface : snapshot.interfaces) {
      with_sub_length(entry_, false, [&] { write_interface(entry_, interface); });
      emit();
    }
  });
  if (!done) return done;
  if (snapshot.has_users || !snapshot.users.empty() || !snapshot.groups.empty()) {
    done = write_list(kUserListV2, [&](auto emit) {
      for (const SnapshotUser& user : snapshot.users) {
        with_sub_length(entry_, true, [&] { write_user(entry_, user); });
        emit();
      }
      for (const SnapshotGroup& group : snapshot.groups) {
        with_sub_length(entry_, true, [&] { write_group(entry_, group); });
        emit();
      }
    });
    if (!done) return done;
  }
  done = write_list(kProcessListV9, [&](auto emit) {
    for (const SnapshotThread& thread : snapshot.threads) {
      with_sub_length(entry_, true, [&] { write_process(entry_, thread); });
      emit();
    }
  });
  if (!done) return done;
  return write_fds(snapshot);
}

Result<void> CaptureWriter::write(const Record& record) {
  if (!record.note.empty()) {
    const auto ts_ns = load<uint64_t>(record.bytes.data());
    if (auto done = write_event(note_record(record.note, ts_ns, builder_)); !done) return done;
  }
  if (auto done = write_event(record); !done) return done;
  ++events_;
  return {};
}

Result<void> CaptureWriter::write_event(const Record& record) {
  const Bytes event = record.bytes;
  const auto type = static_cast<Ev>(load<uint16_t>(event.data() + 20));
  const bool large = event_info(type).has(EF_LARGE_PAYLOAD);
  const uint64_t body = 2 + (record.flags != 0 ? 4 : 0) + event.size();
  const uint64_t limit = large ? kMaxLargeBlock : kBlockHeader + kMaxEventBody;
  if (block_length(body) > limit) {
    return Error{fmt::format("event {} of {} bytes is too large for capture file {}",
                             event_info(type).code, event.size(), path_)};
  }
  std::array<uint8_t, 6> front{};
  std::memcpy(front.data(), &record.cpu, 2);
  std::memcpy(front.data() + 2, &record.flags, 4);
  if (auto done = begin_block(event_block_number(large, record.flags != 0), body); !done) {
    return done;
  }
  if (auto done = put(Bytes(front).first(record.flags != 0 ? 6 : 2)); !done) return done;
  if (auto done = put(event); !done) return done;
  return end_block(body);
}

Result<void> CaptureWriter::flush() {
  if (auto done = output_.flush(); !done) {
    return Error{fmt::format("cannot write capture file {}: {}", path_, done.error().message)};
  }
  return {};
}

Result<void> CaptureWriter::close() {
  if (auto done = output_.close(); !done) {
    return Error{fmt::format("cannot write capture file {}: {}", path_, done.error().message)};
  }
  return {};
}

Result<void> CaptureWriter::write_section_header() {
  entry_.clear();
  entry_.put(kMagic);
  entry_.put(kVersionMajor);
  entry_.put(kVersionMinor);
  entry_.put(~uint64_t{0});  // length of the section: not known
  if (auto done = begin_block(kSectionHeader, entry_.size()); !done) return done;
  if (auto done = put(entry_.bytes()); !done) return done;
  return end_block(entry_.size());
}

Result<void> CaptureWriter::write_machine(const MachineInfo& machine) {
  entry_.clear();
  capture::write_machine(entry_, machine);
  if (auto done = begin_block(kMachineInfo, entry_.size()); !done) return done;
  if (auto done = put(entry_.bytes()); !done) return done;
  return end_block(entry_.size());
}

// A block of entries. `each` makes the entries one after the other in entry_ and calls its argument
// after each. It runs twice, because the block's length comes first and a list of all threads of a
// large host is not to be held in memory once more.
template <class Each>
Result<void> CaptureWriter::write_list(uint32_t number, Each each) {
  uint64_t body = 0;
  entry_.clear();
  const uint64_t cut = entry_.texts_cut();
  each([&] {
    body += entry_.size();
    entry_.clear();
  });
  entry_.set_texts_cut(cut);
  if (auto done = begin_block(number, body); !done) return done;
  Result<void> result;
  each([&] {
    if (result) result = put(entry_.bytes());
    entry_.clear();
  });
  if (!result) return result;
  return end_block(body);
}

Result<void> CaptureWriter::write_fds(const Snapshot& snapshot) {
  for (const FdTable& table : by_thread(snapshot)) {
    auto done = write_list(kFdListV2, [&](auto emit) {
      entry_.put(table.tid);
      emit();
      for (const SnapshotFd* fd : table.fds) {
        if (!has_layout(fd->kind)) continue;
        with_sub_length(entry_, true, [&] { write_fd(entry_, *fd); });
        emit();
      }
    });
    if (!done) return done;
  }
  return {};
}

Result<void> CaptureWriter::begin_block(uint32_t number, uint64_t body) {
  const uint64_t length = block_length(body);
  if (length > UINT32_MAX) {
    return Error{fmt::format("a list of {} bytes is too large for capture file {}", body, path_)};
  }
  std::array<uint8_t, kBlockHeader> header{};
  const auto stored = static_cast<uint32_t>(length);
  std::memcpy(header.data(), &number, 4);
  std::memcpy(header.data() + 4, &stored, 4);
  return put(header);
}

Result<void> CaptureWriter::end_block(uint64_t body) {
  if (auto done = put(Bytes(kPadding).first(padding_of(body))); !done) return done;
  std::array<uint8_t, kBlockTrailer> trailer{};
  const auto stored = static_cast<uint32_t>(block_length(body));
  std::memcpy(trailer.data(), &stored, 4);
  return put(trailer);
}

Result<void> CaptureWriter::put(Bytes bytes) {
  if (auto done = output_.write(bytes); !done) {
    return Error{fmt::format("cannot write capture file {}: {}", path_, done.error().message)};
  }
  return {};
}

}  // namespace gyr
