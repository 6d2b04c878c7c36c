// SPDX-License-Identifier: Apache-2.0
// What a dry run asks of outputs: wrong settings are errors, and nothing is made, bound or sent.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/alert_fixtures.h"
#include "alert/sinks/file.h"
#include "alert/sinks/http.h"
#include "alert/sinks/kafka.h"
#include "alert/sinks/nats.h"
#include "alert/sinks/otlp.h"
#include "alert/sinks/program.h"
#include "alert/sinks/unix_socket.h"
#include "alert/spool.h"

namespace gyr {
namespace {

constexpr uid_t kNobody = 65534;

// Empty, or what is wrong.
std::string fault_of(std::unique_ptr<Sink> sink, const LaneSettings& settings = {}) {
  const Result<void> good = Lane::check(*sink, settings);
  return good ? "" : good.error().message;
}

bool is_empty(const TempFolder& folder) { return std::filesystem::is_empty(folder.path()); }

TEST(Check, WhatIsRightIsSaidToBeAndNothingIsMade) {
  TempFolder folder;
  EXPECT_EQ(fault_of(make_file_sink({.path = folder / "out"}), {.spool_folder = folder / "s"}), "");
  EXPECT_EQ(fault_of(make_program_sink({.command = "touch " + (folder / "made")})), "");
  EXPECT_EQ(fault_of(make_unix_sink({.path = folder / "socket"})), "");
  EXPECT_EQ(fault_of(make_unix_sink({.path = folder / "new/socket"})), "");
  EXPECT_EQ(fault_of(make_http_sink({.http = {.url = "http://127.0.0.1:1/"}})), "");
  EXPECT_EQ(fault_of(make_otlp_sink({.http = {.url = "http://127.0.0.1:1/"}})), "");
  EXPECT_EQ(fault_of(make_nats_sink({.url = "nats://127.0.0.1:1", .subject = "a"})), "");
  EXPECT_EQ(fault_of(make_kafka_sink({.brokers = "127.0.0.1:1", .topic = "a"})), "");
  EXPECT_TRUE(is_empty(folder));
}

TEST(Check, WrongSettingsAreErrors) {
  TempFolder folder;
  const std::string missing = folder / "missing";
  struct Row {
    std::unique_ptr<Sink> sink;
    const char* fault;
  };
  Row rows[] = {
      {make_file_sink({.path = missing + "/out"}), "/out: No such file or directory"},
      {make_file_sink({.path = folder.path()}), "Is a directory"},
      {make_program_sink({.command = ""}), "program_output.program is empty"},
      {make_unix_sink({.path = missing + "/too/socket"}), "No such file or directory"},
      {make_unix_sink({.path = std::string(200, 'x')}), "a path of 1 to 107 bytes"},
      {make_unix_sink({.path = folder / "socket", .owner = "no_such_user"}), "there is no user"},
      {make_unix_sink({.path = "/etc/passwd"}), "is there and no socket"},
      {make_http_sink({.http = {.url = "ftp://x"}}), "no URL that alerts can be sent to"},
      {make_http_sink({.http = {.url = "https://x", .ca_cert = missing}}), "cannot read ca_cert"},
      {make_otlp_sink({.http = {.url = ""}}), "gyr.outputs.otlp.url is empty"},
      {make_nats_sink({.url = "nats://x", .subject = ""}), "gyr.outputs.nats.subject"},
      {make_nats_sink({.url = "nats://x", .subject = "a", .credentials = missing}), "cannot read"},
      {make_kafka_sink({.brokers = "x", .topic = ""}), "gyr.outputs.kafka.topic is empty"},
      {make_kafka_sink({.brokers = "x", .topic = "a", .properties = {{"nosuch", "1"}}}), "nosuch"},
      {make_kafka_sink(
           {.brokers = "x", .topic = "a", .properties = {{"ssl.ca.location", missing}}}),
       "ssl.ca.location: cannot read"},
  };
  for (Row& row : rows) {
    const std::string fault = fault_of(std::move(row.sink));
    EXPECT_NE(fault.find(row.fault), std::string::npos) << row.fault << ": " << fault;
  }
  EXPECT_TRUE(is_empty(folder));
}

// A daemon has it, and goes on having it.
TEST(Check, WhatIsInUseIsNoFault) {
  TempFolder folder;
  const auto spool = Spool::open(folder / "s", 1u << 20);
  ASSERT_TRUE(spool);
  const auto socket = make_unix_sink({.path = folder / "socket"});
  SinkPort port;
  port.logger = null_logger();
  ASSERT_TRUE(socket->open(port));
  EXPECT_EQ(fault_of(make_unix_sink({.path = folder / "socket"}), {.spool_folder = folder / "s"}),
            "");
  EXPECT_TRUE(std::filesystem::is_socket(folder / "socket"));
}

TEST(Check, SpoolsThatCannotBeOpenedAreErrors) {
  TempFolder folder;
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_symlink("real", folder / "link");
  std::ofstream(folder / "file") << "x";
  std::filesystem::create_directory(folder / "open");
  chmod((folder / "open").c_str(), 0777);
  for (const auto& [name, fault] : {std::pair{"no/such", "cannot make the folder"},
                                    {"link", "symbolic link"},
                                    {"link/", "symbolic link"},
                                    {"file", "Not a directory"},
                                    {"open", "others may write"}}) {
    const Result<void> good = Spool::check(folder / name);
    ASSERT_FALSE(good) << name;
    EXPECT_NE(good.error().message.find(fault), std::string::npos) << good.error().message;
  }
  EXPECT_TRUE(Spool::check(folder / "real/new/"));
  EXPECT_FALSE(std::filesystem::exists(folder / "real/new"));
}

// By what is in effect, as the files are opened, not by the real user.
TEST(Check, AServiceUserIsJudgedByItsCapabilities) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  TempFolder folder;
  std::ofstream(folder / "ca") << "x";
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // a pipe that nobody reads must not be opened
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);
    if (!keep_only({Capability::DacOverride})) _exit(3);
    SinkPort port;
    port.logger = null_logger();
    if (!make_file_sink({.path = folder / "pipe"})->open(port)) _exit(4);
    const HttpSinkSettings http{.http = {.url = "https://x", .ca_cert = folder / "ca"}};
    if (!make_http_sink(http)->open(port)) _exit(5);
    const auto nats =
        make_nats_sink({.url = "nats://x", .subject = "a", .credentials = folder / "ca"});
    _exit(nats->check() ? 0 : 6);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace gyr
