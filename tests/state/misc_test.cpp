// SPDX-License-Identifier: Apache-2.0
// Credentials, limits, memory, users, containers, counters (state-engine 4.7, 6, 14).
#include <gtest/gtest.h>

#include "host.h"

namespace gyr {
namespace {

using test::Host;
using test::Missing;
using test::Params;

std::string view(const Str& text) { return std::string(text.view()); }

struct IdCall {
  Ev type;
  Params params;
  bool group;
};

TEST(Ids, FollowTheCalls) {
  const IdCall cases[] = {
      {Ev::SETUID_X, {0, 5}, false},          {Ev::SETREUID_X, {0, 6, 5}, false},
      {Ev::SETRESUID_X, {0, 6, 5, 7}, false}, {Ev::SETGID_X, {0, 5}, true},
      {Ev::SETREGID_X, {0, 6, 5}, true},      {Ev::SETRESGID_X, {0, 6, 5, 7}, true},
  };
  for (const IdCall& c : cases) {
    Host host;
    host.load_shell();
    const auto id = [&] { return c.group ? host.thread(100).gid : host.thread(100).uid; };
    Params failed = c.params;
    failed[0] = -1;
    host.send(c.type, 100, failed);
    EXPECT_EQ(id(), 0u) << event_info(c.type).code;
    host.send(c.type, 100, c.params);
    EXPECT_EQ(id(), 5u) << event_info(c.type).code;
    Params unset = c.params;
    for (size_t i = 1; i < unset.size(); ++i) unset[i] = Missing{};
    host.send(c.type, 100, unset);
    EXPECT_EQ(id(), 5u);
  }
}

TEST(Sessions, AndCapabilities) {
  Host host;
  host.load_shell();
  host.send(Ev::SETSID_X, 100, {-1});
  EXPECT_EQ(host.thread(100).sid, -1);
  host.send(Ev::SETSID_X, 100, {100});
  EXPECT_EQ(host.thread(100).sid, 100);
  host.send(Ev::CAPSET_X, 100, {-1, 1, 2, 3});
  EXPECT_EQ(host.thread(100).cap_permitted, 0u);
  host.send(Ev::CAPSET_X, 100, {0, 1, 2, 3});
  EXPECT_EQ(host.thread(100).cap_inheritable, 1u);
  EXPECT_EQ(host.thread(100).cap_permitted, 2u);
  EXPECT_EQ(host.thread(100).cap_effective, 3u);
  host.send(Ev::UNSHARE_X, 100, {0, kCloneNewPid});
  EXPECT_EQ(host.thread(100).cap_effective, 3u);
  host.send(Ev::UNSHARE_X, 100, {0, kCloneNewUser});
  EXPECT_EQ(host.thread(100).cap_effective, (uint64_t{1} << 41) - 1);
  host.send(Ev::CAPSET_X, 100, {0, 1, 2, 3});
  host.send(Ev::SETNS_X, 100, {-1, 3, kCloneNewUser});
  EXPECT_EQ(host.thread(100).cap_effective, 3u);
  host.send(Ev::SETNS_X, 100, {0, 3, kCloneNewUser});
  EXPECT_EQ(host.thread(100).cap_inheritable, (uint64_t{1} << 41) - 1);
}

TEST(Limits, OfDescriptors) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  const auto limit = [&] { return host.thread(100).fdlimit; };
  host.send(Ev::SETRLIMIT_X, 101, {0, 50, 60, 7});
  EXPECT_EQ(limit(), 50) << "it is the leader's";
  host.send(Ev::GETRLIMIT_X, 100, {0, 51, 60, 7});
  EXPECT_EQ(limit(), 51);
  host.send(Ev::GETRLIMIT_X, 100, {0, -1, -1, 7});
  host.send(Ev::GETRLIMIT_X, 100, {0, 52, 60, 6});
  host.send(Ev::GETRLIMIT_X, 100, {-22, 52, 60, 7});
  EXPECT_EQ(limit(), 51);
  host.send(Ev::PRLIMIT_X, 1, {0, 70, 80, 0, 0, 100, 7});
  EXPECT_EQ(limit(), 70);
  host.send(Ev::PRLIMIT_X, 100, {0, 71, 80, 0, 0, 0, 7});
  EXPECT_EQ(limit(), 71);
  host.send(Ev::PRLIMIT_X, 100, {-1, 72, 80, 0, 0, 0, 7});
  host.send(Ev::PRLIMIT_X, 100, {0, 72, 80, 0, 0, 4711, 7});
  EXPECT_EQ(limit(), 71);
}

TEST(Memory, FollowsCallsAndSwitches) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  host.send(Ev::MMAP_X, 100, {0x7f0000000000, 11, 12, 13, 0, 0, 0, 0, -1, 0});
  EXPECT_EQ(host.thread(100).vmsize_kb, 11u);
  host.send(Ev::BRK_4_X, 100, {0, 21, 22, 23, 0});
  EXPECT_EQ(host.thread(100).vmrss_kb, 22u);
  host.send(Ev::MUNMAP_X, 100, {0, 31, 32, 33, 0, 0});
  EXPECT_EQ(host.thread(100).vmswap_kb, 33u);
  host.send(Ev::MUNMAP_X, 101, {0, 34, 35, 36, 0, 0});
  EXPECT_EQ(host.thread(100).vmsize_kb, 34u) << "memory is the process's";
  EXPECT_EQ(host.thread(101).vmsize_kb, 10u) << "as its clone said";
  const EventState& now = host.send(Ev::SCHEDSWITCH_6_E, 101, {1, 5, 6, 41, 42, 43});
  EXPECT_EQ(now.thread->tid, 101);
  EXPECT_EQ(host.thread(101).pfmajor, 5u);
  EXPECT_EQ(host.thread(100).vmsize_kb, 41u);
  EXPECT_EQ(host.send(Ev::SCHEDSWITCH_6_E, 4242, {1, 5, 6, 41, 42, 43}).thread, nullptr);
  EXPECT_EQ(host.state.find(4242), nullptr);
}

