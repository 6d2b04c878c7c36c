// SPDX-License-Identifier: Apache-2.0
// Alerts on disk: order, restarts, damage, limits, who may touch them.
#include "alert/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "alert/alert_fixtures.h"

namespace gyr {
namespace {

constexpr uint64_t kMegabyte = 1u << 20;

std::unique_ptr<Spool> open_spool(const std::string& folder, uint64_t bytes = kMegabyte) {
  auto spool = Spool::open(folder, bytes);
  EXPECT_TRUE(spool) << spool.error().message;
  return spool ? *std::move(spool) : nullptr;
}

Spool::Appended append(Spool& spool, int number, size_t bytes = 10) {
  const std::string line = std::to_string(number) + ":" + std::string(bytes, 'x');
  const std::string id = "id" + std::to_string(number);
  return spool.append({.line = line, .id = id, .priority = Priority::Error});
}

// The numbers of everything that is left, which is dropped.
std::vector<int> drain(Spool& spool, size_t at_once = 3) {
  std::vector<int> numbers;
  while (!spool.empty()) {
    const auto& entries = spool.peek({.alerts = at_once});
    if (entries.empty()) break;
    for (const Spool::Entry& entry : entries) {
      numbers.push_back(std::stoi(entry.line));
      EXPECT_EQ(entry.id, "id" + std::to_string(numbers.back()));
      EXPECT_EQ(entry.priority, Priority::Error);
    }
    spool.drop(entries.size());
  }
  return numbers;
}

std::vector<int> range(int from, int to) {
  std::vector<int> numbers;
  for (int i = from; i < to; ++i) numbers.push_back(i);
  return numbers;
}

std::vector<std::string> segments(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".spool") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Spool, GivesBackInOrderAcrossSegmentsAndRestarts) {
  TempFolder folder;
  const std::string path = folder / "s";
  auto spool = open_spool(path);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(append(*spool, i, 4000), Spool::Appended::Yes);
  EXPECT_GT(segments(path).size(), 2u);
  EXPECT_EQ(spool->alerts(), 100u);
  spool->peek({.alerts = 10});
  spool->drop(7);
  spool.reset();
  spool = open_spool(path);
  EXPECT_EQ(spool->alerts(), 93u);
  for (int i = 100; i < 110; ++i) ASSERT_EQ(append(*spool, i), Spool::Appended::Yes);
  EXPECT_EQ(drain(*spool), range(7, 110));
  EXPECT_EQ(spool->bytes(), 0u);
  EXPECT_TRUE(segments(path).empty());
  // An old cursor hides nothing of what comes later.
  for (int i = 0; i < 5; ++i) ASSERT_EQ(append(*spool, i), Spool::Appended::Yes);
  spool.reset();
  EXPECT_EQ(drain(*open_spool(path)), range(0, 5));
}

TEST(Spool, FilesAreForItsUserOnly) {
  TempFolder folder;
  const std::string path = folder / "s";
  auto spool = open_spool(path);
  append(*spool, 1);
  struct stat about {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0700u);
  ASSERT_EQ(stat(segments(path).at(0).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
}

TEST(Spool, FoldersThatOthersControlAreRefused) {
  TempFolder folder;
  std::filesystem::create_directory(folder / "open");
  chmod((folder / "open").c_str(), 0777);
  std::filesystem::create_directory(folder / "good");
  chmod((folder / "good").c_str(), 0700);
  ASSERT_EQ(symlink((folder / "good").c_str(), (folder / "link").c_str()), 0);
  std::ofstream(folder / "file") << "x";
  struct Row {
    std::string path;
    const char* told;
  };
  for (const Row& row :
       {Row{folder / "open", "others may write"}, Row{folder / "link", "symbolic"},
        Row{folder / "file", "cannot open"}, Row{folder / "no/no", "cannot make"}}) {
    const auto spool = Spool::open(row.path, kMegabyte);
    ASSERT_FALSE(spool) << row.path;
    EXPECT_NE(spool.error().message.find(row.told), std::string::npos) << spool.error().message;
  }
  auto first = open_spool(folder / "good");
  const auto second = Spool::open(folder / "good", kMegabyte);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another"), std::string::npos);
}

// A link in place of a segment must not lead the alerts elsewhere.
TEST(Spool, LinksInTheFolderAreNotFollowed) {
  TempFolder folder;
  const std::string path = folder / "s";
  open_spool(path).reset();
  std::ofstream(folder / "victim") << "precious";
  for (const char* name : {"0000000000000001.spool", "0000000000000002.spool"}) {
    ASSERT_EQ(symlink((folder / "victim").c_str(), (path + "/" + name).c_str()), 0);
  }
  auto spool = open_spool(path);
  EXPECT_EQ(append(*spool, 1), Spool::Appended::Failed);
  EXPECT_EQ(text_of(folder / "victim"), "precious");
}

TEST(Spool, LimitIsKept) {
  TempFolder folder;
  auto spool = open_spool(folder / "s");
  int stored = 0;
  while (append(*spool, stored, 1000) == Spool::Appended::Yes) ++stored;
  EXPECT_LE(spool->bytes(), kMegabyte);
  EXPECT_GT(spool->bytes(), kMegabyte - 2000);
  EXPECT_EQ(append(*spool, stored, 1000), Spool::Appended::Full);
  // Room comes back as segments are sent.
  spool->peek({.alerts = 400, .bytes = kMegabyte});
  spool->drop(400);
  EXPECT_EQ(append(*spool, stored, 1000), Spool::Appended::Yes);
  EXPECT_EQ(drain(*spool), range(400, stored + 1));
}

TEST(Spool, DamageCostsWhatIsDamagedOnly) {
  struct Row {
    const char* what;
    std::function<void(const std::string& path)> harm;
    size_t left;  // of 10
    uint64_t damaged;
  };
  const auto overwrite = [](const std::string& path, off_t at, const std::string& bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY);
    EXPECT_EQ(pwrite(fd, bytes.data(), bytes.size(), at), static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  };
  const off_t frame = 16 + 2 + 3 + 2 + 10;
  const Row rows[] = {
      {"the tail is cut",
       [&](const std::string& p) { EXPECT_EQ(truncate(p.c_str(), 10 * frame - 5), 0); }, 9, 1},
      {"only a head is left",
       [&](const std::string& p) { EXPECT_EQ(truncate(p.c_str(), 9 * frame + 7), 0); }, 9, 1},
      {"a byte of a line", [&](const std::string& p) { overwrite(p, 3 * frame + 25, "!"); }, 9, 1},
      {"a length", [&](const std::string& p) { overwrite(p, 3 * frame + 4, "\xff\xff\xff\xff"); },
       9, 1},
      {"a length of nothing",
       [&](const std::string& p) { overwrite(p, 3 * frame + 4, std::string(4, '\0')); }, 9, 1},
      {"the mark", [&](const std::string& p) { overwrite(p, 0, "XXXX"); }, 9, 1},
      {"two places",
       [&](const std::string& p) {
         overwrite(p, 0, "XXXX");
         overwrite(p, 5 * frame, "YYYY");
       },
       8, 2},
      {"zeros behind",
       [&](const std::string& p) { overwrite(p, 10 * frame, std::string(5000, '\0')); }, 10, 1},
      {"everything",
       [&](const std::string& p) { overwrite(p, 0, std::string(10 * frame, '\xaa')); }, 0, 1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    TempFolder folder;
    {
      auto spool = open_spool(folder / "s");
      for (int i = 0; i < 10; ++i) append(*spool, i);
    }
    row.harm(segments(folder / "s").at(0));
    auto spool = open_spool(folder / "s");
    EXPECT_EQ(spool->alerts(), row.left);
    append(*spool, 10);
    const std::vector<int> got = drain(*spool);
    EXPECT_EQ(got.size(), row.left + 1);
    EXPECT_TRUE(!got.empty() && got.back() == 10);
    EXPECT_EQ(spool->take_damaged(), row.damaged);
    EXPECT_TRUE(segments(folder / "s").empty());
  }
}

TEST(Spool, WrongCursorMeansTwiceRatherThanNever) {
  for (const std::string& cursor : {std::string("garbage that is long enough"), std::string("")}) {
    TempFolder folder;
    {
      auto spool = open_spool(folder / "s");
      for (int i = 0; i < 10; ++i) append(*spool, i);
      spool->peek({.alerts = 5});
      spool->drop(5);
    }
    std::ofstream(folder / "s/cursor", std::ios::trunc) << cursor;
    EXPECT_EQ(drain(*open_spool(folder / "s")), range(0, 10));
  }
}

// A limit on file sizes cuts writes in the middle, as a full disk does.
TEST(Spool, AWriteThatFailsIsTakenBack) {
  const auto before = signal(SIGXFSZ, SIG_IGN);
  TempFolder folder;
  auto spool = open_spool(folder / "s");
  for (int i = 0; i < 5; ++i) append(*spool, i);
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{.rlim_cur = spool->bytes() + 20, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(append(*spool, 5), Spool::Appended::Failed);
  EXPECT_NE(spool->reason().find("File too large"), std::string::npos) << spool->reason();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(append(*spool, 5), Spool::Appended::Yes);
  EXPECT_EQ(drain(*spool), range(0, 6));
  EXPECT_EQ(spool->take_damaged(), 0u);
  signal(SIGXFSZ, before);
}

// Killed at any moment: what append() said Yes to is there.
TEST(Spool, SurvivesAKill) {
  for (int round = 0; round < 5; ++round) {
    TempFolder folder;
    std::array<int, 2> told{};
    ASSERT_EQ(pipe(told.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto spool = Spool::open(folder / "s", 64 * kMegabyte);
      for (int i = 0;; ++i) {
        if (append(**spool, i, 3000) != Spool::Appended::Yes) _exit(1);
        if (write(told[1], &i, sizeof i) != sizeof i) _exit(1);
      }
    }
    close(told[1]);
    int last = -1;
    int number = 0;
    while (last < 200 * (round + 1) && read(told[0], &number, sizeof number) == sizeof number) {
      last = number;
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(told[0], &number, sizeof number) == sizeof number) last = number;
    close(told[0]);
    auto spool = open_spool(folder / "s", 64 * kMegabyte);
    const std::vector<int> got = drain(*spool, 100);
    ASSERT_GE(static_cast<int>(got.size()), last + 1);
    EXPECT_EQ(got, range(0, static_cast<int>(got.size())));
    EXPECT_LE(spool->take_damaged(), 1u);
  }
}

}  // namespace
}  // namespace gyr
