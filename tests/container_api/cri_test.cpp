// SPDX-License-Identifier: Apache-2.0
// What CRI and containerd's API tell becomes metadata; broken frames, messages and servers have
// their reasons and do no harm.
#include <gtest/gtest.h>

#include <chrono>

#include "container_api/apis.h"
#include "container_api/grpc.h"
#include "container_api/http.h"
#include "container_api/protobuf.h"
#include "grpc_server.h"

namespace gyr {
namespace {

using std::chrono::milliseconds;
using test::Folder;
using test::GrpcAnswer;
using test::GrpcRequest;
using test::Server;

const std::string kId(64, 'c');
const std::string kPodId(64, 'd');
const std::string kImageId(64, '5');
constexpr const char* kSocket = "/run/cri.sock";

std::string label(uint64_t field, const std::string& key, const std::string& value) {
  return proto_field(field, proto_field(1, key) + proto_field(2, value));
}

std::string container_status() {
  return proto_field(1, proto_field(1, kId) + proto_field(2, proto_field(1, "cart")) +
                            proto_field(8, proto_field(1, "r.example/cart:v2")) +
                            proto_field(9, "r.example/cart@sha256:aa") + label(12, "b", "2") +
                            label(12, "a", "1") + label(12, "long", std::string(101, 'x')) +
                            proto_field(13, "annotations are passed over") +
                            std::string("\x28\x05", 2));
}
std::string sandbox_status() {
  return proto_field(1, proto_field(1, kPodId) +
                            proto_field(2, proto_field(1, "shop-0") + proto_field(3, "prod")) +
                            proto_field(5, proto_field(1, "10.1.2.3")) + label(7, "app", "shop") +
                            label(7, "io.kubernetes.pod.name", "shop-0"));
}
std::string image_status() {
  return proto_field(1, proto_field(1, "sha256:" + kImageId) + proto_field(2, "r.example/cart:v2") +
                            proto_field(3, "mirror/cart@sha256:bb") +
                            proto_field(3, "r.example/cart@sha256:aa"));
}

GrpcAnswer cri(const GrpcRequest& request) {
  if (request.path == "/runtime.v1.RuntimeService/ContainerStatus") {
    if (proto_bytes(request.message, 1) == kId) return {.message = container_status()};
  } else if (request.path == "/runtime.v1.RuntimeService/PodSandboxStatus") {
    if (proto_bytes(request.message, 1) == kPodId) return {.message = sandbox_status()};
  } else if (request.path == "/runtime.v1.RuntimeService/ListContainers") {
    if (proto_bytes(proto_bytes(request.message, 1), 1) == kId) {
      return {.message = proto_field(1, proto_field(1, kId) + proto_field(2, kPodId))};
    }
  } else if (request.path == "/runtime.v1.ImageService/ImageStatus") {
    if (proto_bytes(proto_bytes(request.message, 1), 1) == "r.example/cart:v2") {
      return {.message = image_status()};
    }
  }
  return {.status = "5"};
}

struct Runtime {
  explicit Runtime(Server::Serve serve) : server(folder.path + kSocket, std::move(serve)) {}
  ApiPlace place(milliseconds timeout = milliseconds(2000)) const {
    return {.root = folder.path, .path = kSocket, .timeout = timeout};
  }
  Folder folder;
  Server server;
};

WhyMissing why_when(Server::Serve serve, milliseconds timeout = milliseconds(2000)) {
  const Runtime runtime(std::move(serve));
  return ask_cri(runtime.place(timeout), {.full_id = kId, .pod_sandbox_id = kPodId}).why;
}

void expect_container(const ContainerReply& reply) {
  ASSERT_EQ(reply.why, WhyMissing::Known);
  const ContainerMetadata& it = reply.metadata;
  EXPECT_EQ(it.name, "cart");
  EXPECT_EQ(it.image_repository, "r.example/cart");
  EXPECT_EQ(it.image_tag, "v2");
  EXPECT_EQ(it.image_id, kImageId);
  EXPECT_EQ(it.image_digest, "sha256:aa");
  EXPECT_EQ(it.labels, (ContainerLabels{{"a", "1"},
                                        {"b", "2"},
                                        {"io.kubernetes.pod.name", "shop-0"},
                                        {"io.kubernetes.pod.namespace", "prod"},
                                        {"long", std::string(101, 'x')}}));
  EXPECT_EQ(it.ip, "10.1.2.3");
  EXPECT_EQ(it.pod_sandbox_id, kPodId);
  EXPECT_EQ(it.pod_sandbox_labels,
            (ContainerLabels{{"app", "shop"}, {"io.kubernetes.pod.name", "shop-0"}}));
}

TEST(Cri, TellsAboutAContainerAndItsPod) {
  const Runtime runtime(test::grpc(cri));
  expect_container(ask_cri(runtime.place(), {.full_id = kId, .pod_sandbox_id = kPodId}));
  EXPECT_EQ(runtime.server.connections(), 3);
}

TEST(Cri, FindsThePodOfAContainerWithoutFiles) {
  const Runtime runtime(test::grpc(cri));
  expect_container(ask_cri(runtime.place(), {.full_id = kId}));
}

TEST(Cri, TellsAboutASandbox) {
  const Runtime runtime(test::grpc(cri));
  for (const std::string& known : {kPodId, std::string()}) {
    const ContainerReply reply =
        ask_cri(runtime.place(), {.full_id = kPodId, .pod_sandbox_id = known});
    ASSERT_EQ(reply.why, WhyMissing::Known);
    EXPECT_TRUE(reply.metadata.is_pod_sandbox);
    EXPECT_EQ(reply.metadata.name, "shop-0");
    EXPECT_EQ(reply.metadata.ip, "10.1.2.3");
    EXPECT_EQ(text_of_label(reply.metadata.labels, "app"), "shop");
  }
}

TEST(Cri, APodThatIsGoneLeavesTheContainersFields) {
  const Runtime runtime(test::grpc(cri));
  const ContainerReply reply =
      ask_cri(runtime.place(), {.full_id = kId, .pod_sandbox_id = std::string(64, 'e')});
  EXPECT_EQ(reply.why, WhyMissing::Known);
  EXPECT_EQ(reply.metadata.name, "cart");
  const auto why = reply.metadata.why[static_cast<size_t>(ContainerField::PodLabels)];
  EXPECT_EQ(why, WhyMissing::NotOnDisk) << "nobody told that it has none";
}

TEST(Containerd, TellsAboutAContainerOfANamespace) {
  const Runtime runtime(test::grpc([](const GrpcRequest& request) -> GrpcAnswer {
    if (request.space != "apps") return {.status = "5"};
    if (request.path == "/containerd.services.containers.v1.Containers/Get") {
      return {.message = proto_field(1, proto_field(1, "job-1") + label(2, "tier", "back") +
                                            proto_field(3, "r.example/job:v3"))};
    }
    EXPECT_EQ(request.path, "/containerd.services.images.v1.Images/Get");
    EXPECT_EQ(proto_bytes(request.message, 1), "r.example/job:v3");
    return {.message = proto_field(1, proto_field(1, "r.example/job:v3") +
                                          proto_field(3, proto_field(2, "sha256:cc")))};
  }));
  const ContainerReply reply =
      ask_containerd(runtime.place(), {.full_id = "job-1", .space = "apps"});
  ASSERT_EQ(reply.why, WhyMissing::Known);
  EXPECT_EQ(reply.metadata.image_repository, "r.example/job");
  EXPECT_EQ(reply.metadata.image_digest, "sha256:cc");
  EXPECT_EQ(reply.metadata.labels, (ContainerLabels{{"tier", "back"}}));
  EXPECT_EQ(ask_containerd(runtime.place(), {.full_id = "job-1", .space = "other"}).why,
            WhyMissing::ApiUnknown);
}

TEST(Cri, EachFailureHasItsReason) {
  const auto with = [](GrpcAnswer answer) {
    return why_when(test::grpc([answer](const GrpcRequest&) { return answer; }));
  };
  EXPECT_EQ(with({.status = "5"}), WhyMissing::ApiUnknown);
  EXPECT_EQ(with({.status = "12"}), WhyMissing::ApiFailed) << "the interface is switched off";
  EXPECT_EQ(with({.status = ""}), WhyMissing::ApiFailed);
  EXPECT_EQ(with({.message = ""}), WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = "\xff\xff\xff"}), WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = proto_field(1, "\x0a\x7f")}), WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = container_status(), .prefix_length = 1 << 30}),
            WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = container_status(), .prefix_length = 3}), WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = container_status(), .compressed = true}), WhyMissing::ApiDamaged);
  EXPECT_EQ(with({.message = std::string(kApiBodyLimit + 1, 'x')}), WhyMissing::ApiDamaged);
}