TEST(Times, OfTheLastEvents) {
  Host host;
  host.load_shell();
  host.close(100, 1);
  const uint64_t first = host.event.ts_ns();
  host.close(100, 1);
  EXPECT_EQ(host.thread(100).previous_event_ts_ns, first);
  EXPECT_EQ(host.thread(100).last_event_ts_ns, host.event.ts_ns());
  host.send(Ev::SCHEDSWITCH_6_E, 100, {1, 5, 6, 41, 42, 43});
  EXPECT_EQ(host.thread(100).previous_event_ts_ns, first);
}

TEST(MetaEvents, HaveNoThread) {
  Host host;
  host.load_shell();
  EXPECT_EQ(host.send(Ev::PLUGINEVENT_E, 100, {1, "x"}).thread, nullptr);
  EXPECT_EQ(host.send(Ev::DROP_E, 100, {1}).thread, nullptr);
  EXPECT_EQ(host.send(Ev::PROCINFO_E, 100, {1, 2}).thread, host.state.find(100));
  EXPECT_EQ(host.send(Ev::PROCINFO_E, 4242, {1, 2}).thread, nullptr);
  EXPECT_EQ(host.state.thread_count(), 2u);
}

TEST(Users, ComeFromSnapshotAndEvents) {
  Host host;
  host.snapshot.users.push_back({1000, 1001, "ann", "/home/ann", "/bin/sh"});
  host.snapshot.users.push_back({1002, 1001, "+nss", "", ""});
  host.snapshot.groups.push_back({1001, "staff"});
  host.load_shell();
  const Str nowhere;
  ASSERT_NE(host.state.user(nowhere, 1000), nullptr);
  EXPECT_EQ(view(host.state.user(nowhere, 1000)->name), "ann");
  EXPECT_EQ(view(host.state.group(nowhere, 1001)->name), "staff");
  EXPECT_EQ(host.state.user(nowhere, 1002), nullptr);
  EXPECT_EQ(view(host.state.user(nowhere, 0)->home), "/root") << "root needs no look-up";
  EXPECT_EQ(view(host.state.group(nowhere, 0)->name), "root");
  host.send(Ev::USER_ADDED_E, -1, {7, 8, "bob", "/b", "/bin/zsh", "web"});
  host.send(Ev::GROUP_ADDED_E, -1, {8, "bobs", "web"});
  const Str web = host.pool.intern("web");
  EXPECT_EQ(host.state.user(nowhere, 7), nullptr);
  EXPECT_EQ(view(host.state.user(web, 7)->shell), "/bin/zsh");
  EXPECT_EQ(view(host.state.group(web, 8)->name), "bobs");
  host.send(Ev::USER_DELETED_E, -1, {7, 8, "bob", "/b", "/bin/zsh", "web"});
  host.send(Ev::GROUP_DELETED_E, -1, {8, "bobs", "web"});
  EXPECT_EQ(host.state.user(web, 7), nullptr);
  EXPECT_EQ(host.state.group(web, 8), nullptr);
}

