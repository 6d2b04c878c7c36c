// SPDX-License-Identifier: Apache-2.0
// What the finder knows about containers of each runtime from files as the runtimes write them, and
// what it says where they are missing, damaged or hostile.
#include "container/finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtimes.h"

namespace gyr {
namespace {

using test::HostRoot;
using test::kId;
using test::kPodId;
using test::oci;
using testing::HasSubstr;

ContainerMetadata look(const HostRoot& host, const std::string& path, int64_t pid = 100) {
  const auto found = container_path(path);
  EXPECT_TRUE(found) << path;
  return ContainerFinder(*host.files).look(*found, pid);
}

std::string mounts_of(const ContainerMetadata& it) {
  std::string text;
  for (const ContainerMount& one : it.mounts) {
    text += fmt::format("{}:{}:{}:{}:{},", one.source, one.destination, one.mode, one.writable,
                        one.propagation);
  }
  return text;
}

std::string labels_of(const ContainerLabels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += key + "=" + value + ",";
  return text;
}

WhyMissing why(const ContainerMetadata& it, ContainerField field) {
  return it.why[static_cast<size_t>(field)];
}

// --- docker

const std::string kDockerFolder = "/var/lib/docker/containers/" + kId;
const std::string kImageId(64, '5');

void write_docker(HostRoot& host, const std::string& image = "nginx:1.25") {
  host.write(kDockerFolder + "/config.v2.json",
             R"({"State":{"Running":false},"ID":")" + kId +
                 R"(","Created":"2026-03-04T05:06:07.89Z","Path":"/bin/app","Config":{"User":"www",
      "Image":")" +
                 image + R"(","Labels":{"app":"shop","long":")" + std::string(101, 'x') +
                 R"("}},"Image":"sha256:)" + kImageId + R"(","Driver":"overlay2","Name":"/web",
      "NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.5"}}},
      "MountPoints":{"/var/run/docker.sock":{"Source":"/run/docker.sock","Destination":
        "/var/run/docker.sock","RW":true,"Type":"bind","Propagation":"rprivate"}}})");
  host.write(kDockerFolder + "/hostconfig.json",
             R"({"Privileged":true,"NetworkMode":"default","PidMode":"host","IpcMode":"private"})");
  host.write("/var/lib/docker/image/overlay2/repositories.json",
             R"({"Repositories":{"nginx":{"nginx:1.25":"sha256:)" + kImageId +
                 R"(","nginx@sha256:77":"sha256:)" + kImageId + R"("}}})");
}

TEST(Finder, ReadsDocker) {
  HostRoot host;
  write_docker(host);
  for (const std::string& path : {"/docker/" + kId, "/system.slice/docker-" + kId + ".scope"}) {
    const ContainerMetadata it = look(host, path);
    EXPECT_EQ(it.id, kId.substr(0, 12));
    EXPECT_EQ(it.full_id, kId);
    EXPECT_EQ(it.name, "web");
    EXPECT_EQ(container_type_name(it.type), "docker");
    EXPECT_EQ(it.image, "nginx:1.25");
    EXPECT_EQ(it.image_repository, "nginx");
    EXPECT_EQ(it.image_tag, "1.25");
    EXPECT_EQ(it.image_id, kImageId);
    EXPECT_EQ(it.image_digest, "sha256:77");
    EXPECT_EQ(it.user, "www");
    EXPECT_EQ(it.ip, "172.17.0.5");
    EXPECT_EQ(it.privileged, true);
    EXPECT_EQ(it.host_pid, true);
    EXPECT_EQ(it.host_network, false);
    EXPECT_EQ(it.host_ipc, false);
    EXPECT_EQ(mounts_of(it), "/run/docker.sock:/var/run/docker.sock::true:rprivate,");
    EXPECT_EQ(labels_of(it.labels), "app=shop,long=" + std::string(101, 'x') + ",");
    EXPECT_EQ(it.created_time, 1772600767);
  }
}

TEST(Finder, NamesAnImageThatDockerKnowsByIdAlone) {
  HostRoot host;
  write_docker(host, "sha256:" + kImageId);
  const ContainerMetadata it = look(host, "/docker/" + kId);
  EXPECT_EQ(it.image_id, kImageId);
  EXPECT_EQ(it.image_repository, "nginx");
  EXPECT_EQ(it.image_tag, "1.25");
}

