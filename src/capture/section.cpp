// SPDX-License-Identifier: Apache-2.0
#include "capture/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "capture/format.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

// How a list of entries tells the length of each.
enum class SubLength : uint8_t { None, WithItself, WithoutItself };

struct Block {
  BlockInfo info;
  uint32_t length;
  uint32_t body() const { return length - kBlockFrame; }
};

class SectionReader {
 public:
  explicit SectionReader(Input& in) : in_(in) {}

  Result<Snapshot> read() {
    if (auto header = read_header(); !header) return header.error();
    while (true) {
      Result<Block> block = peek_block();
      if (!block) return block.error();
      if (block->info.kind == BlockKind::Event) return std::move(snapshot_);
      Result<void> done = block->info.kind == BlockKind::Section ? restart() : read_block(*block);
      if (!done) return done.error();
    }
  }

 private:
  // A section without events: what it said is of no use to the next.
  Result<void> restart() {
    snapshot_ = Snapshot();
    return read_header();
  }

  Result<void> read_header() {
    if (!in_.ensure(kSectionHeaderMin)) {
      if (in_.available() == 0 && in_.at_end()) return Error{"the file is empty"};
      if (!in_.fault().empty() || starts_like_section()) return cut_off(in_, "the section header");
    }
    if (!starts_like_section()) return not_a_capture();
    const auto length = load<uint32_t>(in_.at() + 4);
    if (length < kSectionHeaderMin || length % 4 != 0) {
      return Error{fmt::format("the section header has the impossible length {}", length)};
    }
    const auto magic = load<uint32_t>(in_.at() + 8);
    if (magic != kMagic) {
      return Error{
          fmt::format("the section header has the wrong magic number {:#x}; only "
                      "little-endian captures can be read",
                      magic)};
    }
    const auto major = load<uint16_t>(in_.at() + 12);
    if (major > kVersionMajor) {
      return Error{
          fmt::format("the capture has format version {}.{}, this program reads up to {}.x", major,
                      load<uint16_t>(in_.at() + 14), kVersionMajor)};
    }
    // Options (such as comments that other tools add) may follow; they are of no use here.
    return skip_block(length);
  }

  bool starts_like_section() {
    return in_.available() >= 4 && load<uint32_t>(in_.at()) == kSectionHeader;
  }
  static Error not_a_capture() {
    return {"there is no section header here: this is not a capture file"};
  }

  // The header of the next block, which stays unread.
  Result<Block> peek_block() {
    if (!in_.ensure(kBlockHeader)) {
      if (in_.available() == 0 && in_.at_end()) return Error{"there are no events in the file"};
      return cut_off(in_, "the block header");
    }
    const auto number = load<uint32_t>(in_.at());
    const auto length = load<uint32_t>(in_.at() + 4);
    const Block block{block_info(number), length};
    if (block.info.kind == BlockKind::Event || block.info.kind == BlockKind::Section) return block;
    if (length < kBlockFrame || length % 4 != 0) {
      return Error{fmt::format("block of type {:#x} has the impossible length {}", number, length)};
    }
    return block;
  }

  Result<void> read_block(const Block& block) {
    const uint8_t version = block.info.version;
    if (block.info.kind == BlockKind::Unknown) return skip_block(block.length);
    if (block.info.kind == BlockKind::Machine && block.body() != kMachineInfoBody) {
      return Error{fmt::format("the machine block has {} bytes of content instead of {}",
                               block.body(), kMachineInfoBody)};
    }
    in_.advance(kBlockHeader);
    if (auto done = read_body(block.info.kind, version, block.body()); !done) return done;
    return read_trailer(block.length);
  }

  Result<void> read_body(BlockKind kind, uint8_t version, uint32_t body) {
    switch (kind) {
      case BlockKind::Machine:
        return read_machine_body(body);
      case BlockKind::Processes:
        return read_processes(version, body);
      case BlockKind::Fds:
        return read_fds(version, body);
      case BlockKind::Interfaces:
        return read_interfaces(version, body);
      case BlockKind::Users:
        return read_users(version, body);
      case BlockKind::Unknown:
      case BlockKind::Section:
      case BlockKind::Event:
        break;
    }
    return {};
  }

  Result<void> read_machine_body(uint32_t body) {
    if (!in_.ensure(body)) return cut_off(in_, "the machine block");
    EntryReader entry({in_.at(), body});
    snapshot_.machine = read_machine(entry);
    in_.advance(body);
    return {};
  }

  Result<void> read_processes(uint8_t version, uint32_t body) {
    const SubLength sub = version >= 9 ? SubLength::WithItself : SubLength::None;
    return each_entry("process list", sub, body, [&](EntryReader& in) {
      snapshot_.threads.push_back(read_process(in, version));
      check_count(in, snapshot_.threads.size(), kMaxThreads);
    });
  }