TEST(Users, AreUnnamedWhenNotImported) {
  StateSettings settings;
  settings.import_users = false;
  Host host(settings);
  host.snapshot.users.push_back({1000, 1001, "ann", "/home/ann", "/bin/sh"});
  host.load_shell();
  EXPECT_EQ(view(host.state.user({}, 1000)->name), "<NA>");
  EXPECT_EQ(view(host.state.user({}, 1000)->shell), "<NA>");
  EXPECT_EQ(view(host.state.group({}, 0)->name), "<NA>");
}

class TwoUsers : public Users {
 public:
  std::optional<UserEntry> user(uint32_t uid) const override {
    ++asked;
    if (uid == 33) return UserEntry{33, 34, "www", "/var/www", "/bin/false"};
    return std::nullopt;
  }
  std::optional<GroupEntry> group(uint32_t gid) const override {
    if (gid == 34) return GroupEntry{34, "web"};
    return std::nullopt;
  }
  std::vector<UserEntry> all_users() const override { return {}; }
  std::vector<GroupEntry> all_groups() const override { return {}; }
  mutable int asked = 0;
};

TEST(Users, AreLookedUpOnceWhenTheyAppear) {
  const TwoUsers users;
  StateSettings settings;
  settings.users = &users;
  Host host(settings);
  host.load_shell();
  host.send(Ev::SETUID_X, 100, {0, 33});
  host.send(Ev::SETGID_X, 100, {0, 34});
  EXPECT_EQ(view(host.state.user({}, 33)->name), "www");
  EXPECT_EQ(view(host.state.group({}, 34)->name), "web");
  const int asked = users.asked;
  host.send(Ev::SETUID_X, 100, {0, 99});
  host.send(Ev::SETUID_X, 100, {0, 33});
  host.send(Ev::SETUID_X, 100, {0, 99});
  EXPECT_EQ(users.asked, asked + 1) << "also what was not found";
  EXPECT_EQ(host.state.user({}, 99), nullptr);
}

class ContainerFiles : public Files {
 public:
  Result<std::string> read(std::string_view path, size_t) const override {
    if (!there) return Error{"gone"};
    if (path == "/proc/200/root/etc/passwd") {
      return std::string(
          "root:x:0:0::/root:/bin/sh\nbroken\napp:x:9:9:App:/app:/bin/ash\n"
          "bad:x:nine:9::/:\n");
    }
    if (path == "/proc/200/root/etc/group") return std::string("app:x:9:\nbad:x:\n");
    return Error{"no such file"};
  }
  Result<std::vector<std::string>> list(std::string_view) const override { return Error{"no"}; }
  Result<std::string> read_link(std::string_view) const override { return Error{"no"}; }
  Result<FileStat> stat(std::string_view, bool) const override { return Error{"no"}; }
  bool there = false;
};

TEST(Users, OfContainersComeFromTheirFiles) {
  ContainerFiles files;
  StateSettings settings;
  settings.files = &files;
  settings.live = true;
  Host host(settings);
  host.load_shell();
  test::CloneSpec spec;
  spec.tid = spec.pid = 200;
  spec.ptid = 100;
  spec.flags = kChildInPidns;
  spec.vtid = spec.vpid = 1;
  spec.uid = 9;
  spec.gid = 9;
  spec.cgroups = test::list({"cpu=/lxc/web"});
  host.clone(spec);
  const Str web = host.pool.intern("web");
  EXPECT_EQ(host.state.user(web, 9), nullptr) << "could not be read yet";
  files.there = true;
  test::ExecSpec exec;
  exec.cgroups = test::list({"cpu=/lxc/web"});
  host.exec(200, exec);
  ASSERT_NE(host.state.user(web, 9), nullptr);
  EXPECT_EQ(view(host.state.user(web, 9)->name), "app");
  EXPECT_EQ(view(host.state.user(web, 0)->shell), "/bin/sh") << "all entries of the file";
  EXPECT_EQ(view(host.state.group(web, 9)->name), "app");
  EXPECT_EQ(host.state.user({}, 9), nullptr);
  // The container's first process takes its users along.
  host.exit(200);
  EXPECT_EQ(host.state.user(web, 9), nullptr);
}