TEST(Finder, SaysWhichPartOfDockersFilesIsMissing) {
  HostRoot host;
  write_docker(host);
  host.remove(kDockerFolder + "/hostconfig.json");
  const ContainerMetadata it = look(host, "/docker/" + kId);
  EXPECT_EQ(it.name, "web");
  EXPECT_EQ(it.privileged, std::nullopt);
  EXPECT_EQ(why(it, ContainerField::Privileged), WhyMissing::NoFiles);
  host.write(kDockerFolder + "/hostconfig.json", "{");
  EXPECT_EQ(why(look(host, "/docker/" + kId), ContainerField::Privileged), WhyMissing::Damaged);
}

// With another data-root docker's own files are not found, but containerd keeps the bundle.
TEST(Finder, KnowsDockerByItsNamespaceInContainerd) {
  HostRoot host;
  host.write("/run/containerd/io.containerd.runtime.v2.task/moby/" + kId + "/config.json", oci(""));
  const ContainerMetadata it = look(host, "/docker/" + kId);
  EXPECT_EQ(container_type_name(it.type), "docker");
  EXPECT_EQ(it.name, "");
  EXPECT_EQ(it.privileged, false);
  EXPECT_EQ(why(it, ContainerField::Name), WhyMissing::NotOnDisk);
  EXPECT_EQ(why(it, ContainerField::Labels), WhyMissing::NotOnDisk);
}

TEST(Finder, ExpectsNoAddressWhereDockerGivesNone) {
  HostRoot host;
  write_docker(host);
  host.write(kDockerFolder + "/config.v2.json", R"({"Name":"/web"})");
  EXPECT_EQ(why(look(host, "/docker/" + kId), ContainerField::Ip), WhyMissing::NotYet);
  host.write(kDockerFolder + "/hostconfig.json", R"({"NetworkMode":"none"})");
  EXPECT_EQ(why(look(host, "/docker/" + kId), ContainerField::Ip), WhyMissing::NoSuchThing);
}

// --- podman

const std::string kStore = "/var/lib/containers/storage";

void write_podman(HostRoot& host, const std::string& store = kStore) {
  host.write(store + "/overlay-containers/" + kId + "/userdata/config.json",
             oci(R"("io.container.manager":"libpod")"));
  host.write(store + "/overlay-containers/containers.json",
             R"([{"id":"other","names":["no"]},{"id":")" + kId + R"(","names":["db"],"image":")" +
                 kImageId +
                 R"(","metadata":"{\"image-name\":\"docker.io/library/redis:7\"}",
        "created":"2026-03-04T05:06:07.89Z"}])");
  host.write(store + "/overlay-images/images.json",
             R"([{"id":")" + kImageId +
                 R"(","digest":"sha256:88","names":["docker.io/library/redis:7"]}])");
}

TEST(Finder, ReadsPodman) {
  HostRoot host;
  write_podman(host);
  host.process(100, 50, {"/bin/app"}, "/machine.slice/libpod-" + kId + ".scope");
  host.address(100, "10.88.0.9");
  host.remove("/proc/1/ns");  // as where the first process is not ours to look at
  host.link("/proc/self/ns/net", "net:[1]");
  const ContainerMetadata it = look(host, "/machine.slice/libpod-" + kId + ".scope");
  EXPECT_EQ(it.name, "db");
  EXPECT_EQ(container_type_name(it.type), "podman");
  EXPECT_EQ(it.image, "docker.io/library/redis:7");
  EXPECT_EQ(it.image_repository, "docker.io/library/redis");
  EXPECT_EQ(it.image_tag, "7");
  EXPECT_EQ(it.image_id, kImageId);
  EXPECT_EQ(it.image_digest, "sha256:88");
  EXPECT_EQ(it.privileged, false);
  EXPECT_EQ(it.host_network, false);
  EXPECT_EQ(it.user, "33");
  EXPECT_EQ(it.ip, "10.88.0.9") << "of its network, not the loopback's";
  EXPECT_EQ(mounts_of(it), "/srv/data:/data::true:rprivate,/srv/hosts:/etc/hosts::false:,");
  EXPECT_EQ(why(it, ContainerField::Labels), WhyMissing::NotOnDisk);
}