TEST(Cri, WhatIsNoHttp2IsDamaged) {
  EXPECT_EQ(why_when(test::garbage()), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::hang_up()), WhyMissing::ApiDamaged);
  EXPECT_EQ(why_when(test::flood("HTTP/1.1 200 OK\r\n\r\n")), WhyMissing::ApiDamaged);
  // Frames of a type that nobody knows are to be passed over: 100 MB of them are not.
  EXPECT_EQ(why_when([](int fd) {
              test::send_all(fd, std::string("\0\0\0\4\0\0\0\0\0", 9));
              std::string frame("\0\x40\0\x7f\0\0\0\0\0", 9);
              frame.append(0x4000, 'x');
              for (int i = 0; i < 6400 && test::send_all(fd, frame); ++i) {
              }
            }),
            WhyMissing::ApiDamaged);
}

TEST(Cri, WaitsNoLongerThanItsTime) {
  EXPECT_EQ(why_when(test::silence(milliseconds(400)), milliseconds(100)), WhyMissing::ApiTimeout);
  EXPECT_EQ(why_when(test::trickle(std::string("\0\0\0\4\0\0\0\0\0", 9), milliseconds(400)),
                     milliseconds(100)),
            WhyMissing::ApiTimeout);
}

TEST(Protobuf, ReadsWhatItKnowsAndPassesOverTheRest) {
  const std::string message =
      proto_field(1, "one") + std::string("\x10\xac\x02", 3) + std::string("\x1d\1\2\3\4", 5) +
      std::string("\x21\1\2\3\4\5\6\7\x08", 9) + proto_field(1, "two") + proto_field(300, "far");
  EXPECT_EQ(proto_bytes(message, 1), "two") << "the last counts";
  EXPECT_EQ(proto_number(message, 2), 300u);
  EXPECT_EQ(proto_bytes(message, 300), "far");
  EXPECT_EQ(proto_bytes(message, 7), "");
  for (size_t size = 0; size < message.size(); ++size) {
    ProtoReader reader(std::string_view(message).substr(0, size));
    while (reader.next()) EXPECT_LE(reader.bytes().size(), size);
  }
  for (const std::string& bad :
       {std::string("\x0a"), std::string("\x0a\x05xx"), std::string(11, '\xff'),
        std::string("\x0b\x01"), std::string("\x09\1\2"),
        std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x01")}) {
    ProtoReader reader(bad);
    while (reader.next()) {
    }
    EXPECT_FALSE(reader.ok());
  }
}

}  // namespace
}  // namespace gyr