TEST(Containers, ComeAndGoWithEvents) {
  Host host;
  host.load_shell();
  const std::string json =
      R"({"container":{"id":"abc","full_id":"abcdef","name":"web","image":"nginx","type":0}})";
  const uint64_t before = host.state.version_of(host.thread(100));
  host.send(Ev::CONTAINER_JSON_2_E, -1, {json});
  const Str id = host.pool.intern("abc");
  ASSERT_NE(host.state.container(id), nullptr);
  EXPECT_EQ(view(host.state.container(id)->image), "nginx");
  EXPECT_EQ(host.state.container(id)->more.type, 0);
  EXPECT_GT(host.state.version_of(host.thread(100)), before);
  host.send(Ev::USER_ADDED_E, -1, {7, 8, "bob", "/b", "/bin/zsh", "abc"});
  host.send(Ev::ASYNCEVENT_E, -1, {0, "container_removed", json});
  EXPECT_EQ(host.state.container(id), nullptr);
  EXPECT_EQ(host.state.user(id, 7), nullptr);
  for (const char* bad : {"", "{", "[]", "7", R"({"container":[]})", R"({"container":{"id":7}})"}) {
    host.send(Ev::CONTAINER_JSON_2_E, -1, {bad});
    host.send(Ev::ASYNCEVENT_E, -1, {0, "container", bad});
    host.send(Ev::ASYNCEVENT_E, -1, {0, "container_removed", bad});
  }
  host.send(Ev::ASYNCEVENT_E, -1, {0, "other", json});
  EXPECT_EQ(host.state.container(id), nullptr);
}

struct Finder {
  std::vector<std::string> asked;
  ContainerAnswer answer;
  std::vector<std::string> told;

  StateSettings settings() {
    StateSettings live;
    live.live = true;
    live.find_container = [this](std::string_view id, std::string_view cgroups, int64_t pid,
                                 uint64_t) {
      asked.push_back(std::string(id) + " " + std::to_string(pid));
      EXPECT_NE(cgroups.find("/lxc/"), std::string_view::npos);
      return answer;
    };
    live.on_finding = [this](const Finding& finding) {
      if (const auto* found = std::get_if<FoundContainer>(&finding)) told.push_back(found->json);
    };
    return live;
  }
};

constexpr const char* kWeb = R"({"container":{"id":"web","name":"shop"}})";

void clone_into(Host& host, int64_t pid, const std::string& container) {
  test::CloneSpec spec;
  spec.tid = spec.pid = pid;
  spec.ptid = 100;
  spec.vtid = spec.vpid = pid;
  spec.cgroups = test::list({"cpu=/lxc/" + container});
  host.clone(spec);
}

TEST(Containers, AreAskedForWhenFirstSeen) {
  Finder finder;
  finder.answer = {kWeb, ContainerAnswer::kNever};
  Host host(finder.settings());
  host.had(7, 1, "web").cgroups = std::string("cpu=/lxc/web\0", 13);
  host.load_shell();
  EXPECT_EQ(finder.asked, std::vector<std::string>{"web 7"});
  EXPECT_EQ(finder.told, std::vector<std::string>{kWeb}) << "for the recording";
  const Str id = host.pool.intern("web");
  ASSERT_NE(host.state.container(id), nullptr);
  EXPECT_EQ(view(host.state.container(id)->name), "shop");
  clone_into(host, 200, "web");
  EXPECT_EQ(finder.asked.size(), 1u) << "it is known";
  const uint64_t before = host.state.version_of(host.thread(100));
  finder.answer.json = R"({"container":{"id":"db","name":"base"}})";
  clone_into(host, 201, "db");
  EXPECT_EQ(finder.asked.back(), "db 201");
  EXPECT_GT(host.state.version_of(host.thread(100)), before) << "answers about threads are stale";
}

