// SPDX-License-Identifier: Apache-2.0
// What the fields give on hand-made events, family by family.
#include "field/fields.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "world.h"

namespace gyr {
namespace {

struct Case {
  std::string_view field;
  std::string_view expected;
};

void expect(World& world, std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(world.get(c.field), c.expected) << c.field;
}

void read_event(World& world, int64_t tid, int64_t fd, int64_t result = 4) {
  world.event(Ev::READ_X, tid, [&](EventBuilder& event) {
    event.add_value(result);
    event.add(as_bytes("a\nb\x01"));
    event.add_value(fd);
    event.add_value(uint32_t{512});
  });
}

void openat_event(World& world, int64_t result, std::string_view name, int64_t dirfd,
                  uint32_t flags, uint32_t mode = 0) {
  world.event(Ev::OPENAT_2_X, 30, [&](EventBuilder& event) {
    event.add_value(result);
    event.add_value(dirfd);
    event.add_text(name);
    event.add_value(flags);
    event.add_value(mode);
    event.add_value(uint32_t{0xfe01});
    event.add_value(uint64_t{99});
  });
}

TEST(Fields, EveryRowIsSound) {
  std::set<std::string_view> names;
  size_t count = 0;
  for (const FieldClass& family : all_fields()) {
    EXPECT_FALSE(family.doc.empty()) << family.name;
    for (const FieldInfo& field : family.fields) {
      ++count;
      EXPECT_TRUE(names.insert(field.name).second) << field.name << " twice";
      EXPECT_NE(field.extract, nullptr) << field.name;
      EXPECT_NE(field.type, Type::None) << field.name;
      EXPECT_TRUE(field.doc.ends_with('.')) << field.name;
      EXPECT_EQ(field.doc.find('\n'), std::string_view::npos) << field.name;
      const bool needs_binder = (field.flags & kStateful) != 0;
      EXPECT_TRUE(!needs_binder || field.bind != nullptr) << field.name;
      EXPECT_EQ(field.quantifier == Quantifier::Single, field.extract_each == nullptr)
          << field.name;
    }
  }
  EXPECT_EQ(count, 233u + 61u + 2u);  // two are our own
}

// A name that is a prefix of another must not hide it.
TEST(Fields, LookupFindsEveryField) {
  for (const FieldClass& family : all_fields()) {
    for (const FieldInfo& field : family.fields) {
      const FieldMatch match = find_field(all_fields(), field.name);
      ASSERT_NE(match.info, nullptr) << field.name;
      EXPECT_EQ(match.info->name, field.name);
      EXPECT_EQ(match.rest, "");
    }
  }
}

TEST(Fields, NoThreadIsNoReasonToCrash) {
  World world{Snapshot{}};
  for (const Ev type : {Ev::DROP_E, Ev::SCHEDSWITCH_6_E, Ev::READ_X, Ev::OPENAT_2_X, Ev::POLL_X,
                        Ev::GENERIC_X, Ev::PLUGINEVENT_E, Ev::RENAMEAT2_X, Ev::PROCEXIT_1_E}) {
    world.event(type, 99);  // carries no parameters either
    for (const FieldClass& family : all_fields()) {
      for (const FieldInfo& field : family.fields) {
        if ((field.flags & kArgumentRequired) != 0) continue;
        world.get(field.name);
        if (field.extract_each != nullptr) world.each(field.name);
      }
    }
    world.get("evt.arg[0]");
    world.get("evt.arg.fd");
    world.get("evt.rawarg.res");
  }
}

// What a type folds to is what each event of the type gives.
TEST(Fields, FoldedValuesAreTheExtractedOnes) {
  World world(small_host());
  size_t folded = 0;
  for (const EventInfo& event : all_events()) {
    world.event(event.type, 30, [](EventBuilder& builder) { builder.add_value(int64_t{0}); });
    for (const FieldClass& family : all_fields()) {
      for (const FieldInfo& field : family.fields) {
        if (field.fold == nullptr) continue;
        std::string text(field.name);
        if (text == "evt.arg" || text == "evt.rawarg") text += ".fd";
        if (text == "evt.type.is") text += ".close";
        if (text == "evt.around") text += "[1]";
        const Result<FieldUse> use = use_of(text);
        ASSERT_TRUE(use) << text << use.error().message;
        Value constant;
        if (!field.fold(static_cast<uint16_t>(event.type), *use, &constant)) continue;
        ++folded;
        EXPECT_EQ(show(constant), show(world.value(*use))) << event.code << " " << text;
      }
    }
  }
  EXPECT_GT(folded, 10'000u);
}

TEST(Fields, Event) {
  World world(small_host());
  read_event(world, 30, 3);
  expect(world, {{"evt.num", "1"},
                 {"evt.rawtime", "1700000000123456789"},
                 {"evt.rawtime.s", "1700000000"},
                 {"evt.rawtime.ns", "123456789"},
                 {"evt.reltime", "123456789"},
                 {"evt.reltime.s", "0"},
                 {"evt.time.iso8601", "2023-11-14T22:13:20.123456789+0000"},
                 {"evt.type", "read"},
                 {"syscall.type", "read"},
                 {"evt.dir", "<"},
                 {"evt.type.is.read", "1"},
                 {"evt.type.is.7", "1"},
                 {"evt.type.is.write", "0"},
                 {"evt.category", "file"},
                 {"evt.cpu", "1"},
                 {"evt.res", "SUCCESS"},
                 {"evt.rawres", "4"},
                 {"evt.failed", "false"},
                 {"evt.is_io", "true"},
                 {"evt.is_io_read", "true"},
                 {"evt.is_io_write", "false"},
                 {"evt.io_dir", "read"},
                 {"evt.buflen", "4"},
                 {"evt.buflen.in", "4"},
                 {"evt.buflen.out", "<null>"},
                 {"evt.buflen.net", "<null>"},
                 {"evt.buffer", "a\nb\x01"},
                 {"evt.args", "res=4 data=a.b. fd=3(<f>/etc/passwd) size=512"},
                 {"evt.arg.fd", "<f>/etc/passwd"},
                 {"evt.arg[2]", "<f>/etc/passwd"},
                 {"evt.arg.size", "512"},
                 {"evt.arg[9]", "<null>"},
                 {"evt.rawarg.fd", "3"},
                 {"evt.rawarg.size", "512"},
                 {"evt.count.error", "0"},
                 {"evt.is_open_read", "false"},
                 {"evt.source", "syscall"},
                 {"evt.hostname", "testhost"},
                 {"evt.latency.human", "0ns"}});
}

// A slash goes behind every name of a directory but the working one.
TEST(Fields, PathsFromDirectories) {
  World world(small_host());
  openat_event(world, 9, "/", kAtFdcwd, 1 << 10);
  openat_event(world, 7, "etc/x", 9, 1);
  EXPECT_EQ(world.get("evt.abspath"), "//etc/x");
  openat_event(world, 7, "y", kAtFdcwd, 1);
  EXPECT_EQ(world.get("evt.abspath"), "/home/alice/y");
  world.event(Ev::OPENAT_2_X, 30, [](EventBuilder& event) {
    event.add_value(int64_t{7});
    event.add_value(kAtFdcwd);
    event.add(Bytes());
  });
  EXPECT_EQ(world.get("evt.abspath"), "<null>");
}

TEST(Fields, FailedCall) {
  World world(small_host());
  read_event(world, 30, 3, -9);
  expect(world, {{"evt.res", "EBADF"},
                 {"evt.failed", "true"},
                 {"evt.arg.res", "EBADF"},
                 {"evt.count.error", "1"},
                 {"evt.count.error.file", "1"},
                 {"evt.count.error.net", "<null>"},
                 {"evt.buflen", "<null>"}});
}

// What the collector tells of an open stays with the descriptor; /proc tells it of the others.
TEST(Fields, TheRealPathIsNotTheName) {
  World world(small_host());
  const std::string note = std::string(1, '\0') + "/etc/shadow";
  world.note.assign(note.begin(), note.end());
  openat_event(world, 7, "/srv/link", 4, 3);
  expect(world, {{"fd.name", "/srv/link"}, {"fd.realpath", "/etc/shadow"}});
  expect(world, {{"evt.args_changed", "false"}});
  world.note[0] = kMarkArgsChanged;
  openat_event(world, 7, "/srv/link", 4, 3);
  expect(world, {{"evt.args_changed", "true"}, {"fd.realpath", "/etc/shadow"}});
  world.note.clear();
  read_event(world, 30, 7);
  expect(world, {{"fd.name", "/srv/link"}, {"fd.realpath", "/etc/shadow"}});
  read_event(world, 30, 3);
  expect(world, {{"fd.name", "/etc/passwd"}, {"fd.realpath", "/etc/passwd"}});
  openat_event(world, 7, "/srv/link", 4, 3);
  expect(world, {{"fd.name", "/srv/link"}, {"fd.realpath", "<null>"}});
  openat_event(world, -2, "/srv/link", 4, 3);
  expect(world, {{"fd.realpath", "<null>"}, {"evt.args_changed", "false"}});
}

TEST(Fields, Opens) {
  World world(small_host());
  openat_event(world, 7, "x", 4, 3);
  expect(world, {{"fd.name", "/srv/data/x"},
                 {"fd.nameraw", "x"},
                 {"fd.directory", "/srv/data"},
                 {"fd.filename", "x"},
                 {"fd.num", "7"},
                 {"evt.abspath", "/srv/data/x"},
                 {"evt.is_open_read", "true"},
                 {"evt.is_open_write", "true"},
                 {"evt.is_open_create", "false"},
                 {"evt.is_open_exec", "false"},
                 {"fs.path.name", "/srv/data/x"},
                 {"fs.path.nameraw", "x"},
                 {"evt.arg.flags", "O_RDWR"},
                 {"evt.arg.name", "/srv/data/x"},
                 {"evt.rawarg.flags", "3"}});
  openat_event(world, -2, "./y//z", kAtFdcwd, 1);
  expect(world, {{"fd.name", "/home/alice/y/z"},
                 {"fd.nameraw", "./y/z"},
                 {"fd.num", "-1"},
                 {"fd.typechar", "f"},
                 {"fd.type", "<null>"},
                 {"evt.arg.fd", "ENOENT"},
                 {"fs.path.name", "<UNKNOWN>"}});
  openat_event(world, 8, "/tmp/new", kAtFdcwd, 4 | 2 | (1 << 14), 0755);
  expect(world, {{"evt.is_open_create", "true"},
                 {"evt.is_open_exec", "true"},
                 {"evt.is_open_read", "false"},
                 {"fd.name", "/tmp/new"}});
}

TEST(Fields, Process) {
  World world(small_host());
  read_event(world, 31, 3);
  expect(world, {{"proc.name", "cat-worker"},
                 {"proc.exe", "cat"},
                 {"proc.exepath", "/bin/cat"},
                 {"proc.pname", "bash"},
                 {"proc.pexepath", "/bin/bash"},
                 {"proc.pcmdline", "bash -l"},
                 {"proc.aname[0]", "cat"},
                 {"proc.aname[2]", "sshd"},
                 {"proc.aname[9]", "<null>"},
                 {"proc.aname", "bash sshd systemd"},
                 {"proc.args", "a b c"},
                 {"proc.args[0]", "a b"},
                 {"proc.args[5]", ""},
                 {"proc.cmdline", "cat-worker a b c"},
                 {"proc.exeline", "cat a b c"},
                 {"proc.cmdnargs", "2"},
                 {"proc.cmdlenargs", "4"},
                 {"proc.env[HOME]", "/home/alice"},
                 {"proc.env[EMPTY]", ""},
                 {"proc.env[LANG]", "C"},
                 {"proc.env[NOPE]", ""},
                 {"proc.aenv[HOME]", "/home/alice"},
                 {"proc.cwd", "/home/alice/"},
                 {"proc.pid", "30"},
                 {"thread.tid", "31"},
                 {"thread.ismain", "false"},
                 {"proc.ppid", "20"},
                 {"proc.apid[2]", "10"},
                 {"proc.apid", "30"},
                 {"proc.sid", "20"},
                 {"proc.sname", "bash"},
                 {"proc.pgid.name", "cat"},
                 {"proc.is_pgid_leader", "true"},
                 {"proc.is_sid_leader", "false"},
                 {"proc.loginshellid", "20"},
                 {"proc.nthreads", "2"},
                 {"proc.nchilds", "1"},
                 {"proc.fdopencount", "6"},
                 {"proc.fdlimit", "1024"},
                 {"proc.vmsize", "100"},
                 {"thread.vmsize", "0"},
                 {"thread.cap_effective", "CAP_CHOWN CAP_KILL"},
                 {"thread.cgroups", "cpuset=/ memory=/user.slice"},
                 {"thread.cgroup.memory", "/user.slice"},
                 {"thread.cgroup.cpu", "<null>"},
                 {"proc.stdin.name", "/dev/null"},
                 {"proc.stdout.type", "pipe"},
                 {"proc.stderr.type", "<null>"},
                 {"user.uid", "1000"},
                 {"user.name", "alice"},
                 {"user.homedir", "/home/alice"},
                 {"user.shell", "/bin/zsh"},
                 {"user.loginname", "alice"},
                 {"group.name", "users"},
                 {"container.id", "host"},
                 {"container.name", "host"},
                 {"container.image.repository", ""},
                 {"container.label[app]", "<null>"}});
  EXPECT_EQ(world.each("proc.aname"), "[bash, sshd, systemd]");
  EXPECT_EQ(world.each("proc.aname[1]"), "[bash]");
  EXPECT_EQ(world.each("proc.apid"), "[20, 10, 1]");
}

TEST(Fields, Sockets) {
  World world(small_host());
  read_event(world, 30, 5);
  expect(world, {{"fd.name", "10.0.0.1:40000->10.0.0.2:443"},
                 {"fd.type", "ipv4"},
                 {"fd.typechar", "4"},
                 {"fd.cip", "10.0.0.1"},
                 {"fd.sip", "10.0.0.2"},
                 {"fd.cport", "40000"},
                 {"fd.sport", "443"},
                 {"fd.sproto", "443"},
                 {"fd.lip", "10.0.0.1"},
                 {"fd.rip", "10.0.0.2"},
                 {"fd.rport", "443"},
                 {"fd.l4proto", "tcp"},
                 {"fd.sockfamily", "ip"},
                 {"fd.is_server", "false"},
                 {"fd.directory", "<null>"},
                 {"fd.filename", "<null>"},
                 {"fd.uid", "305"},
                 {"evt.category", "net"},
                 {"evt.buflen.net.in", "4"},
                 {"evt.arg.fd", "<4t>10.0.0.1:40000->10.0.0.2:443"},
                 {"fd.types", "[file, pipe, directory, ipv4]"},
                 {"fd.types[3]", "[file]"}});
  EXPECT_EQ(world.each("fd.ip"), "[10.0.0.1, 10.0.0.2]");
  EXPECT_EQ(world.each("fd.net"), "[10.0.0.1, 10.0.0.2]");
  EXPECT_EQ(world.each("fd.port"), "[40000, 443]");
  read_event(world, 30, 6);
  EXPECT_EQ(world.each("fd.port"), "[22]");
  expect(world,
         {{"fd.sport", "22"}, {"fd.sproto", ""}, {"fd.cport", "<null>"}, {"fd.is_server", "true"}});
  read_event(world, 30, 3);
  EXPECT_EQ(world.each("fd.ip"), "<null>");
  EXPECT_NE(world.get("fd.ip"), "<null>") << "exists is true of every known descriptor";
}

TEST(Fields, FileDescriptor) {
  World world(small_host());
  read_event(world, 30, 3);
  expect(world, {{"fd.num", "3"},
                 {"fd.dev", "65025"},
                 {"fd.dev.major", "254"},
                 {"fd.dev.minor", "1"},
                 {"fd.ino", "4242"},
                 {"fd.l4proto", "<NA>"},
                 {"fd.sockfamily", "<null>"},
                 {"fd.containername", ":/etc/passwd"}});
  read_event(world, 30, 99, -9);
  expect(world, {{"fd.num", "99"}, {"fd.name", ""}, {"fd.directory", "/"}, {"fd.dev", "<null>"}});
}

void rename_event(World& world, Ev type, int64_t result, bool at) {
  world.event(type, 30, [&](EventBuilder& event) {
    event.add_value(result);
    if (at) event.add_value(int64_t{4});
    event.add_text("old");
    if (at) event.add_value(kAtFdcwd);
    event.add_text("../new");
    if (type == Ev::RENAMEAT2_X) event.add_value(uint32_t{0});
  });
}

TEST(Fields, PathsOfCalls) {
  World world(small_host());
  rename_event(world, Ev::RENAME_X, 0, false);
  expect(world, {{"fs.path.source", "/home/alice/old"},
                 {"fs.path.target", "/home/new"},
                 {"fs.path.sourceraw", "old"},
                 {"fs.path.targetraw", "../new"},
                 {"fs.path.name", "<null>"}});
  rename_event(world, Ev::RENAMEAT2_X, 0, true);
  expect(world, {{"fs.path.source", "/srv/data/old"},
                 {"fs.path.target", "/home/new"},
                 {"evt.abspath.src", "/srv/data/old"},
                 {"evt.abspath.dst", "/home/new"}});
  rename_event(world, Ev::LINK_2_X, 0, false);
  expect(world, {{"fs.path.source", "/home/new"}, {"fs.path.target", "/home/alice/old"}});
  rename_event(world, Ev::RENAME_X, -2, false);
  expect(world, {{"fs.path.source", "<null>"}});
}

TEST(Fields, PollLists) {
  World world(small_host());
  world.event(Ev::POLL_X, 30, [](EventBuilder& event) {
    event.add_value(int64_t{1});
    std::vector<uint8_t> list = {3, 0};
    for (const int64_t fd : {5, 3, 42}) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(&fd);
      list.insert(list.end(), bytes, bytes + 8);
      list.insert(list.end(), {0x41, 0});
    }
    event.add(list);
    event.add_value(int64_t{-1});
  });
  expect(world, {{"fdlist.nums", "5,3,42"},
                 {"fdlist.names", "10.0.0.1:40000->10.0.0.2:443,/etc/passwd,<NA>"},
                 {"fdlist.cips", "10.0.0.1"},
                 {"fdlist.sports", "443"},
                 {"evt.arg.fds", "5:441 3:f41 42:?41"}});
  world.event(Ev::POLL_X, 30, [](EventBuilder& event) {
    event.add_value(int64_t{1});
    event.add(std::array<uint8_t, 12>{1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0});
    event.add_value(int64_t{-1});
  });
  expect(world, {{"fdlist.nums", "6"},
                 {"fdlist.sips", "0.0.0.0"},
                 {"fdlist.cports", "<null>"},
                 {"fdlist.sports", "<null>"}});
}

TEST(Fields, ProcessorTimeIsCountedForThreadsAndProcesses) {
  World world(small_host());
  world.event(Ev::PROCINFO_E, 30);
  expect(world, {{"evt.count.procinfo", "1"}, {"evt.count.threadinfo", "1"}});
  world.event(Ev::PROCINFO_E, 31);
  expect(world, {{"evt.count.procinfo", "0"}, {"evt.count.threadinfo", "1"}});
  read_event(world, 30, 3);
  expect(world, {{"evt.count.procinfo", "0"}, {"evt.count.threadinfo", "0"}});
}

TEST(Fields, GenericEventsAreNamedByTheirCall) {
  World world(small_host());
  world.event(Ev::GENERIC_X, 30, [](EventBuilder& event) {
    event.add_value(static_cast<uint16_t>(Sc::GETPID));
    event.add_value(uint16_t{39});
  });
  expect(world, {{"evt.type", "getpid"}, {"evt.args", ""}, {"evt.res", "<null>"}});
  world.event(Ev::GENERIC_X, 30, [](EventBuilder& event) {
    event.add_value(static_cast<uint16_t>(Sc::UNKNOWN));
    event.add_value(uint16_t{39});
  });
  EXPECT_EQ(world.get("evt.type"), "getpid");
}

TEST(Fields, UsesRememberForThemselves) {
  World world(small_host());
  const Result<FieldUse> first = use_of("util.cnt");
  const Result<FieldUse> second = use_of("util.cnt");
  const Result<FieldUse> delta = use_of("evt.deltatime");
  ASSERT_TRUE(first && second && delta);
  read_event(world, 30, 3);
  EXPECT_EQ(show(world.value(*first)), "1");
  EXPECT_EQ(show(world.value(*delta)), "0");
  world.event(Ev::GENERIC_X, 30, {}, 1'700'000'000'123'456'999);
  EXPECT_EQ(show(world.value(*first)), "2");
  EXPECT_EQ(show(world.value(*second)), "1");
  EXPECT_EQ(show(world.value(*delta)), "210");

  World other(small_host());
  read_event(other, 30, 3);
  EXPECT_EQ(show(other.value(*first)), "1") << "each stream of events has a memory of its own";
}

TEST(Fields, AroundIsAWindow) {
  World world(small_host());
  const Result<FieldUse> use = use_of("evt.around[1700000000100000000]");
  ASSERT_TRUE(use);
  ASSERT_TRUE(use->info->check_constant(*use, "24"));
  read_event(world, 30, 3);
  EXPECT_EQ(show(world.value(*use)), "24") << "23.4 ms away";
  ASSERT_TRUE(use->info->check_constant(*use, "23"));
  EXPECT_NE(show(world.value(*use)), "23");
  EXPECT_FALSE(use->info->check_constant(*use, "x"));
}

TEST(Fields, ArgumentsAreChecked) {
  EXPECT_EQ(use_of("evt.arg.nam").error().message,
            "no event has a parameter 'nam'; did you mean 'name'?");
  for (const char* text : {"evt.arg", "evt.rawarg", "evt.type.is"}) {
    const std::string message = use_of(text).error().message;
    EXPECT_NE(message.find(std::string("as in ") + text), std::string::npos) << message;
  }
  for (const char* text : {"proc.args[x]", "proc.aname[-1]", "fd.types[a]", "evt.arg[40]",
                           "evt.type.is.nosuch", "evt.rawarg.nosuch", "evt.abspath.up",
                           "evt.around", "thread.cgroup.a/b", "evt.rawarg[1]"}) {
    EXPECT_FALSE(use_of(text)) << text;
  }
  for (const char* text : {"evt.abspath", "proc.aenv[HOME]", "proc.env[3]", "evt.type.is.300"}) {
    EXPECT_TRUE(use_of(text)) << text;
  }
}

TEST(Fields, NamesOfEventsAreChecked) {
  const Result<FieldUse> use = use_of("evt.type");
  ASSERT_TRUE(use);
  for (const char* name : {"open", "pread", "pread64", "procexit", "sched_process_exit", "setuid32",
                           "container", "getpid"}) {
    EXPECT_TRUE(use->info->check_constant(*use, name)) << name;
  }
  const Result<void> wrong = use->info->check_constant(*use, "opennat");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "evt.type can never be 'opennat'; did you mean 'openat'?");
}

TEST(Fields, RawArgumentsHaveACommonType) {
  const std::initializer_list<std::pair<const char*, Type>> cases = {
      {"evt.rawarg.name", Type::CharBuf},  {"evt.rawarg.res", Type::Int64},
      {"evt.rawarg.flags", Type::Int64},   {"evt.rawarg.pathname", Type::FsRelPath},
      {"evt.rawarg.fdlimit", Type::Int64}, {"evt.rawarg.data", Type::ByteBuf},
      {"evt.rawarg.addr", Type::Uint64}};
  for (const auto& [text, type] : cases) {
    const Result<FieldUse> use = use_of(text);
    ASSERT_TRUE(use) << text;
    EXPECT_EQ(type_info(use->type).name, type_info(type).name) << text;
  }
}

TEST(Fields, RawArgumentsPrintByTheirOwnType) {
  World world(small_host());
  const auto printed = [&](std::string_view text) {
    const Result<FieldUse> use = use_of(text);
    return use ? show(printed_value(world.context(), *use)) : use.error().message;
  };
  world.event(Ev::IOCTL_3_X, 30, [](EventBuilder& event) {
    event.add_value(int64_t{-25});
    event.add_value(int64_t{3});
    event.add_value(uint64_t{0x541b});
    event.add_value(uint64_t{0x7ffd'fc08'50d0});
  });
  EXPECT_EQ(printed("evt.rawarg.request"), "541B");
  EXPECT_EQ(printed("evt.rawarg.argument"), "7FFDFC0850D0");
  EXPECT_EQ(printed("evt.rawarg.res"), "-25");
  EXPECT_EQ(printed("evt.rawarg.addr"), "<null>");
  world.event(Ev::BIND_X, 30, [](EventBuilder& event) {
    event.add_value(int64_t{0});
    event.add(std::array<uint8_t, 7>{2, 127, 0, 0, 1, 80, 0});
    event.add_value(int64_t{3});
  });
  EXPECT_EQ(printed("evt.rawarg.addr"), "127.0.0.1:80");
  EXPECT_EQ(world.get("evt.rawarg.addr"), "<null>") << "compared as a number, as that of mmap";
  read_event(world, 30, 3);
  EXPECT_EQ(printed("evt.rawarg.data"), printed("evt.buffer"));
  openat_event(world, 7, "x", 4, 3, 0640);
  EXPECT_EQ(printed("evt.rawarg.mode"), "640");
  EXPECT_EQ(world.get("evt.rawarg.mode"), "416");
}

// Interned values let the evaluator keep its answers beside the string.
TEST(Fields, PathsAreInterned) {
  World world(small_host());
  openat_event(world, 7, "x", 4, 3);
  for (const char* text : {"fd.name", "fd.directory", "fs.path.name", "evt.abspath", "evt.arg.name",
                           "proc.name", "proc.cmdline", "proc.args", "container.id"}) {
    const Result<FieldUse> use = use_of(text);
    ASSERT_TRUE(use);
    const Value value = world.value(*use);
    ASSERT_NE(value.text.rep, nullptr) << text;
    EXPECT_EQ(value.text.rep->view(), value.as_text()) << text;
  }
}

}  // namespace
}  // namespace gyr
