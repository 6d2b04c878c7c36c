// SPDX-License-Identifier: Apache-2.0
// When a runtime's API is asked about a container, about what, and what becomes of its answer.
#include "container/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/finder.h"
#include "runtimes.h"

namespace gyr {
namespace {

using test::HostRoot;
using test::kId;
using test::kPodId;
using test::oci;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kTasks = "/run/containerd/io.containerd.runtime.v2.task/";

// A finder on a host, and what it asks; "why" is what it is told about that.
struct Asking {
  HostRoot host;
  std::vector<ContainerQuestion> questions;
  WhyMissing why = WhyMissing::ApiPending;
  ContainerFinder finder{*host.files, [this](ContainerQuestion question) {
                           questions.push_back(std::move(question));
                           return why;
                         }};

  ContainerAnswer find(const std::string& path, uint64_t now_ns = 0) {
    return finder.find(container_id_of("a=" + path), "a=" + path, 100, now_ns);
  }
  uint64_t missing(ContainerField field, WhyMissing reason) const {
    return finder.missing().of(field, reason);
  }
};

ContainerReply reply(std::initializer_list<ContainerField> told) {
  ContainerReply one{.full_id = kId, .why = WhyMissing::Known};
  one.metadata.why.fill(WhyMissing::NotOnDisk);
  for (const ContainerField field : told) one.metadata[field] = WhyMissing::Known;
  return one;
}

void write_pod(HostRoot& host) {
  const std::string pod = R"("io.kubernetes.cri.sandbox-id":")" + kPodId +
                          R"(","io.kubernetes.cri.sandbox-name":"shop-0")";
  host.write(kTasks + "k8s.io/" + kId + "/config.json",
             oci(R"("io.kubernetes.cri.container-type":"container",
        "io.kubernetes.cri.container-name":"cart",
        "io.kubernetes.cri.image-name":"r.example/cart:v2",)" +
                 pod));
  host.write(kTasks + "k8s.io/" + kPodId + "/config.json",
             oci(R"("io.kubernetes.cri.container-type":"sandbox",)" + pod));
}
const std::string kPodPath = "/kubepods/besteffort/pod1-2-3/" + kId;

TEST(Question, IsAskedOnceAboutWhatIsNotOnDisk) {
  Asking on;
  write_pod(on.host);
  EXPECT_THAT(on.find(kPodPath).json, HasSubstr("cart"));
  ASSERT_EQ(on.questions.size(), 1u);
  EXPECT_EQ(on.questions[0].full_id, kId);
  EXPECT_EQ(on.questions[0].pod_sandbox_id, kPodId);
  EXPECT_EQ(on.questions[0].image, "r.example/cart:v2");
  EXPECT_THAT(on.questions[0].apis, ElementsAre(ContainerApi::Cri));
  EXPECT_EQ(on.missing(ContainerField::PodLabels, WhyMissing::ApiPending), 1u);
  on.find(kPodPath);
  EXPECT_EQ(on.questions.size(), 1u);
}

TEST(Question, TheAnswerIsAddedToWhatTheFilesSaid) {
  Asking on;
  write_pod(on.host);
  on.find(kPodPath);
  ContainerReply told = reply({ContainerField::ImageId, ContainerField::ImageDigest,
                               ContainerField::PodLabels, ContainerField::Ip});
  told.metadata.image_id = "55";
  told.metadata.name = "another";
  told.metadata.ip = "10.0.0.7";
  told.metadata.pod_sandbox_labels = {{"app", "shop"}};
  const std::string json = on.finder.take(told);
  const auto it = parse_container_json(json);
  ASSERT_TRUE(it);
  EXPECT_EQ(it->name, "cart") << "the file's";
  EXPECT_EQ(it->image_id, "55");
  EXPECT_EQ(it->ip, "10.0.0.7");
  EXPECT_THAT(it->pod_sandbox_labels,
              testing::Contains(std::pair<std::string, std::string>("app", "shop")));
  EXPECT_EQ(on.missing(ContainerField::ImageId, WhyMissing::Known), 1u);
  EXPECT_EQ(on.missing(ContainerField::ImageDigest, WhyMissing::NoSuchThing), 1u)
      << "the API told that there is none";
  EXPECT_EQ(on.missing(ContainerField::PodLabels, WhyMissing::Known), 1u);
  // What files say later does not take it away.
  EXPECT_EQ(on.find(kPodPath).json, "");
  on.host.write("/var/lib/cni/results/net-" + kPodId + "-eth0", R"({"result":{"ips":[]}})");
  const auto later = parse_container_json(on.find(kPodPath).json);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->image_id, "55");
  EXPECT_EQ(later->cni_json, R"({"ips":[]})");
}

TEST(Question, AFailureIsTheReason) {
  Asking on;
  write_pod(on.host);
  on.find(kPodPath);
  EXPECT_EQ(on.finder.take({.full_id = kId, .why = WhyMissing::ApiRefused}), "");
  EXPECT_EQ(on.missing(ContainerField::ImageDigest, WhyMissing::ApiRefused), 1u);
  EXPECT_EQ(on.missing(ContainerField::ImageDigest, WhyMissing::ApiPending), 0u);
  EXPECT_THAT(on.finder.missing().text(), HasSubstr("image_digest: 1 api_refused"));
  on.find(kPodPath);
  EXPECT_EQ(on.questions.size(), 1u) << "it was tried often enough";
  EXPECT_EQ(on.missing(ContainerField::PodLabels, WhyMissing::ApiRefused), 1u);
}

