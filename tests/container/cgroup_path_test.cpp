// SPDX-License-Identifier: Apache-2.0
#include "container/cgroup_path.h"

#include <gtest/gtest.h>

namespace gyr {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kShort = "0123456789ab";

struct Case {
  const char* runtime;
  std::string path;
  std::string id;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kAll = {
      {"podman", "/machine.slice/libpod-" + kId + ".scope", kShort},
      {"podman", "/machine.slice/libpod-" + kId + ".scope/container", kShort},
      {"podman", "/libpod_parent/libpod-" + kId, kShort},
      {"podman", "/user.slice/libpod-payload-" + kId + ".scope", kShort},
      {"podman", "/user.slice/libpod-payload-" + kId + ".scope/container", kShort},
      {"podman", "/libpod_parent/libpod-payload-" + kId, kShort},
      {"docker", "/docker/" + kId, kShort},
      {"docker", "/system.slice/docker-" + kId + ".scope", kShort},
      {"docker, nested",
       "/docker/ffff56789abcdef0123456789abcdef0123456789abcdef0123456789abcdeff/docker/" + kId,
       kShort},
      {"docker, upper case",
       "/docker/0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "0123456789AB"},
      {"cri", "/kubepods/besteffort/pod1234/" + kId, kShort},
      {"cri-o", "/kubepods.slice/kubepods-pod12.slice/crio-" + kId + ".scope", kShort},
      {"cri-o", "/kubepods.slice/kubepods-pod12.slice/crio-" + kId, kShort},
      {"cri containerd", "/kubepods.slice/pod1.slice/cri-containerd-" + kId + ".scope", kShort},
      {"cri containerd",
       "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kId, kShort},
      {"nerdctl", "/system.slice/nerdctl-" + kId + ".scope", kShort},
      {"containerd", "/default/redis", "redis"},
      {"containerd", "/k8s.io/0123456789abcdef", kShort},
      {"containerd, last namespace wins", "/default/a/default/web", "web"},
      {"lxc", "/lxc/web01", "web01"},
      {"lxc", "/lxc.payload/web01/init.scope", "web01"},
      {"lxc", "/lxc.payload.web01/system.slice/ssh.service", "web01"},
      {"libvirt", "/container.libvirt-lxc", "container"},
      {"libvirt", "/machine.slice/machine-lxc\\x2dweb.scope", "web"},
      {"libvirt", "/machine-lxc\\x2dweb.scope/libvirt.scope", "web.scope/libvirt"},
      {"containerd is asked before libvirt", "/machine/web.libvirt-lxc", "web.libvirt-"},
      {"libvirt", "/libvirt/lxc/web.service", "web.service"},
      {"bpm", "/system.slice/bpm-worker.1_a-b.scope", "worker.1_a-b"},
      // The host's own groups.
      {"host", "/", ""},
      {"host", "", ""},
      {"host", "/init.scope", ""},
      {"host", "/user.slice/user-1000.slice/session-3.scope", ""},
      {"host", "/system.slice/ssh.service", ""},
      {"host", "/user.slice", ""},
      // Near misses.
      {"too short an id", "/docker-" + kId.substr(1) + ".scope", ""},
      {"not hexadecimal", "/docker-x" + kId.substr(1) + ".scope", ""},
      {"bpm, wrong character", "/system.slice/bpm-a b.scope", ""},
      {"lxc, no name", "/lxc/", ""},
  };
  return kAll;
}

TEST(ContainerId, IsFoundForEachRuntime) {
  for (const Case& c : cases()) {
    EXPECT_EQ(container_id_of("cpu=" + c.path + std::string(1, '\0')), c.id)
        << c.runtime << ": " << c.path;
  }
}

TEST(ContainerId, FirstPathThatMatchesWins) {
  std::string cgroups;
  for (const std::string& one :
       {std::string("cpuset=/"), std::string("cpu=/lxc/first"), "memory=/docker/" + kId}) {
    cgroups.append(one).push_back('\0');
  }
  EXPECT_EQ(container_id_of(cgroups), "first");
}

TEST(ContainerId, EntriesWithoutPathAreSkipped) {
  using namespace std::string_view_literals;
  EXPECT_EQ(container_id_of("nonsense\0cpu=/lxc/web\0"sv), "web");
  EXPECT_EQ(container_id_of("cpu=/lxc/web"), "web") << "the last NUL may be missing";
  EXPECT_EQ(container_id_of(""), "");
}

TEST(ContainerPath, TellsTheWholeIdAndTheNamespace) {
  const std::string path = "/kubepods.slice/pod1.slice/cri-containerd-" + kId + ".scope";
  const auto pod = container_path(path);
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->pattern, CgroupPattern::Cri);
  EXPECT_EQ(pod->full_id, kId);
  EXPECT_EQ(pod->id, kShort);
  const auto task = container_path("/k8s.io/web-server-number-1");
  ASSERT_TRUE(task);
  EXPECT_EQ(task->pattern, CgroupPattern::Containerd);
  EXPECT_EQ(task->full_id, "web-server-number-1");
  EXPECT_EQ(task->id, "web-server-n");
  EXPECT_EQ(task->space, "k8s.io");
}

TEST(ContainerPath, TakesTheInnermostOfNestedContainers) {
  const std::string node(64, 'a');
  for (const std::string& path :
       {"/docker/" + node + "/kubelet.slice/kubelet-kubepods.slice/cri-containerd-" + kId +
            ".scope",
        "/docker/" + node + "/kubelet/kubepods/burstable/pod1/" + kId}) {
    const auto inner = container_path(path);
    ASSERT_TRUE(inner) << path;
    EXPECT_EQ(inner->full_id, kId);
  }
}

}  // namespace
}  // namespace gyr