TEST(Finder, FindsRootlessPodmanByItsMonitor) {
  HostRoot host;
  const std::string store = "/home/ann/.local/share/containers/storage";
  write_podman(host, store);
  host.link("/proc/50/root", "../..");
  host.process(50, 1,
               {"/usr/bin/conmon", "-c", kId, "-n", "db", "-b",
                store + "/overlay-containers/" + kId + "/userdata"},
               "/user.slice/conmon.scope");
  host.process(100, 50, {"/bin/app"}, "/user.slice/libpod-" + kId + ".scope");
  const ContainerMetadata it = look(host, "/user.slice/libpod-" + kId + ".scope");
  EXPECT_EQ(it.name, "db");
  EXPECT_EQ(it.image_tag, "7");
}

// --- containerd

const std::string kTasks = "/run/containerd/io.containerd.runtime.v2.task/";

void write_containerd_pod(HostRoot& host, const std::string& root = "") {
  const std::string pod =
      R"("io.kubernetes.cri.sandbox-id":")" + kPodId +
      R"(","io.kubernetes.cri.sandbox-name":"shop-0","io.kubernetes.cri.sandbox-namespace":"prod",
      "io.kubernetes.cri.sandbox-uid":"1-2-3")";
  host.write(root + kTasks + "k8s.io/" + kId + "/config.json",
             oci(R"("io.kubernetes.cri.container-type":"container",
        "io.kubernetes.cri.container-name":"cart",
        "io.kubernetes.cri.image-name":"r.example:5000/shop/cart:v2",)" +
                 pod));
  host.write(root + kTasks + "k8s.io/" + kPodId + "/config.json",
             oci(R"("io.kubernetes.cri.container-type":"sandbox",)" + pod));
  host.write(root + "/var/lib/cni/results/kindnet-" + kPodId + "-eth0",
             R"({"kind":"cniCacheV1","containerId":")" + kPodId +
                 R"(","result":{"cniVersion":"1.0.0","ips":[{"address":"10.244.0.9/24"}]}})");
}

void expect_pod(const ContainerMetadata& it) {
  EXPECT_EQ(it.name, "cart");
  EXPECT_EQ(it.image, "r.example:5000/shop/cart:v2");
  EXPECT_EQ(it.image_repository, "r.example:5000/shop/cart");
  EXPECT_EQ(it.image_tag, "v2");
  EXPECT_EQ(it.pod_sandbox_id, kPodId);
  EXPECT_FALSE(it.is_pod_sandbox);
  EXPECT_EQ(labels_of(it.labels),
            "io.kubernetes.container.name=cart,io.kubernetes.pod.name=shop-0,"
            "io.kubernetes.pod.namespace=prod,io.kubernetes.pod.uid=1-2-3,");
  EXPECT_EQ(why(it, ContainerField::Pod), WhyMissing::Known);
}