TEST(Containers, AreAskedForAgainWhenTheAnswerSaysSo) {
  Finder finder;
  Host host(finder.settings());
  host.load_shell();
  finder.answer.ask_again_ns = host.ts_ns + 1'000'000'000;
  clone_into(host, 200, "web");
  clone_into(host, 201, "web");
  EXPECT_EQ(finder.asked.size(), 1u) << "not so soon";
  EXPECT_TRUE(finder.told.empty());
  host.ts_ns += 2'000'000'000;
  finder.answer = {kWeb, ContainerAnswer::kNever};
  test::ExecSpec exec;
  exec.cgroups = test::list({"cpu=/lxc/web"});
  host.exec(201, exec);
  EXPECT_EQ(finder.asked.size(), 2u);
  EXPECT_NE(host.state.container(host.pool.intern("web")), nullptr);
}

TEST(Containers, AreAskedForAgainAfterTheirEnd) {
  Finder finder;
  finder.answer = {kWeb, ContainerAnswer::kNever};
  Host host(finder.settings());
  host.load_shell();
  test::CloneSpec spec;
  spec.tid = spec.pid = 200;
  spec.ptid = 100;
  spec.flags = kChildInPidns;
  spec.vtid = spec.vpid = 1;
  spec.cgroups = test::list({"cpu=/lxc/web"});
  host.clone(spec);
  host.exit(200);
  host.tick();
  spec.tid = spec.pid = 300;
  host.clone(spec);
  EXPECT_EQ(finder.asked, (std::vector<std::string>{"web 200", "web 300"}));
}

TEST(Containers, ThoseWithoutThreadsMakeRoom) {
  Finder finder;
  Host host(finder.settings());
  host.had(7, 1, "web").cgroups = std::string("cpu=/lxc/kept\0", 14);
  host.load_shell();
  const auto add = [&](const std::string& id) {
    host.state.learn(FoundContainer{R"({"container":{"id":")" + id + "\"}}"});
  };
  add("kept");
  for (int i = 0; i < 20000; ++i) add("gone" + std::to_string(i));
  EXPECT_NE(host.state.container(host.pool.intern("kept")), nullptr);
  EXPECT_EQ(host.state.container(host.pool.intern("gone0")), nullptr);
  EXPECT_NE(host.state.container(host.pool.intern("gone19999")), nullptr);
  EXPECT_EQ(host.state.counters().containers_dropped_full, 0u);
}

TEST(ContainerId, BelongsToThreadsFromTheStart) {
  test::Host host;
  host.had(1, 0, "init").cgroups = std::string("cpu=/\0", 6);
  host.had(7, 1, "web").cgroups = std::string("cpu=/lxc/web\0", 13);
  host.load();
  EXPECT_EQ(host.thread(1).container_id.view(), "");
  EXPECT_EQ(host.thread(7).container_id.view(), "web");
  test::CloneSpec spec;
  spec.tid = spec.pid = 8;
  spec.ptid = 7;
  spec.vtid = spec.vpid = 8;
  spec.cgroups = test::list({"cpu=/lxc/other"});
  host.clone(spec);
  EXPECT_EQ(host.thread(8).container_id.view(), "other");
  test::ExecSpec exec;
  exec.cgroups = test::list({"cpu=/"});
  host.exec(8, exec);
  EXPECT_EQ(host.thread(8).container_id.view(), "");
}

TEST(CommandLine, IsNameAndArguments) {
  Host host;
  SnapshotThread& none = host.had(10, 1, "none");
  none.args = std::string("\0", 1);
  SnapshotThread& two = host.had(11, 1, "two");
  two.args = std::string("\0\0", 2);
  SnapshotThread& some = host.had(12, 1, "some");
  some.args = std::string("-a\0b c\0", 7);
  host.load();
  EXPECT_EQ(view(host.state.command_line(host.thread(10))), "none");
  EXPECT_EQ(view(host.state.command_line(host.thread(11))), "two  ");
  EXPECT_EQ(view(host.state.command_line(host.thread(12))), "some -a b c");
}

TEST(Cgroups, AreNamedAlike) {
  Host host;
  host.had(10, 1, "a").cgroups = std::string("cpu_cgroup=/x\0mem=/y\0io=/z\0perf=/p\0", 35);
  host.had(11, 1, "b").cgroups = std::string("cpu=/x\0bad\0", 11);
  host.load();
  EXPECT_EQ(view(host.thread(10).cgroups),
            std::string("cpu=/x\0memory=/y\0blkio=/z\0perf_event=/p\0", 40));
  EXPECT_EQ(view(host.thread(11).cgroups), "") << "one bad entry spoils all";
}

}  // namespace
}  // namespace gyr
