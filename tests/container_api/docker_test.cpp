// SPDX-License-Identifier: Apache-2.0
// What docker's API tells becomes metadata; what goes wrong on the way has its reason and does no
// harm.
#include <gtest/gtest.h>

#include <chrono>

#include "container_api/apis.h"
#include "container_api/http.h"
#include "server.h"

namespace gyr {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::Folder;
using test::Server;

const std::string kId(64, 'c');
const std::string kImageId(64, '5');
constexpr const char* kSocket = "/run/docker.sock";

std::string container_answer() {
  return R"({"Id":")" + kId +
         R"(","Created":"2026-03-04T05:06:07.89Z","Name":"/web","Image":"sha256:)" + kImageId +
         R"(","Config":{"Image":"r.example/nginx:1.25","User":"www",
      "Labels":{"tier":"front","app":"shop","long":")" +
         std::string(101, 'x') +
         R"("}},"HostConfig":{"Privileged":true,"NetworkMode":"default",
      "PidMode":"host","IpcMode":"private"},
      "NetworkSettings":{"IPAddress":"172.17.0.5"},
      "Mounts":[{"Type":"bind","Source":"/srv","Destination":"/data","Mode":"ro",
        "RW":false,"Propagation":"rslave"}]})";
}

std::string image_answer() {
  return R"({"Id":"sha256:)" + kImageId +
         R"(","RepoTags":["r.example/nginx:1.25"],
      "RepoDigests":["other@sha256:11","r.example/nginx@sha256:77"]})";
}

ApiPlace place_in(const Folder& folder, milliseconds timeout = milliseconds(2000)) {
  return {.root = folder.path, .path = kSocket, .timeout = timeout};
}

WhyMissing why_when(Server::Serve serve, milliseconds timeout = milliseconds(2000)) {
  const Folder folder;
  const Server server(folder.path + kSocket, std::move(serve));
  return ask_docker(place_in(folder, timeout), {.full_id = kId}).why;
}

TEST(DockerApi, TellsAboutAContainer) {
  const Folder folder;
  const Server server(folder.path + kSocket, test::http([](const std::string& path) {
                        if (path == "/containers/" + kId + "/json") return container_answer();
                        if (path == "/images/" + kImageId + "/json") return image_answer();
                        return std::string();
                      }));
  const ContainerReply reply = ask_docker(place_in(folder), {.full_id = kId});
  ASSERT_EQ(reply.why, WhyMissing::Known);
  const ContainerMetadata& it = reply.metadata;
  EXPECT_EQ(reply.full_id, kId);
  EXPECT_EQ(it.name, "web");
  EXPECT_EQ(container_type_name(it.type), "docker");
  EXPECT_EQ(it.image_repository, "r.example/nginx");
  EXPECT_EQ(it.image_tag, "1.25");
  EXPECT_EQ(it.image_id, kImageId);
  EXPECT_EQ(it.image_digest, "sha256:77");
  EXPECT_EQ(it.ip, "172.17.0.5");
  EXPECT_EQ(it.user, "www");
  EXPECT_EQ(it.privileged, true);
  EXPECT_EQ(it.host_pid, true);
  EXPECT_EQ(it.host_network, false);
  EXPECT_EQ(it.created_time, 1772600767);
  EXPECT_EQ(it.labels,
            (ContainerLabels{{"app", "shop"}, {"long", std::string(101, 'x')}, {"tier", "front"}}));
  ASSERT_EQ(it.mounts.size(), 1u);
  EXPECT_EQ(it.mounts[0].destination, "/data");
  EXPECT_FALSE(it.mounts[0].writable);
  EXPECT_EQ(server.connections(), 2);
}

TEST(DockerApi, AnswersOfPodmanHaveItsName) {
  const Folder folder;
  const Server server(folder.path + kSocket, test::http([](const std::string& path) {
                        return path.starts_with("/containers") ? container_answer() : "";
                      }));
  const ContainerReply reply = ask_podman(place_in(folder), {.full_id = kId});
  ASSERT_EQ(reply.why, WhyMissing::Known);
  EXPECT_EQ(container_type_name(reply.metadata.type), "podman");
  EXPECT_EQ(reply.metadata.image_digest, "") << "no image was told";
  EXPECT_NE(reply.metadata.why[static_cast<size_t>(ContainerField::ImageDigest)],
            WhyMissing::Known);
}

