// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: what they show of a container's metadata.
#include <gtest/gtest.h>

#include "world.h"

namespace gyr {
namespace {

constexpr const char* kShop = R"({"container":{"id":"shop","full_id":"shop-whole","name":"cart",
  "type":7,"image":"r.example/cart:2","imageid":"55","imagerepo":"r.example/cart","imagetag":"2",
  "imagedigest":"sha256:9","ip":"10.0.0.7","privileged":false,"host_pid":true,"host_network":false,
  "created_time":1700000000,"pod_sandbox_id":"0123456789abcdef",
  "labels":{"app":"cart","annotation.x":"y","io.kubernetes.pod.name":"shop-0",
    "io.kubernetes.pod.namespace":"prod","io.kubernetes.pod.uid":"1-2","tier":"front"},
  "Mounts":[{"Source":"/proc/fs","Destination":"/host/proc","Mode":"z","RW":true,
      "Propagation":"rslave"},
    {"Source":"/etc","Destination":"/host/etc","Mode":"","RW":false,"Propagation":""}]}})";
constexpr const char* kSandbox = R"({"container":{"id":"0123456789ab","name":"shop-0","type":7,
  "is_pod_sandbox":true,"ip":"10.0.0.8","cni_json":"{\"ips\":[]}",
  "labels":{"team":"one","io.kubernetes.pod.name":"shop-0"}}})";

struct ContainerFields : testing::Test {
  ContainerFields() {
    Snapshot host = small_host();
    for (SnapshotThread& thread : host.threads) {
      if (thread.pid == 30) thread.cgroups = entries({"memory=/lxc/shop"});
    }
    world = std::make_unique<World>(host);
  }
  void told(std::string_view json) {
    world->event(Ev::CONTAINER_JSON_2_E, -1, [&](EventBuilder& out) { out.add_text(json); });
  }
  void look_at(int64_t tid) { world->event(Ev::GETUID_X, tid); }
  void expect(const std::vector<std::pair<std::string, std::string>>& fields) {
    for (const auto& [name, value] : fields) EXPECT_EQ(world->get(name), value) << name;
  }
  std::unique_ptr<World> world;
};

TEST_F(ContainerFields, ShowWhatIsKnown) {
  told(kShop);
  look_at(30);
  expect({{"container.id", "shop"},
          {"container.full_id", "shop-whole"},
          {"container.name", "cart"},
          {"container.type", "containerd"},
          {"container.image", "r.example/cart:2"},
          {"container.image.id", "55"},
          {"container.image.repository", "r.example/cart"},
          {"container.image.tag", "2"},
          {"container.image.digest", "sha256:9"},
          {"container.ip", "10.0.0.7"},
          {"container.privileged", "false"},
          {"container.host_pid", "true"},
          {"container.host_network", "false"},
          {"container.host_ipc", "<null>"},
          {"container.labels", "app:cart, tier:front"},
          {"container.label[app]", "cart"},
          {"container.label[none]", "<null>"},
          {"container.cni.json", "<null>"}});
}

TEST_F(ContainerFields, ShowMounts) {
  told(kShop);
  look_at(30);
  expect({{"container.mounts", "/proc/fs:/host/proc:z:true:rslave,/etc:/host/etc::false:"},
          {"container.mount[0]", "/proc/fs:/host/proc:z:true:rslave"},
          {"container.mount[1]", "/etc:/host/etc::false:"},
          {"container.mount[2]", "<null>"},
          {"container.mount[/etc]", "/etc:/host/etc::false:"},
          {"container.mount.dest[/etc]", "/host/etc"},
          {"container.mount.dest[/proc*]", "/host/proc"},
          {"container.mount.dest[/(proc|sys)/.*]", "/host/proc"},
          {"container.mount.dest[/]", "<null>"},
          {"container.mount.dest[/et]", "<null>"},
          {"container.mount.source[/host/etc]", "/etc"},
          {"container.mount.source[/etc]", "<null>"},
          {"container.mount.mode[0]", "z"},
          {"container.mount.rdwr[/etc]", "false"},
          {"container.mount.rdwr[0]", "true"},
          {"container.mount.propagation[0]", "rslave"}});
  EXPECT_EQ(world->get("container.mount.dest[(]"), "<null>") << "no pattern, but a path";
}

TEST_F(ContainerFields, ShowThePodAndWhatItsSandboxKnows) {
  told(kShop);
  look_at(30);
  expect({{"k8s.pod.name", "shop-0"},
          {"k8s.ns.name", "prod"},
          {"k8s.pod.id", "1-2"},
          {"k8s.pod.uid", "1-2"},
          {"k8s.pod.sandbox_id", "0123456789ab"},
          {"k8s.pod.full_sandbox_id", "0123456789abcdef"},
          {"k8s.pod.ip", "10.0.0.7"},
          {"k8s.pod.labels", "<null>"}});
  told(kSandbox);
  look_at(30);
  expect({{"k8s.pod.ip", "10.0.0.8"},
          {"k8s.pod.cni.json", R"({"ips":[]})"},
          {"k8s.pod.labels", "team:one"},
          {"k8s.pod.label[team]", "one"},
          {"container.ip", "10.0.0.7"}});
}

TEST_F(ContainerFields, AreNullWhileNothingIsKnown) {
  look_at(30);
  for (const char* name :
       {"container.name", "container.full_id", "container.image", "container.type",
        "container.privileged", "container.mounts", "container.mount[0]", "container.labels",
        "k8s.pod.name", "k8s.pod.ip", "k8s.pod.labels", "k8s.pod.sandbox_id"}) {
    EXPECT_EQ(world->get(name), "<null>") << name;
  }
  EXPECT_EQ(world->get("container.id"), "shop");
}

// Rules that say `container.image.repository != x` are tuned on that.
TEST_F(ContainerFields, AreEmptyOnTheHost) {
  told(kShop);
  look_at(20);
  expect({{"container.id", "host"},
          {"container.name", "host"},
          {"container.type", "host"},
          {"container.full_id", "host"},
          {"container.privileged", "false"},
          {"container.host_pid", "false"},
          {"container.host_network", "false"},
          {"container.host_ipc", "false"}});
  for (const char* name :
       {"container.image", "container.image.id", "container.image.repository",
        "container.image.tag", "container.image.digest", "container.ip", "container.cni.json",
        "container.mounts", "container.labels", "k8s.pod.sandbox_id", "k8s.pod.full_sandbox_id",
        "k8s.pod.labels", "k8s.pod.ip", "k8s.pod.cni.json"}) {
    EXPECT_EQ(world->get(name), "") << name;
  }
  for (const char* name :
       {"container.mount[0]", "container.mount.dest[/etc]", "container.label[app]", "k8s.pod.name",
        "k8s.ns.name", "k8s.pod.uid", "k8s.pod.label[team]", "container.start_ts"}) {
    EXPECT_EQ(world->get(name), "<null>") << name;
  }
}

TEST_F(ContainerFields, RefuseAMountWithoutAName) {
  EXPECT_EQ(world->get("container.mount[]").substr(0, 6), "error:");
}

}  // namespace
}  // namespace gyr
