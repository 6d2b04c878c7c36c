// SPDX-License-Identifier: Apache-2.0
#include "metrics/resources.h"

#include <gtest/gtest.h>

#include "base/map_files.h"
#include "metrics/digest.h"
#include "metrics/hub.h"

namespace gyr {
namespace {

using test::MapFiles;

TEST(Resources, AreReadWhereTheKernelTellsThem) {
  MapFiles own;
  own.files["/proc/self/status"] = "Name:\tgyr\nVmSize:\t  2000 kB\nVmRSS:\t  1000 kB\n";
  own.files["/proc/self/smaps_rollup"] =
      "55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 9 kB\nPss:  800 kB\n";
  own.files["/group"] = "123456\n";
  MapFiles host;
  host.files["/proc/stat"] =
      "cpu  100 0 50 750 100 0 0 0 0 0\ncpu0 1 2\nbtime 1700000000\nprocs_running 3\n";
  host.files["/proc/meminfo"] =
      "MemTotal: 10000 kB\nMemFree: 2000 kB\nMemAvailable: 9 kB\nBuffers: 500 kB\nCached: 1500 "
      "kB\nSwapCached: 7 kB\n";
  host.files["/proc/sys/fs/file-nr"] = "1184\t0\t9223372036854775807\n";
  const Resources now = ResourceReader(own, host, "/group").read();
  EXPECT_EQ(now.rss_bytes, 1000u * 1024);
  EXPECT_EQ(now.vsz_bytes, 2000u * 1024);
  EXPECT_EQ(now.pss_bytes, 800u * 1024);
  EXPECT_EQ(now.container_bytes, 123456u);
  EXPECT_DOUBLE_EQ(now.host_cpu_percent, 25);
  EXPECT_EQ(now.host_running, 3u);
  EXPECT_EQ(now.host_memory_bytes, 6000u * 1024);
  EXPECT_EQ(now.host_fds, 1184u);
  EXPECT_EQ(host_boot_ns(host), 1'700'000'000'000'000'000u);
}

TEST(Resources, WhatIsNotThereIsZero) {
  const MapFiles none;
  const Resources now = ResourceReader(none, none, "").read();
  EXPECT_EQ(now.rss_bytes + now.pss_bytes + now.host_memory_bytes + now.host_fds, 0u);
  EXPECT_EQ(now.container_bytes, 0u);
  EXPECT_EQ(host_boot_ns(none), 0u);
  MapFiles damaged;
  damaged.files["/proc/stat"] = "cpu  x y\n";
  damaged.files["/proc/meminfo"] = "MemTotal:";
  damaged.files["/proc/sys/fs/file-nr"] = "\xff";
  const Resources bad = ResourceReader(damaged, damaged, "").read();
  EXPECT_EQ(bad.host_cpu_percent, 0);
  EXPECT_EQ(bad.host_memory_bytes, 0u);
}

TEST(Resources, OfThisProcessAreThere) {
  const auto files = system_files("");
  const Resources now = ResourceReader(*files, *files, "").read();
  EXPECT_GT(now.rss_bytes, 100'000u);
  EXPECT_GE(now.vsz_bytes, now.rss_bytes);
  EXPECT_GT(now.pss_bytes, 0u);
  EXPECT_GT(now.host_memory_bytes, now.rss_bytes);
  EXPECT_GT(now.host_fds, 0u);
  EXPECT_GT(host_boot_ns(*files), 1'600'000'000'000'000'000u);
}

TEST(Resources, TheControlGroupIsFound) {
  MapFiles files;
  EXPECT_EQ(find_memory_file(files), "");
  files.files["/sys/fs/cgroup/memory.current"] = "5\n";
  EXPECT_EQ(find_memory_file(files), "/sys/fs/cgroup/memory.current");
  files.files["/proc/self/cgroup"] = "4:cpu:/a\n3:memory:/m:x\n0::/unit\n";
  EXPECT_EQ(find_memory_file(files), "/sys/fs/cgroup/memory.current") << "not mounted there";
  files.files["/sys/fs/cgroup/unit/memory.current"] = "6\n";
  EXPECT_EQ(find_memory_file(files), "/sys/fs/cgroup/unit/memory.current");
  files.files["/sys/fs/cgroup/memory/m:x/memory.usage_in_bytes"] = "7\n";
  EXPECT_EQ(find_memory_file(files), "/sys/fs/cgroup/memory/m:x/memory.usage_in_bytes");
}

TEST(Digest, IsSha256) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace gyr