  Result<void> read_fds(uint8_t version, uint32_t body) {
    if (body < sizeof(int64_t)) return Error{"the descriptor list names no thread"};
    if (!in_.ensure(sizeof(int64_t))) return cut_off(in_, "the descriptor list");
    const auto tid = load<int64_t>(in_.at());
    in_.advance(sizeof(int64_t));
    if (snapshot_.fd_tids.size() >= kMaxThreads)
      return Error{"there are too many descriptor lists"};
    snapshot_.fd_tids.push_back(tid);
    const SubLength sub = version >= 2 ? SubLength::WithItself : SubLength::None;
    return each_entry("descriptor list", sub, body - 8, [&](EntryReader& in) {
      snapshot_.fds.push_back(read_fd(in, version));
      snapshot_.fds.back().tid = tid;
      check_count(in, snapshot_.fds.size(), kMaxFds);
    });
  }

  Result<void> read_interfaces(uint8_t version, uint32_t body) {
    const SubLength sub = version >= 2 ? SubLength::WithoutItself : SubLength::None;
    return each_entry("interface list", sub, body, [&](EntryReader& in) {
      InterfaceEntry entry = read_interface(in, version);
      if (auto* interface = std::get_if<SnapshotInterface>(&entry)) {
        snapshot_.interfaces.push_back(std::move(*interface));
      }
      check_count(in, snapshot_.interfaces.size(), kMaxInterfaces);
    });
  }

  Result<void> read_users(uint8_t version, uint32_t body) {
    snapshot_.has_users = true;
    const SubLength sub = version >= 2 ? SubLength::WithItself : SubLength::None;
    return each_entry("user list", sub, body, [&](EntryReader& in) {
      UserEntry entry = read_user(in, version);
      if (auto* user = std::get_if<SnapshotUser>(&entry)) {
        snapshot_.users.push_back(std::move(*user));
      } else if (auto* group = std::get_if<SnapshotGroup>(&entry)) {
        snapshot_.groups.push_back(std::move(*group));
      }
      check_count(in, snapshot_.users.size() + snapshot_.groups.size(), kMaxUsers);
    });
  }

  static void check_count(EntryReader& in, size_t count, size_t limit) {
    if (count > limit) in.fail(fmt::format("there are more than {} of them", limit));
  }

  // Calls `use` for every entry of a body; at its end fewer than four bytes may be left over.
  template <class Use>
  Result<void> each_entry(std::string_view list, SubLength sub, uint32_t body, Use use) {
    while (body >= sizeof(uint32_t)) {
      // Only so much of an entry is looked at; what a newer writer appended is passed over.
      const size_t seen = std::min<size_t>(body, kMaxEntry);
      if (!in_.ensure(seen)) return cut_off(in_, fmt::format("the {}", list));
      const size_t skipped = sub == SubLength::None ? 0 : sizeof(uint32_t);
      uint64_t length = seen;
      if (skipped > 0) {
        length = load<uint32_t>(in_.at());
        if (sub == SubLength::WithoutItself) length += sizeof(uint32_t);
        if (length <= skipped || length > body) {
          return Error{fmt::format("an entry of the {} claims {} bytes where {} are left", list,
                                   length, body)};
        }
      }
      EntryReader entry({in_.at() + skipped, std::min<size_t>(length, seen) - skipped});
      use(entry);
      if (!entry.ok()) {
        return Error{fmt::format("an entry of the {} is damaged: {}", list, entry.reason())};
      }
      if (skipped == 0) length = entry.offset();
      if (!in_.skip(length)) return cut_off(in_, fmt::format("the {}", list));
      body -= static_cast<uint32_t>(length);
    }
    if (!in_.skip(body)) return cut_off(in_, fmt::format("the {}", list));
    return {};
  }

  Result<void> skip_block(uint32_t length) {
    if (!in_.skip(length - kBlockTrailer)) return cut_off(in_, "the block");
    return read_trailer(length);
  }

  Result<void> read_trailer(uint32_t length) {
    if (!in_.ensure(kBlockTrailer)) return cut_off(in_, "the block");
    const auto trailer = load<uint32_t>(in_.at());
    if (trailer != length) {
      return Error{fmt::format("wrong block length: {} in front of the block, {} behind it", length,
                               trailer)};
    }
    in_.advance(kBlockTrailer);
    return {};
  }

  Input& in_;
  Snapshot snapshot_;
};

}  // namespace

Error cut_off(const Input& in, std::string_view what) {
  if (!in.fault().empty()) return {in.fault()};
  return {fmt::format("the file is cut off: {} is not complete", what)};
}

Result<Snapshot> read_section(Input& in) { return SectionReader(in).read(); }

}  // namespace gyr::capture
