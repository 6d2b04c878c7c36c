// SPDX-License-Identifier: Apache-2.0
// The JSON form of metadata: what is written is read again, and strangers' JSON does no harm.
#include "container/metadata.h"

#include <gtest/gtest.h>

namespace gyr {
namespace {

ContainerMetadata full() {
  ContainerMetadata it;
  it.id = "0123456789ab";
  it.full_id = "0123456789abcdef";
  it.name = "web";
  it.image = "r.example/web:1";
  it.image_id = "5";
  it.image_repository = "r.example/web";
  it.image_tag = "1";
  it.image_digest = "sha256:9";
  it.user = "33";
  it.ip = "10.0.0.7";
  it.cni_json = R"({"ips":[]})";
  it.pod_sandbox_id = "fedc";
  it.type = static_cast<int64_t>(ContainerType::Containerd);
  it.created_time = 1700000000;
  it.is_pod_sandbox = true;
  it.privileged = true;
  it.host_pid = false;
  it.host_network = true;
  it.mounts = {{"/a", "/b", "z", "rslave", true}, {"/c", "/d", "", "", false}};
  it.labels = {{"app", "web"}, {"tier", "front"}};
  it.pod_sandbox_labels = {{"team", "one"}};
  return it;
}

TEST(ContainerJson, KeepsEverything) {
  const ContainerMetadata in = full();
  const auto out = parse_container_json(container_json(in));
  ASSERT_TRUE(out);
  for (const auto member :
       {&ContainerMetadata::id, &ContainerMetadata::full_id, &ContainerMetadata::name,
        &ContainerMetadata::image, &ContainerMetadata::image_id,
        &ContainerMetadata::image_repository, &ContainerMetadata::image_tag,
        &ContainerMetadata::image_digest, &ContainerMetadata::user, &ContainerMetadata::ip,
        &ContainerMetadata::cni_json, &ContainerMetadata::pod_sandbox_id}) {
    EXPECT_EQ((*out).*member, in.*member);
  }
  EXPECT_EQ(out->type, in.type);
  EXPECT_EQ(out->created_time, in.created_time);
  EXPECT_TRUE(out->is_pod_sandbox);
  EXPECT_EQ(out->privileged, true);
  EXPECT_EQ(out->host_pid, false);
  EXPECT_EQ(out->host_network, true);
  EXPECT_EQ(out->host_ipc, std::nullopt) << "what is not known stays so";
  ASSERT_EQ(out->mounts.size(), 2u);
  EXPECT_EQ(out->mounts[0].source, "/a");
  EXPECT_EQ(out->mounts[0].destination, "/b");
  EXPECT_EQ(out->mounts[0].mode, "z");
  EXPECT_EQ(out->mounts[0].propagation, "rslave");
  EXPECT_TRUE(out->mounts[0].writable);
  EXPECT_FALSE(out->mounts[1].writable);
  EXPECT_EQ(out->labels, in.labels);
  EXPECT_EQ(out->pod_sandbox_labels, in.pod_sandbox_labels);
}

TEST(ContainerJson, TakesTheInnerObjectAloneAndTheTextsNul) {
  EXPECT_TRUE(parse_container_json(std::string_view("{\"id\":\"a\"}\0", 11)));
  const auto old = parse_container_json(R"({"container":{"id":"a","labels":null,"Mounts":null}})");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->privileged, std::nullopt);
  EXPECT_TRUE(old->labels.empty());
}

TEST(ContainerJson, WrongTypesCountAsMissing) {
  const auto odd = parse_container_json(
      R"({"id":"a","name":7,"privileged":"yes","type":"x","labels":[1],
          "Mounts":[1,"x",{"RW":3}]})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->name, "");
  EXPECT_EQ(odd->privileged, std::nullopt);
  EXPECT_EQ(odd->type, static_cast<int64_t>(ContainerType::Unknown));
  EXPECT_EQ(odd->mounts.size(), 1u);
}

TEST(ContainerJson, RefusesWhatIsNone) {
  for (const char* bad : {"", "{", "7", "[]", "\"a\"", R"({"container":[]})",
                          R"({"container":{"id":7}})", R"({"id":""})"}) {
    EXPECT_FALSE(parse_container_json(bad)) << bad;
  }
  std::string deep = R"({"id":"a","labels":)";
  for (int i = 0; i < 200000; ++i) deep += '[';
  for (int i = 0; i < 200000; ++i) deep += ']';
  EXPECT_FALSE(parse_container_json(deep + "}"));
}

TEST(ContainerJson, RepairsBytesThatAreNoText) {
  ContainerMetadata it;
  it.id = "a";
  it.name = "x\xff";
  const auto out = parse_container_json(container_json(it));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->name, "x\xef\xbf\xbd");
}

}  // namespace
}  // namespace gyr