TEST(Finder, ReadsPodsOfContainerd) {
  HostRoot host;
  write_containerd_pod(host);
  for (const std::string& path :
       {"/kubepods.slice/kubepods-pod1_2_3.slice/cri-containerd-" + kId + ".scope",
        "/kubepods/besteffort/pod1-2-3/" + kId,
        "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kId}) {
    const ContainerMetadata it = look(host, path);
    expect_pod(it);
    EXPECT_EQ(container_type_name(it.type), "containerd");
    EXPECT_EQ(it.ip, "10.244.0.9");
    EXPECT_EQ(it.cni_json, R"({"cniVersion":"1.0.0","ips":[{"address":"10.244.0.9/24"}]})");
    EXPECT_EQ(why(it, ContainerField::PodLabels), WhyMissing::NotOnDisk);
    EXPECT_EQ(why(it, ContainerField::ImageDigest), WhyMissing::NotOnDisk);
  }
  const ContainerMetadata sandbox = look(host, "/kubepods/besteffort/pod1-2-3/" + kPodId);
  EXPECT_TRUE(sandbox.is_pod_sandbox);
  EXPECT_EQ(sandbox.name, "shop-0");
  EXPECT_EQ(sandbox.ip, "10.244.0.9");
  EXPECT_EQ(why(sandbox, ContainerField::Image), WhyMissing::NoSuchThing);
}

TEST(Finder, ReadsTasksOfContainerdWithoutKubernetes) {
  HostRoot host;
  host.write(kTasks + "apps/job-1/config.json", oci(""));
  const ContainerMetadata it = look(host, "/apps/job-1");
  EXPECT_EQ(it.name, "job-1");
  EXPECT_EQ(container_type_name(it.type), "containerd");
  EXPECT_EQ(why(it, ContainerField::Image), WhyMissing::NotOnDisk);
  EXPECT_EQ(why(it, ContainerField::Pod), WhyMissing::NoSuchThing);
}

TEST(Finder, FindsContainersInANodeThatIsAContainer) {
  HostRoot host;
  const std::string node(64, 'e');
  const std::string shim_group = "/docker/" + node + "/system.slice/containerd.service";
  write_containerd_pod(host, "/node");
  host.process(60, 1, {"/usr/bin/containerd-shim-runc-v2", "-id", kPodId}, shim_group);
  host.link("/proc/60/root", "../../node");
  host.space(60, "mnt", 60);
  const std::string path =
      "/docker/" + node + "/kubelet.slice/kubepods.slice/cri-containerd-" + kId + ".scope";
  host.process(100, 60, {"/bin/app"}, path);
  expect_pod(look(host, path));
}

TEST(Finder, KnowsThatAPodSharesTheHostsNetwork) {
  HostRoot host;
  write_containerd_pod(host);
  host.remove("/var/lib/cni");
  host.write(kTasks + "k8s.io/" + kPodId + "/config.json",
             R"({"annotations":{"io.kubernetes.cri.container-type":"sandbox"},
                "linux":{"namespaces":[{"type":"pid"},{"type":"ipc"}]}})");
  const ContainerMetadata it = look(host, "/kubepods/pod1-2-3/" + kId);
  EXPECT_EQ(it.host_network, true);
  EXPECT_EQ(it.host_pid, false);
  EXPECT_EQ(why(it, ContainerField::Ip), WhyMissing::NoSuchThing);
}

// --- CRI-O

const std::string kCrioStore = "/run/containers/storage/overlay-containers/";

