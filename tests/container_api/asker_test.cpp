// SPDX-License-Identifier: Apache-2.0
// The thread that asks: nobody waits for it, every question is answered once, and runtimes that
// are gone, hang or come back do no harm.
#include "container_api/asker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "server.h"

namespace gyr {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::Folder;
using test::Server;

constexpr const char* kDocker = "/var/run/docker.sock";
const ContainerAskerTimes kQuick{.timeout = milliseconds(100),
                                 .first_pause = milliseconds(10),
                                 .shortest_rest = milliseconds(20),
                                 .longest_rest = milliseconds(50)};

ContainerQuestion about(const std::string& id) {
  return {.full_id = id, .apis = {ContainerApi::Docker}};
}

// All answers, as far as they come within 10 s.
std::map<std::string, WhyMissing> answers(ContainerAsker& asker, size_t count) {
  std::map<std::string, WhyMissing> all;
  const auto end = steady_clock::now() + std::chrono::seconds(10);
  while (all.size() < count && steady_clock::now() < end) {
    if (const auto reply = asker.take()) {
      EXPECT_TRUE(all.emplace(reply->full_id, reply->why).second) << "answered twice";
    } else {
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  return all;
}

Server::Serve docker() {
  return test::http([](const std::string& path) {
    const std::string id = path.substr(path.find('/', 1) + 1);
    if (!path.starts_with("/containers/")) return std::string();
    return R"({"Id":"x","Name":")" + id.substr(0, id.find('/')) + R"("})";
  });
}

TEST(ContainerAsker, AnswersEachQuestion) {
  const Folder host;
  const Server server(host.path + kDocker, docker());
  ContainerAsker asker({}, host.path, kQuick);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(asker.ask(about("c" + std::to_string(i))), WhyMissing::ApiPending);
  }
  const auto all = answers(asker, 50);
  EXPECT_EQ(all.size(), 50u);
  for (const auto& [id, why] : all) EXPECT_EQ(why, WhyMissing::Known) << id;
  EXPECT_FALSE(asker.take());
}

TEST(ContainerAsker, TriesAgainAndThenSaysWhyNot) {
  const Folder host;
  {
    ContainerAsker asker({}, host.path, kQuick);
    asker.ask(about("a"));
    EXPECT_EQ(answers(asker, 1).at("a"), WhyMissing::ApiAbsent);
    asker.ask(about("b"));
    std::this_thread::sleep_for(milliseconds(20));
    const Server late(host.path + kDocker, docker());
    EXPECT_EQ(answers(asker, 1).at("b"), WhyMissing::Known) << "it came while we tried again";
  }
  std::filesystem::remove(host.path + kDocker);
  const Server bad(host.path + kDocker, test::garbage());
  ContainerAsker asker({}, host.path, kQuick);
  asker.ask(about("c"));
  EXPECT_EQ(answers(asker, 1).at("c"), WhyMissing::ApiDamaged);
  EXPECT_EQ(bad.connections(), ContainerAsker::kAttempts);
}

TEST(ContainerAsker, ASocketThatHangsIsLeftAlone) {
  const Folder host;
  const Server server(host.path + kDocker, test::silence(milliseconds(150)));
  ContainerAskerTimes times = kQuick;
  times.shortest_rest = times.longest_rest = milliseconds(5000);
  ContainerAsker asker({}, host.path, times);
  const auto start = steady_clock::now();
  for (int i = 0; i < 100; ++i) asker.ask(about("c" + std::to_string(i)));
  const auto all = answers(asker, 100);
  EXPECT_EQ(all.size(), 100u);
  for (const auto& [id, why] : all) EXPECT_EQ(why, WhyMissing::ApiTimeout) << id;
  EXPECT_LE(server.connections(), 1);
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(ContainerAsker, StopsAtOnceWhileItWaits) {
  const Folder host;
  const Server server(host.path + kDocker, test::silence(milliseconds(300)));
  ContainerAskerTimes times;
  times.timeout = std::chrono::seconds(30);
  const auto start = steady_clock::now();
  {
    ContainerAsker asker({}, host.path, times);
    asker.ask(about("a"));
    while (server.connections() == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(ContainerAsker, TakesSoManyQuestionsAndNoMore) {
  const Folder host;
  const Server server(host.path + kDocker, test::silence(milliseconds(50)));
  ContainerAsker asker({}, host.path);
  for (size_t i = 0; i < ContainerAsker::kWaiting; ++i) {
    ASSERT_EQ(asker.ask(about("c" + std::to_string(i))), WhyMissing::ApiPending);
  }
  EXPECT_EQ(asker.ask(about("more")), WhyMissing::ApiBusy);
}

TEST(ContainerAsker, AsksOnlyWhatIsConfigured) {
  const Folder host;
  const Server server(host.path + kDocker, docker());
  ContainerApiSettings off;
  off[ContainerApi::Docker].enabled = false;
  {
    ContainerAsker asker(off, host.path, kQuick);
    EXPECT_EQ(asker.ask(about("a")), WhyMissing::ApiOff);
    ContainerQuestion both = about("b");
    both.apis.push_back(ContainerApi::Podman);
    EXPECT_EQ(asker.ask(both), WhyMissing::ApiPending);
    EXPECT_EQ(answers(asker, 1).at("b"), WhyMissing::ApiAbsent);
  }
  off[ContainerApi::Docker] = {.enabled = true, .sockets = {}};
  ContainerAsker asker(off, host.path, kQuick);
  EXPECT_EQ(asker.ask(about("a")), WhyMissing::ApiOff);
  EXPECT_EQ(server.connections(), 0);
}

// --- settings

TEST(ContainerApiSettings, TakesWhatTheReferencesPluginTakes) {
  const auto settings = parse_container_api_settings(
      R"({"label_max_len":100,"with_size":false,"hooks":["create"],"engines":{
      "docker":{"enabled":false},"cri":{"sockets":["/run/my/cri.sock"]},"lxc":{"enabled":true}}})");
  ASSERT_TRUE(settings);
  EXPECT_FALSE((*settings)[ContainerApi::Docker].enabled);
  EXPECT_TRUE((*settings)[ContainerApi::Podman].enabled);
  EXPECT_EQ((*settings)[ContainerApi::Cri].sockets, std::vector<std::string>{"/run/my/cri.sock"});
  EXPECT_EQ((*settings)[ContainerApi::Docker].sockets, std::vector<std::string>{kDocker});
  EXPECT_TRUE(parse_container_api_settings(" "));
  EXPECT_EQ(settings->label_max_len, 100u);
  EXPECT_EQ(parse_container_api_settings(R"({"label_max_len":7})")->label_max_len, 7u);
  EXPECT_EQ(settings->without_effect,
            std::vector<std::string>{"hooks: a container is looked up at its first process"});
  const auto none = parse_container_api_settings(
      R"({"with_size":true,"hooks":["create","start"],"engines":{"lxc":{"enabled":false}}})");
  EXPECT_EQ(none->without_effect.size(), 2u) << "with_size, lxc";
}

TEST(ContainerApiSettings, SaysWhatIsWrong) {
  const auto fault = [](std::string_view text) {
    const auto settings = parse_container_api_settings(text);
    return settings ? "none" : settings.error().message;
  };
  EXPECT_EQ(fault("label_max_len: 100"), "neither a map nor the JSON text of one");
  EXPECT_EQ(fault("[]"), "neither a map nor the JSON text of one");
  EXPECT_EQ(fault(R"({"engines":[]})"), "engines is no map");
  EXPECT_EQ(fault(R"({"label_max_len":-1})"), "label_max_len is no number from 0 to 65535");
  EXPECT_EQ(fault(R"({"engines":{"docker":true}})"), "engines.docker is no map");
  EXPECT_EQ(fault(R"({"engines":{"cri":{"enabled":"yes"}}})"),
            "engines.cri.enabled is neither true nor false");
  EXPECT_EQ(fault(R"({"engines":{"cri":{"sockets":"/a"}}})"),
            "engines.cri.sockets is no list of paths");
  EXPECT_EQ(fault(R"({"engines":{"cri":{"sockets":["a"]}}})"),
            "engines.cri.sockets: each is an absolute path");
}

}  // namespace
}  // namespace gyr