TEST(Question, WhatIsMissingIsToldInAllAndOfOneContainer) {
  Asking on;
  write_pod(on.host);
  on.find(kPodPath);
  on.find("/docker/" + std::string(64, '7'));
  EXPECT_EQ(on.finder.missing_of(kId.substr(0, 12)),
            "image_id api_pending, image_digest api_pending, ip not_yet, pod_labels api_pending, "
            "cni_json not_yet");
  EXPECT_EQ(on.finder.missing_of(std::string(12, '9')), "");
  on.finder.take({.full_id = kId, .why = WhyMissing::ApiTimeout});
  EXPECT_THAT(on.finder.missing_of(kId), HasSubstr("image_id api_timeout"));
  uint64_t ids = 0;
  for (const MissingCounts::Row& row : on.finder.missing().table()) {
    EXPECT_NE(row.why, WhyMissing::Known);
    EXPECT_NE(row.why, WhyMissing::NoSuchThing);
    if (row.field == ContainerField::ImageId) ids += row.containers;
  }
  EXPECT_EQ(ids, 2u);
  EXPECT_THAT(on.finder.missing().text(), HasSubstr("image_id: 1 no_files, 1 api_timeout;"));
}

TEST(Question, IsPutAgainWhenTooManyWait) {
  Asking on;
  write_pod(on.host);
  on.why = WhyMissing::ApiBusy;
  EXPECT_NE(on.find(kPodPath).ask_again_ns, ContainerAnswer::kNever);
  EXPECT_EQ(on.missing(ContainerField::ImageId, WhyMissing::ApiBusy), 1u);
  on.why = WhyMissing::ApiPending;
  on.find(kPodPath);
  EXPECT_EQ(on.questions.size(), 2u);
  EXPECT_EQ(on.missing(ContainerField::ImageId, WhyMissing::ApiPending), 1u);
}

TEST(Question, OfUnknownContainersIsAskedWhenNoFilesCome) {
  Asking on;
  const std::string path = "/docker/" + kId;
  on.find(path);
  on.find(path);
  EXPECT_THAT(on.questions, IsEmpty()) << "the runtime may still write them";
  on.find(path);
  ASSERT_EQ(on.questions.size(), 1u);
  EXPECT_THAT(on.questions[0].apis,
              ElementsAre(ContainerApi::Docker, ContainerApi::Cri, ContainerApi::Podman));
  ContainerReply told = reply({ContainerField::Name, ContainerField::Type, ContainerField::Image});
  told.metadata.name = "web";
  told.metadata.type = static_cast<int64_t>(ContainerType::Docker);
  told.metadata.privileged = true;
  const auto it = parse_container_json(on.finder.take(told));
  ASSERT_TRUE(it);
  EXPECT_EQ(it->id, kId.substr(0, 12));
  EXPECT_EQ(it->name, "web");
  EXPECT_EQ(it->privileged, true);
  EXPECT_EQ(on.missing(ContainerField::Image, WhyMissing::NoSuchThing), 1u);
  EXPECT_EQ(on.missing(ContainerField::ImageId, WhyMissing::NotOnDisk), 1u);
}

TEST(Question, ThatNoApiIsThereSaysLessThanThatNoFilesAre) {
  Asking on;
  const std::string path = "/docker/" + kId;
  for (int i = 0; i < 3; ++i) on.find(path);
  on.finder.take({.full_id = kId, .why = WhyMissing::ApiAbsent});
  EXPECT_EQ(on.missing(ContainerField::Name, WhyMissing::NoFiles), 1u);
}

TEST(Question, IsNotAskedWhenFilesTellAllOrNoApiKnows) {
  Asking on;
  on.host.write("/run/crun/box-1/status", R"({"pid":7,"bundle":"/srv/box"})");
  on.host.write("/srv/box/config.json", oci(""));
  for (int i = 0; i < 5; ++i) {
    on.find("/boxes/box-1");
    on.find("/lxc/box");
    on.find("/a b/c d");
    on.find("/spaces/" + std::string(200, 'x'));
  }
  EXPECT_THAT(on.questions, IsEmpty());
}

TEST(Question, NamesTheNamespaceOfContainerd) {
  Asking on;
  on.host.write(kTasks + "apps/job-1/config.json", oci(""));
  on.find("/apps/job-1");
  ASSERT_EQ(on.questions.size(), 1u);
  EXPECT_EQ(on.questions[0].space, "apps");
  EXPECT_THAT(on.questions[0].apis, ElementsAre(ContainerApi::Containerd));
}

TEST(Question, AnswersToNobodyAreNothing) {
  Asking on;
  EXPECT_EQ(on.finder.take(reply({ContainerField::Name})), "");
  write_pod(on.host);
  on.find(kPodPath);
  on.finder.take({.full_id = kId, .why = WhyMissing::ApiTimeout});
  EXPECT_EQ(on.finder.take(reply({ContainerField::ImageId})), "") << "a second one";
  EXPECT_EQ(on.missing(ContainerField::ImageId, WhyMissing::ApiTimeout), 1u);
}

}  // namespace
}  // namespace gyr