TEST(DockerApi, EachFailureHasItsReason) {
  const auto answer = [](std::string text) {
    return [text = std::move(text)](int fd) {
      test::read_request(fd);
      test::send_all(fd, text);
    };
  };
  EXPECT_EQ(why_when(test::http([](const auto&) { return ""; })), WhyMissing::ApiUnknown);
  EXPECT_EQ(why_when(answer("HTTP/1.1 500 No\r\n\r\n{}")), WhyMissing::ApiFailed);
  EXPECT_EQ(why_when(test::http([](const auto&) { return "{\"Id\":"; })), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::http([](const auto&) { return "[]"; })), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::http([](const auto&) { return std::string(300000, '['); })),
            WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(answer("220 mail.example ESMTP\r\n\r\n")), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::hang_up()), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::garbage()), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::flood("HTTP/1.0 200 OK\r\n\r\n")), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::flood("HTTP/1.0 200 OK\r\nA: ")), WhyMissing::ApiDamaged);
}

TEST(DockerApi, WaitsNoLongerThanItsTimeInAll) {
  for (const auto& serve : {test::silence(milliseconds(600)),
                            test::trickle("HTTP/1.0 200 OK\r\n\r\n", milliseconds(600))}) {
    const auto start = steady_clock::now();
    const Folder folder;
    const Server server(folder.path + kSocket, serve);
    EXPECT_EQ(ask_docker(place_in(folder, milliseconds(150)), {.full_id = kId}).why,
              WhyMissing::ApiTimeout);
    EXPECT_LT(steady_clock::now() - start, milliseconds(500));
  }
}

TEST(DockerApi, SaysWhyThereIsNoConnection) {
  const Folder folder;
  const auto ask = [&] { return ask_docker(place_in(folder), {.full_id = kId}).why; };
  EXPECT_EQ(ask(), WhyMissing::ApiAbsent);
  std::filesystem::create_directories(folder.path + "/run");
  EXPECT_EQ(ask(), WhyMissing::ApiAbsent);
  std::filesystem::create_directories(folder.path + kSocket);
  EXPECT_EQ(ask(), WhyMissing::ApiRefused) << "a folder";
  std::filesystem::remove(folder.path + kSocket);
  { const Server gone(folder.path + kSocket, test::hang_up()); }
  EXPECT_EQ(ask(), WhyMissing::ApiRefused) << "nobody listens any more";
}

// As where HOST_ROOT is the host's root seen from a container: /var/run is a link to /run there,
// and our own /run is somebody else's.
TEST(DockerApi, LeavesTheRootByNoLink) {
  const Folder outside;
  const Server wrong(outside.path + "/docker.sock",
                     test::http([](const auto&) { return container_answer(); }));
  const Folder host;
  std::filesystem::create_directories(host.path + "/var");
  std::filesystem::create_directories(host.path + "/run");
  const ApiPlace place{
      .root = host.path, .path = "/var/run/docker.sock", .timeout = milliseconds(500)};
  std::filesystem::create_symlink(outside.path, host.path + "/var/run");
  EXPECT_EQ(ask_docker(place, {.full_id = kId}).why, WhyMissing::ApiAbsent);
  std::filesystem::remove(host.path + "/var/run");
  std::filesystem::create_symlink("../../../.." + outside.path, host.path + "/var/run");
  EXPECT_EQ(ask_docker(place, {.full_id = kId}).why, WhyMissing::ApiAbsent);
  EXPECT_EQ(wrong.connections(), 0);
  std::filesystem::remove(host.path + "/var/run");
  std::filesystem::create_symlink("/run", host.path + "/var/run");
  const Server right(host.path + "/run/docker.sock", test::http([](const auto& path) {
                       return path.starts_with("/containers") ? container_answer() : "";
                     }));
  EXPECT_EQ(ask_docker(place, {.full_id = kId}).why, WhyMissing::Known);
  EXPECT_EQ(wrong.connections(), 0);
}

}  // namespace
}  // namespace gyr