void write_crio_pod(HostRoot& host) {
  const std::string pod = R"("io.container.manager":"cri-o","io.kubernetes.cri-o.SandboxID":")" +
                          kPodId + R"(","io.kubernetes.pod.name":"shop-0",
      "io.kubernetes.pod.namespace":"prod","io.kubernetes.pod.uid":"1-2-3",)";
  host.write(
      kCrioStore + kId + "/userdata/config.json",
      oci(pod + R"("io.kubernetes.cri-o.ContainerType":"container",
      "io.kubernetes.container.name":"cart","io.kubernetes.cri-o.Created":"2026-03-04T05:06:07Z",
      "io.kubernetes.cri-o.ImageName":"quay.example/cart:v2","io.kubernetes.cri-o.ImageRef":")" +
          kImageId +
          R"(","io.kubernetes.cri-o.Labels":"{\"io.kubernetes.container.name\":\"cart\"}")"));
  host.write(kCrioStore + kPodId + "/userdata/config.json",
             oci(pod + R"("io.kubernetes.cri-o.ContainerType":"sandbox",
      "io.kubernetes.cri-o.IP.0":"10.85.0.4","io.kubernetes.cri-o.CNIResult":"{\"ips\":[]}",
      "io.kubernetes.cri-o.Labels":"{\"team\":\"one\",\"io.kubernetes.pod.name\":\"shop-0\"}")"));
  host.write(
      kStore + "/overlay-images/images.json",
      R"([{"id":")" + kImageId + R"(","digest":"sha256:99","names":["quay.example/cart:v2"]}])");
}

TEST(Finder, ReadsPodsOfCrio) {
  HostRoot host;
  write_crio_pod(host);
  const ContainerMetadata it =
      look(host, "/kubepods.slice/kubepods-pod1.slice/crio-" + kId + ".scope");
  EXPECT_EQ(container_type_name(it.type), "cri-o");
  EXPECT_EQ(it.name, "cart");
  EXPECT_EQ(it.image_repository, "quay.example/cart");
  EXPECT_EQ(it.image_tag, "v2");
  EXPECT_EQ(it.image_id, kImageId);
  EXPECT_EQ(it.image_digest, "sha256:99");
  EXPECT_EQ(it.pod_sandbox_id, kPodId);
  EXPECT_EQ(it.ip, "10.85.0.4");
  EXPECT_EQ(it.cni_json, R"({"ips":[]})");
  EXPECT_EQ(labels_of(it.pod_sandbox_labels),
            "io.kubernetes.pod.name=shop-0,io.kubernetes.pod.namespace=prod,"
            "io.kubernetes.pod.uid=1-2-3,team=one,");
  EXPECT_THAT(labels_of(it.labels), HasSubstr("io.kubernetes.pod.name=shop-0"));
}

// --- bare runtimes

const char* const kBare = "/boxes/box-1";

TEST(Finder, ReadsTheBundleThatRuncNoted) {
  HostRoot host;
  host.write("/run/runc/box-1/state.json",
             R"({"id":"box-1","config":{"labels":["a=b","bundle=/srv/box"]}})");
  host.write("/srv/box/config.json", oci(""));
  const ContainerMetadata it = look(host, kBare);
  EXPECT_EQ(it.name, "box-1");
  EXPECT_EQ(it.privileged, false);
  EXPECT_EQ(why(it, ContainerField::Image), WhyMissing::NoSuchThing);
}

TEST(Finder, ReadsTheBundleThatCrunNoted) {
  HostRoot host;
  host.write("/run/crun/box-1/status", R"({"pid":7,"bundle":"/srv/box"})");
  host.write("/srv/box/config.json", oci(""));
  EXPECT_EQ(look(host, kBare).name, "box-1");
}

// Before runc has noted anything its command line tells.
TEST(Finder, ReadsTheBundleOnTheRuntimesCommandLine) {
  HostRoot host;
  host.write("/srv/box/config.json", oci(""));
  host.link("/proc/50/root", "../..");
  host.link("/proc/50/cwd", "/srv/box");
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"runc", "run", "--bundle", "/srv/box", "box-1"},
        {"/usr/sbin/runc", "run", "--bundle=/srv/box", "box-1"},
        {"runc", "create", "-b", "../box", "box-1"},
        {"runc", "run", "box-1"}}) {
    host.process(50, 1, args, "/user.slice");
    host.process(100, 50, {"runc", "init"}, kBare);
    EXPECT_EQ(look(host, kBare).name, "box-1") << args[1];
  }
}

TEST(Finder, BelievesNoRuntimeInsideTheContainer) {
  HostRoot host;
  host.write("/srv/box/config.json", oci(""));
  host.link("/proc/50/root", "../..");
  host.process(50, 1, {"runc", "run", "--bundle", "/srv/box", "box-1"}, kBare);
  host.process(100, 50, {"app"}, kBare);
  EXPECT_EQ(look(host, kBare).name, "");
  host.process(50, 1, {"vi", "run", "--bundle", "/srv/box", "box-1"}, "/user.slice");
  EXPECT_EQ(look(host, kBare).name, "") << "no runtime";
}

TEST(Finder, KnowsWhatThePrivilegedFlagComesTo) {
  HostRoot host;
  host.write("/run/crun/box-1/status", R"({"bundle":"/srv/box"})");
  const auto with = [&](const std::string& caps, const std::string& masked) {
    host.write("/srv/box/config.json",
               R"({"process":{"capabilities":{"bounding":[)" + caps +
                   R"(]}},"linux":{"maskedPaths":)" + masked +
                   R"(,"resources":{"devices":[{"allow":true,"access":"rwm"}]}}})");
    return look(host, kBare);
  };
  EXPECT_EQ(with(R"("CAP_SYS_ADMIN","CAP_SYS_MODULE")", "[]").privileged, true);
  EXPECT_EQ(with(R"("CAP_SYS_ADMIN","CAP_SYS_MODULE")", R"(["/proc/kcore"])").privileged, false);
  EXPECT_EQ(with(R"("CAP_SYS_ADMIN")", "[]").privileged, false);
  EXPECT_EQ(with("", "[]").host_pid, true) << "no namespace of its own";
}

