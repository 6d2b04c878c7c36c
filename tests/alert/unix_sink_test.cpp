// SPDX-License-Identifier: Apache-2.0
// JSON lines over a unix socket: many readers, each on its own.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "alert/alert_fixtures.h"
#include "alert/sinks/file.h"
#include "alert/sinks/unix_socket.h"

namespace gyr {
namespace {

class UnixReader {
 public:
  explicit UnixReader(const std::string& path) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval pause{.tv_sec = 0, .tv_usec = 10'000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~UnixReader() { close(fd_); }
  UnixReader(const UnixReader&) = delete;
  UnixReader& operator=(const UnixReader&) = delete;

  void read_to(const std::string& wanted) {
    while (!ended_ && text_.find(wanted) == std::string::npos) read_some();
  }
  void read_to_end() {
    while (!ended_) read_some();
  }
  const std::string& text() const { return text_; }
  void read_some() {
    std::array<char, 4096> bytes{};
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got > 0) text_.append(bytes.data(), static_cast<size_t>(got));
    ended_ = got == 0 || (got < 0 && errno != EAGAIN);
  }

 private:
  int fd_;
  std::string text_;
  bool ended_ = false;
};

struct SocketOutput {
  TempFolder folder;
  std::string path = folder / "socket";
  uint64_t total = 0;
  Outputs outputs{{}, null_logger()};

  explicit SocketOutput(UnixSinkSettings settings = {}) {
    settings.path = path;
    const auto added = outputs.add(make_unix_sink(settings), {.form = LineForm::Json});
    EXPECT_TRUE(added) << added.error().message;
    EXPECT_TRUE(outputs.add(make_file_sink({.path = folder / "out", .keep_alive = true})));
  }
  OutputCounters counters() const { return outputs.counters().at(0); }
  void send(int from, int to, size_t extra = 0) {
    for (int i = from; i < to; ++i) {
      Alert alert = *test_alert(i);
      alert.message += std::string(extra, 'x');
      outputs.send(std::make_shared<Alert>(alert), kNeverGiveUp);
      ++total;
    }
    wait_until([&] { return outputs.counters().at(1).sent == total; });
  }
  // Only what is sent once a reader is known to the output reaches it.
  int send_until_heard(UnixReader& reader) {
    int number = 0;
    while (reader.text().empty()) {
      send(number, number + 1);
      ++number;
      wait_until([&] { return counters().queued == 0; });
      reader.read_some();  // 10 ms
    }
    return number;
  }
};

std::string json_lines(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) lines += format_alert(*test_alert(i), {.json = true}) + "\n";
  return lines;
}

TEST(UnixSink, EveryReaderGetsEveryLine) {
  SocketOutput output;
  UnixReader one(output.path);
  UnixReader two(output.path);
  const int first = output.send_until_heard(one);
  output.send_until_heard(two);
  output.send(first + 100, first + 600);
  const std::string wanted = json_lines(first + 100, first + 600);
  for (UnixReader* reader : {&one, &two}) {
    reader->read_to(wanted);
    EXPECT_TRUE(reader->text().ends_with(wanted));
  }
}

TEST(UnixSink, WithoutReadersAlertsAreLostAndCounted) {
  SocketOutput output;
  output.send(0, 50);
  wait_until([&] { return output.counters().lost_for(AlertLoss::Reader) == 50; });
  EXPECT_EQ(output.counters().sent, 0u);
}

TEST(UnixSink, AReaderThatStopsReadingIsDroppedAndTheOthersAreNot) {
  SocketOutput output({.reader_bytes = 65536});
  UnixReader good(output.path);
  output.send_until_heard(good);
  UnixReader stuck(output.path);
  output.send_until_heard(stuck);
  // More than its buffer and the kernel's hold; the good one keeps up.
  int number = 1000;
  const uint64_t before = output.counters().lost_for(AlertLoss::Reader);
  while (output.counters().lost_for(AlertLoss::Reader) == before) {
    output.send(number, number + 1, 20'000);
    const std::string wanted = "number " + std::to_string(number) + "x";
    good.read_to(wanted);
    ++number;
    ASSERT_LT(number, 2000);
  }
  stuck.read_to_end();  // it is told by the end of the stream
  EXPECT_EQ(lines_of(output.folder / "out"), output.outputs.counters().at(1).sent);
}

TEST(UnixSink, AReaderThatGoesAwayHarmsNobody) {
  SocketOutput output;
  for (int i = 0; i < 20; ++i) UnixReader gone(output.path);
  UnixReader reader(output.path);
  EXPECT_GT(output.send_until_heard(reader), 0);
}

TEST(UnixSink, MoreReadersThanAllowedAreRefused) {
  SocketOutput output({.readers = 1});
  UnixReader first(output.path);
  output.send_until_heard(first);
  UnixReader second(output.path);
  second.read_to_end();
  EXPECT_EQ(second.text(), "");
}

TEST(UnixSink, ModeAndSocketFile) {
  for (const uint32_t mode : {0600u, 0660u, 0666u}) {
    const mode_t before = umask(077);
    SocketOutput output({.mode = mode});
    umask(before);
    struct stat about {};
    ASSERT_EQ(stat(output.path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777u, mode);
  }
}

TEST(UnixSink, SocketsOfThePastAreReplacedOthersAreNot) {
  TempFolder folder;
  const std::string path = folder / "socket";
  const int old = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(old, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(old, 1), 0);
  {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_unix_sink({.path = path}));
    ASSERT_FALSE(added);
    EXPECT_NE(added.error().message.find("another program listens"), std::string::npos);
  }
  close(old);
  {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_unix_sink({.path = path}));
    EXPECT_TRUE(added) << added.error().message;
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "it goes with the program";
}

TEST(UnixSink, WrongSettingsEndTheStart) {
  TempFolder folder;
  std::ofstream(folder / "file") << "precious";
  struct Row {
    UnixSinkSettings settings;
    const char* told;
  };
  const Row rows[] = {
      {{}, "path"},
      {{.path = std::string(200, 'x')}, "107"},
      {{.path = folder / "file"}, "no socket"},
      {{.path = folder / "no/no/socket"}, "cannot make the socket"},
      {{.path = folder / "s", .owner = "no_such_user"}, "no_such_user"},
      {{.path = folder / "s", .owner = ":no_such_group"}, "no_such_group"},
  };
  for (const Row& row : rows) {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_unix_sink(row.settings));
    ASSERT_FALSE(added) << row.told;
    EXPECT_NE(added.error().message.find(row.told), std::string::npos) << added.error().message;
  }
  EXPECT_EQ(text_of(folder / "file"), "precious");
}

}  // namespace
}  // namespace gyr
