// SPDX-License-Identifier: Apache-2.0
// Event numbers, names and parameters are stored in captures: they may be added to, never changed.
#include "schema/schema.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace gyr {
namespace {

// FNV-1a over everything a stored event depends on.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) step(static_cast<uint8_t>(c));
    step(0);
  }
  void add_number(uint64_t number) { add(std::to_string(number)); }
  uint64_t value() const { return hash_; }

 private:
  void step(uint8_t byte) { hash_ = (hash_ ^ byte) * 1099511628211u; }
  uint64_t hash_ = 14695981039346656037u;
};

TEST(Schema, EventIdsAreFrozen) {
  Digest digest;
  for (const EventInfo& event : all_events()) {
    digest.add_number(static_cast<uint16_t>(event.type));
    digest.add(event.name);
    digest.add(event.code);
    digest.add_number(event.flags & (EF_LARGE_PAYLOAD | EF_OLD_VERSION | EF_CONVERTER_MANAGED));
    for (const ParamInfo& param : event.params()) {
      digest.add(param.name);
      digest.add_number(static_cast<uint8_t>(param.type));
    }
  }
  EXPECT_EQ(all_events().size(), kEventCount);
  EXPECT_EQ(digest.value(), 7991755546748269416u)
      << "A stored event changed. New events are appended; old ones stay.";
}

TEST(Schema, SyscallIdsAreFrozen) {
  Digest digest;
  for (const ScInfo& sc : all_syscalls()) {
    digest.add_number(static_cast<uint16_t>(sc.sc));
    digest.add(sc.name);
  }
  EXPECT_EQ(all_syscalls().size(), 453u);
  EXPECT_EQ(digest.value(), 1538364781419418362u)
      << "The number of a system call changed; captures store it.";
}

TEST(Schema, CountsOfTheReferenceTables) {
  size_t tables = 0;
  for (auto table = static_cast<uint8_t>(FlagTable::none) + 1;; ++table) {
    if (static_cast<FlagTable>(table) > FlagTable::anon_inode_fd_types) break;
    EXPECT_FALSE(flag_entries(static_cast<FlagTable>(table)).empty());
    ++tables;
  }
  EXPECT_EQ(tables, 55u);
  EXPECT_EQ(all_fd_kinds().size(), 22u);
}

TEST(Schema, NumbersOfCallsLeadBackToTheirRow) {
  for (const ScInfo& sc : all_syscalls()) {
    if (sc.x86_64 >= 0) {
      ASSERT_NE(syscall_of_x86_64(sc.x86_64), nullptr);
      EXPECT_EQ(syscall_of_x86_64(sc.x86_64)->sc, sc.sc) << sc.name;
    }
    ASSERT_NE(sc_info(static_cast<uint16_t>(sc.sc)), nullptr);
    EXPECT_EQ(find_syscall(sc.name)->sc, sc.sc);
  }
  EXPECT_EQ(syscall_of_x86_64(257)->name, "openat");
  EXPECT_EQ(syscall_of_aarch64(56)->name, "openat");
  EXPECT_EQ(syscall_of_aarch64(1024), nullptr);
  EXPECT_EQ(syscall_of_ia32(295)->name, "openat");
  EXPECT_EQ(syscall_of_ia32(213)->name, "setuid");  // setuid32
  EXPECT_EQ(syscall_of_ia32(192)->name, "mmap");    // mmap2
  EXPECT_EQ(syscall_of_x86_64(-1), nullptr);
  EXPECT_EQ(syscall_of_ia32(100'000), nullptr);
  EXPECT_EQ(sc_info(382), nullptr);
}

TEST(Schema, ParametersAreConsistent) {
  for (const EventInfo& event : all_events()) {
    for (const ParamInfo& param : event.params()) {
      if (param.type == Type::FsRelPath) {
        ASSERT_GE(param.aux, 0) << event.code << " " << param.name;
        EXPECT_EQ(event.params()[static_cast<size_t>(param.aux)].type, Type::Fd) << event.code;
      }
      if (param.type == Type::Dyn) {
        EXPECT_FALSE(dyn_variants(static_cast<DynTable>(param.aux)).empty()) << event.code;
      }
    }
  }
}

}  // namespace
}  // namespace gyr
