// SPDX-License-Identifier: Apache-2.0
// Parameters as text, type by type.
#include "field/render.h"

#include <gtest/gtest.h>

#include "field/names.h"
#include "world.h"

namespace gyr {
namespace {

// The first parameter of an event made of these.
template <class... T>
std::string args(World& world, Ev type, const T&... values) {
  world.event(type, 30, [&](EventBuilder& event) {
    const auto add = [&](const auto& value) {
      using V = std::decay_t<decltype(value)>;
      if constexpr (std::is_same_v<V, std::string>) {
        event.add(as_bytes(value));
      } else {
        event.add_value(value);
      }
    };
    (add(values), ...);
  });
  return std::string(render_args(world.context()));
}

const std::string kEmpty;

std::string text(std::string_view value) { return std::string(value) + '\0'; }

std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out += static_cast<char>(byte);
  return out;
}

struct RenderTest : testing::Test {
  World world{small_host()};
};

TEST_F(RenderTest, NumbersAndErrors) {
  EXPECT_EQ(args(world, Ev::ACCESS_X, int64_t{-13}, text("/x"), uint32_t{4}),
            "res=-13(EACCES) name=/x mode=4(R_OK)");
  EXPECT_EQ(args(world, Ev::BRK_4_X, uint64_t{0xABCDEF}, uint32_t{0x80000000}),
            "res=ABCDEF vm_size=-2147483648");
  EXPECT_EQ(args(world, Ev::MKDIR_2_X, int64_t{0}, text("/d"), uint32_t{0x1FF}),
            "res=0 path=/d mode=1FF");
  EXPECT_EQ(args(world, Ev::CREAT_X, int64_t{-2}, text("/d"), uint32_t{0644}),
            "fd=-2(ENOENT) name=/d mode=0644");
  EXPECT_EQ(args(world, Ev::CREAT_X, int64_t{-2}, text("/d"), uint32_t{0}),
            "fd=-2(ENOENT) name=/d mode=0");
}

TEST_F(RenderTest, WhatIsMissing) {
  EXPECT_EQ(args(world, Ev::READ_X, kEmpty, kEmpty, kEmpty), "res=<NA> data=NULL fd=<NA>");
  EXPECT_EQ(args(world, Ev::CONNECT_X, int64_t{0}, kEmpty, int64_t{-1}, kEmpty),
            "res=0 tuple=NULL fd=-1(EPERM) addr=<NA>");
  EXPECT_EQ(args(world, Ev::OPEN_X, int64_t{-1}, text("(NULL)")), "fd=-1(EPERM) name=<NA>");
  EXPECT_EQ(args(world, Ev::POLL_X, int64_t{0}, kEmpty), "res=0 fds=NULL");
  EXPECT_EQ(args(world, Ev::READ_X, std::string("\1\2", 2)), "res=<NA>") << "shorter than its type";
}

TEST_F(RenderTest, Paths) {
  EXPECT_EQ(args(world, Ev::UNLINK_2_X, int64_t{0}, text("../x")), "res=0 path=../x(/home/x)");
  EXPECT_EQ(args(world, Ev::UNLINKAT_2_X, int64_t{0}, int64_t{4}, text("x")),
            "res=0 dirfd=4(<d>/srv/data) name=x(/srv/data/x)");
  EXPECT_EQ(args(world, Ev::UNLINKAT_2_X, int64_t{0}, kAtFdcwd, text("x")),
            "res=0 dirfd=-100(AT_FDCWD) name=x(/home/alice/x)");
  EXPECT_EQ(args(world, Ev::UNLINK_2_X, int64_t{0}, text("")), "res=0 path=");
}

TEST_F(RenderTest, FlagsAndModes) {
  EXPECT_EQ(args(world, Ev::OPEN_X, int64_t{-2}, text("/x"), uint32_t{4097}),
            "fd=-2(ENOENT) name=/x flags=4097(O_RDONLY|O_CLOEXEC)");
  EXPECT_EQ(args(world, Ev::OPEN_X, int64_t{-2}, text("/x"), uint32_t{0}),
            "fd=-2(ENOENT) name=/x flags=0(O_NONE)");
  EXPECT_EQ(args(world, Ev::UNLINKAT_2_X, int64_t{0}, kAtFdcwd, text("/x"), uint32_t{0}),
            "res=0 dirfd=-100(AT_FDCWD) name=/x flags=0");
  EXPECT_EQ(args(world, Ev::SOCKET_X, int64_t{-1}, uint32_t{1}),
            "fd=-1(EPERM) domain=1(AF_LOCAL|AF_UNIX)");
  EXPECT_EQ(args(world, Ev::SHUTDOWN_X, int64_t{0}, int64_t{-1}, uint8_t{1}),
            "res=0 fd=-1(EPERM) how=1(SHUT_WR)");
  EXPECT_EQ(args(world, Ev::CHMOD_X, int64_t{0}, text("/x"), uint32_t{0x1ed}),
            "res=0 filename=/x mode=0755(S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR)");
}

TEST_F(RenderTest, SignalsUsersProcessesTimes) {
  EXPECT_EQ(args(world, Ev::KILL_X, int64_t{0}, int64_t{20}, uint8_t{15}),
            "res=0 pid=20(bash) sig=15(SIGTERM)");
  EXPECT_EQ(args(world, Ev::KILL_X, int64_t{0}, int64_t{77}, uint8_t{0}), "res=0 pid=77 sig=0");
  EXPECT_EQ(args(world, Ev::SETRESUID_X, int64_t{0}, uint32_t{1000}, kNoId, uint32_t{77}),
            "res=0 ruid=1000(alice) euid=-1(<NONE>) suid=77(<NA>)");
  EXPECT_EQ(args(world, Ev::NANOSLEEP_X, int64_t{0}, uint64_t{1'500'000'000}),
            "res=0 interval=1500000000(1.5s)");
  EXPECT_EQ(args(world, Ev::NANOSLEEP_X, int64_t{0}, UINT64_MAX), "res=0 interval=none");
}

TEST_F(RenderTest, Addresses) {
  const auto bind = [&](const std::string& address) {
    return args(world, Ev::BIND_X, int64_t{0}, address);
  };
  EXPECT_EQ(bind(raw({2, 10, 0, 0, 1, 80, 0})), "res=0 addr=10.0.0.1:80");
  EXPECT_EQ(bind(raw({10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 80, 0})),
            "res=0 addr=::1:80");
  EXPECT_EQ(bind(raw({1, '/', 'r', 'u', 'n', 0})), "res=0 addr=/run");
  EXPECT_EQ(bind(raw({16})), "res=0 addr=family 16");
  EXPECT_EQ(bind(raw({2, 1})), "res=0 addr=") << "damaged";
  const auto connect = [&](const std::string& tuple) {
    return args(world, Ev::CONNECT_X, int64_t{0}, tuple);
  };
  EXPECT_EQ(connect(raw({2, 10, 0, 0, 1, 1, 0, 10, 0, 0, 2, 2, 0})),
            "res=0 tuple=10.0.0.1:1->10.0.0.2:2");
  EXPECT_EQ(connect(raw({2, 10, 0})), "res=0 tuple=") << "damaged";
}

TEST_F(RenderTest, Buffers) {
  const auto data = [&](BufferFormat format) {
    world.fields.buffers = format;
    return args(world, Ev::READ_X, int64_t{4}, std::string("a\n\x01\xff")).substr(6);
  };
  EXPECT_EQ(data(BufferFormat::Printable), "data=a...");
  EXPECT_EQ(data(BufferFormat::Ascii), "data=a\n..");
  EXPECT_EQ(data(BufferFormat::Base64), "data=YQoB/w==");
  EXPECT_EQ(data(BufferFormat::Hex), "data=\n\t0x0000: 610a 01ff\n");
}

// Outputs show evt.buffer as the settings want it; comparisons see its bytes.
TEST_F(RenderTest, TheBufferAlone) {
  const auto shown = [&](BufferFormat format, const std::string& bytes) {
    world.fields.buffers = format;
    args(world, Ev::READ_X, static_cast<int64_t>(bytes.size()), bytes);
    const Result<FieldUse> use = use_of("evt.buffer");
    EXPECT_EQ(show(world.value(*use)), bytes);
    return show(printed_value(world.context(), *use));
  };
  EXPECT_EQ(shown(BufferFormat::Printable, "a\n\x01\xff"), "a...");
  EXPECT_EQ(shown(BufferFormat::Base64, "a\n\x01\xff"), "YQoB/w==");
  EXPECT_EQ(shown(BufferFormat::Base64, ""), "NULL");
  world.event(Ev::CLOSE_X, 20);
  EXPECT_EQ(show(printed_value(world.context(), *use_of("evt.buffer"))), "<null>");
}

// How buffers are shown must not change which rules fit.
TEST_F(RenderTest, ConditionsSeeTheSameBufferWhateverIsShown) {
  for (const auto& [format, shown] :
       {std::pair(BufferFormat::Printable, "a..."), std::pair(BufferFormat::Base64, "YQoB/w==")}) {
    world.fields.buffers = format;
    args(world, Ev::READ_X, int64_t{4}, std::string("a\n\x01\xff"));
    const Result<FieldUse> use = use_of("evt.arg.data");
    EXPECT_EQ(show(world.value(*use)), "a...");
    EXPECT_EQ(show(printed_value(world.context(), *use)), shown);
    args(world, Ev::READ_X, int64_t{0}, std::string());
    EXPECT_EQ(show(world.value(*use)), "NULL");
  }
}

TEST_F(RenderTest, Variants) {
  const auto option = [&](const std::string& value) {
    return args(world, Ev::SETSOCKOPT_X, int64_t{0}, int64_t{-1}, uint8_t{1}, uint8_t{7}, value)
        .substr(60);
  };
  EXPECT_EQ(option(raw({2, 0, 0x80, 0, 0})), "val=32768");
  EXPECT_EQ(option(raw({4, 0, 0, 0, 0, 0, 0, 0, 0})), "val=0(0s)");
  EXPECT_EQ(option(raw({0, 'a', 'b'})), "val=ab");
  EXPECT_EQ(option(raw({99, 'x'})), "val=NULL") << "no such variant";
}

TEST(Names, ErrorsSignalsCapabilities) {
  EXPECT_EQ(errno_name(1), "EPERM");
  EXPECT_EQ(errno_name(133), "EHWPOISON");
  EXPECT_EQ(errno_name(512), "ERESTARTSYS");
  EXPECT_EQ(errno_name(41), "<Unknown>");
  EXPECT_EQ(errno_name(UINT64_MAX), "<Unknown>");
  EXPECT_EQ(signal_name(9), "SIGKILL");
  EXPECT_EQ(signal_name(200), "");
  EXPECT_EQ(capability_name(40), "CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(capability_name(41), "");
}

}  // namespace
}  // namespace gyr