TEST(Finder, KnowsTheNameOfWhatHasNoFiles) {
  HostRoot host;
  for (const char* path : {"/lxc/box", "/lxc.payload.box/init.scope"}) {
    const ContainerMetadata it = look(host, path);
    EXPECT_EQ(container_type_name(it.type), "lxc");
    EXPECT_EQ(it.id, "box");
    EXPECT_EQ(why(it, ContainerField::Image), WhyMissing::NotOnDisk);
  }
}

// --- what is missing, damaged or hostile

TEST(Finder, NamesTheReasonWhenNothingIsThere) {
  HostRoot host;
  const ContainerMetadata it = look(host, "/docker/" + kId);
  EXPECT_EQ(it.name, "");
  EXPECT_EQ(why(it, ContainerField::Name), WhyMissing::NoFiles);
  EXPECT_EQ(why(it, ContainerField::Image), WhyMissing::NoFiles);
}

TEST(Finder, SurvivesFilesThatAreNotWhatTheyShouldBe) {
  std::string deep(300000, '[');
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string("[]"), std::string("7"), deep,
        std::string("\xff\xfe"), std::string(3 << 20, ' '),
        std::string(R"({"Config":[],"NetworkSettings":3,"MountPoints":"x","Name":{}})")}) {
    HostRoot host;
    host.write(kDockerFolder + "/config.v2.json", bad);
    host.write(kDockerFolder + "/hostconfig.json", bad);
    host.write(kTasks + "k8s.io/" + kId + "/config.json", bad);
    host.write("/run/runc/" + kId + "/state.json", bad);
    const ContainerMetadata it = look(host, "/docker/" + kId);
    EXPECT_EQ(it.image_repository, "");
    EXPECT_NE(why(it, ContainerField::Image), WhyMissing::Known);
  }
}

TEST(Finder, FollowsNoLinkOutOfTheRoot) {
  HostRoot host;
  const std::string outside = testing::TempDir() + "gyr_container_outside.json";
  std::ofstream(outside) << R"({"Name":"/stolen"})";
  host.link(kDockerFolder + "/config.v2.json", outside);
  EXPECT_EQ(look(host, "/docker/" + kId).name, "") << "means a file below the root";
  host.link(kDockerFolder + "/config.v2.json", "../../../../../../../../../../../.." + outside);
  EXPECT_EQ(look(host, "/docker/" + kId).name, "");
  host.write("/inside.json", R"({"Name":"/own"})");
  host.link(kDockerFolder + "/config.v2.json", "/inside.json");
  EXPECT_EQ(look(host, "/docker/" + kId).name, "own") << "a link inside is followed there";
  std::filesystem::remove(outside);
}

TEST(Finder, WaitsForNoPipe) {
  HostRoot host;
  host.write(kDockerFolder + "/x", "");
  ASSERT_EQ(mkfifo((host.root + kDockerFolder + "/config.v2.json").c_str(), 0600), 0);
  EXPECT_EQ(why(look(host, "/docker/" + kId), ContainerField::Name), WhyMissing::Unreadable);
}

// --- asking again

const std::string kGroups = "memory=/docker/" + kId + std::string(1, '\0');
const std::string kShort = kId.substr(0, 12);

TEST(Finder, TellsOnceAndIsDone) {
  HostRoot host;
  write_docker(host);
  ContainerFinder finder(*host.files);
  const ContainerAnswer first = finder.find(kShort, kGroups, 100, 1000);
  EXPECT_THAT(first.json, HasSubstr(R"("name":"web")"));
  EXPECT_EQ(first.ask_again_ns, ContainerAnswer::kNever);
  // Asked all the same: the container was started again.
  EXPECT_EQ(finder.find(kShort, kGroups, 100, 2000).json, first.json);
  EXPECT_EQ(finder.missing().text(), "");
}

