// SPDX-License-Identifier: Apache-2.0
#include "base/memory_limit.h"

#include <gtest/gtest.h>

#include <map>

#include "base/map_files.h"

namespace gyr {
namespace {

using test::MapFiles;

constexpr const char* kV1 = "4:memory:/a/b\n3:cpuset:/\n0::/init.scope\n";
constexpr const char* kV2 = "0::/a/b\n";
constexpr const char* kNone = "9223372036854771712\n";

struct Row {
  const char* what;
  const char* groups;  // /proc/self/cgroup
  std::map<std::string, std::string> files;
  uint64_t bytes;  // 0: no limit
  const char* file;
};

const Row kRows[] = {
    {"version 2, its own group",
     kV2,
     {{"/sys/fs/cgroup/a/b/memory.max", "1000\n"}},
     1000,
     "/sys/fs/cgroup/a/b/memory.max"},
    {"version 2, a group above allows less",
     kV2,
     {{"/sys/fs/cgroup/a/b/memory.max", "1000\n"}, {"/sys/fs/cgroup/a/memory.max", "900\n"}},
     900,
     "/sys/fs/cgroup/a/memory.max"},
    {"version 2, only a group above has one",
     kV2,
     {{"/sys/fs/cgroup/a/b/memory.max", "max\n"}, {"/sys/fs/cgroup/a/memory.max", "900\n"}},
     900,
     "/sys/fs/cgroup/a/memory.max"},
    {"version 2, none", kV2, {{"/sys/fs/cgroup/a/b/memory.max", "max\n"}}, 0, ""},
    {"version 2 within a container",
     "0::/\n",
     {{"/sys/fs/cgroup/memory.max", "1000\n"}},
     1000,
     "/sys/fs/cgroup/memory.max"},
    {"version 2, the group lies outside of its namespace",
     "0::/../other\n",
     {{"/sys/fs/cgroup/memory.max", "1000\n"}},
     1000,
     "/sys/fs/cgroup/memory.max"},
    {"version 1",
     kV1,
     {{"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "1000\n"}},
     1000,
     "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes"},
    {"version 1, none",
     kV1,
     {{"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", kNone},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", kNone}},
     0,
     ""},
    {"version 1, within a container the host's path is told",
     "4:memory:/docker/0123\n",
     {{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"}},
     1000,
     "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
    {"version 1, beside other controllers",
     "4:cpu,memory:/x\n",
     {{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1000\n"}},
     1000,
     "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"},
    {"a name with colons",
     "0::/a:b:c\n",
     {{"/sys/fs/cgroup/a:b:c/memory.max", "7\n"}},
     7,
     "/sys/fs/cgroup/a:b:c/memory.max"},
    {"rubbish", "x\n::\n0::/a\n", {{"/sys/fs/cgroup/a/memory.max", "much\n"}}, 0, ""},
    {"nothing mounted", kV2, {}, 0, ""},
};

TEST(MemoryLimit, IsTheSmallestOfTheGroupsAndOfThoseAbove) {
  for (const Row& row : kRows) {
    MapFiles files;
    files.files = row.files;
    files.files["/proc/self/cgroup"] = row.groups;
    const auto limit = memory_limit(files);
    EXPECT_EQ(limit ? limit->bytes : 0, row.bytes) << row.what;
    EXPECT_EQ(limit ? limit->file : "", row.file) << row.what;
  }
  EXPECT_FALSE(memory_limit(MapFiles())) << "no /proc";
}

}  // namespace
}  // namespace gyr