TEST(Finder, LeavesOutLongLabels) {
  HostRoot host;
  write_docker(host);
  struct Case {
    size_t limit;
    bool app, longer;
  };
  for (const Case& one :
       {Case{kLabelLimit, true, false}, Case{101, true, true}, Case{3, false, false}}) {
    ContainerFinder finder(*host.files, nullptr, one.limit);
    const std::string json = finder.find(kShort, kGroups, 100, 1000).json;
    EXPECT_EQ(json.find(R"("app":"shop")") != std::string::npos, one.app) << one.limit;
    EXPECT_EQ(json.find(R"("long":"xxx)") != std::string::npos, one.longer) << one.limit;
  }
}

TEST(Finder, WantsToBeAskedAgainWhileSomethingMayCome) {
  HostRoot host;
  ContainerFinder finder(*host.files);
  const ContainerAnswer nothing = finder.find(kShort, kGroups, 100, 1000);
  EXPECT_EQ(nothing.json, "");
  EXPECT_EQ(nothing.ask_again_ns, 1000u) << "the next process may ask at once";
  EXPECT_THAT(finder.missing().text(), HasSubstr("image: 1 no_files"));
  write_docker(host);
  EXPECT_NE(finder.find(kShort, kGroups, 100, 1001).json, "");
  EXPECT_EQ(finder.missing().text(), "") << "counts what is so, not what was";
}

TEST(Finder, AsksWithGrowingPausesAndGivesUp) {
  HostRoot host;
  ContainerFinder finder(*host.files);
  uint64_t last_pause = 0;
  int asked = 0;
  for (; asked < 100; ++asked) {
    const uint64_t again = finder.find(kShort, kGroups, 100, 1000).ask_again_ns;
    if (again == ContainerAnswer::kNever) break;
    const uint64_t pause = again - 1000;
    EXPECT_TRUE(pause == last_pause || pause >= 2 * last_pause);
    last_pause = pause;
  }
  EXPECT_LT(asked, 30);
  EXPECT_GT(last_pause, 60'000'000'000u);
}

TEST(Finder, TellsAgainWhenMoreIsKnown) {
  HostRoot host;
  host.write(kTasks + "k8s.io/" + kId + "/config.json", oci(""));
  ContainerFinder finder(*host.files);
  EXPECT_THAT(finder.find(kShort, kGroups, 100, 1).json, testing::Not(HasSubstr("\"ip\"")));
  EXPECT_EQ(finder.find(kShort, kGroups, 100, 2).json, "") << "nothing new";
  host.process(100, 1, {"app"}, "/docker/" + kId);
  host.address(100, "10.0.0.3");
  const ContainerAnswer more = finder.find(kShort, kGroups, 100, 3);
  EXPECT_THAT(more.json, HasSubstr(R"("ip":"10.0.0.3")"));
  EXPECT_EQ(more.ask_again_ns, ContainerAnswer::kNever);
}

TEST(Finder, ForgetsWhatItIsToldOf) {
  HostRoot host;
  ContainerFinder finder(*host.files);
  finder.find("boxone", "cpu=/lxc/boxone", 100, 1);
  finder.find("boxtwo", "cpu=/lxc/boxtwo", 100, 1);
  EXPECT_NE(finder.missing_of("boxone"), "");
  const size_t reasons = finder.missing().table().size();
  finder.forget("");
  finder.forget("nobody");
  EXPECT_EQ(finder.containers(), 2u);
  finder.forget("boxone");
  EXPECT_EQ(finder.containers(), 1u);
  EXPECT_EQ(finder.missing_of("boxone"), "");
  EXPECT_NE(finder.missing_of("boxtwo"), "");
  EXPECT_EQ(finder.missing().table().size(), reasons);
  finder.forget("boxtwo");
  EXPECT_TRUE(finder.missing().table().empty()) << "it lacks nothing any more";
}

TEST(Finder, ForgetsRatherThanGrows) {
  HostRoot host;
  ContainerFinder finder(*host.files);
  for (int i = 0; i < 17000; ++i) {
    const std::string name = fmt::format("box{}", i);
    finder.find(name, "cpu=/lxc/" + name, 100, 1);
  }
  EXPECT_LE(finder.containers(), 16384u);
}

}  // namespace
}  // namespace gyr
