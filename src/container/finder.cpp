// SPDX-License-Identifier: Apache-2.0
#include "container/finder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "container/runtime_files.h"
#include "container/runtime_process.h"

namespace gyr {

std::span<const std::string_view> runtime_folders() {
  static constexpr std::string_view kFolders[] = {"/var/lib/docker/containers",
                                                  "/var/lib/containers/storage",
                                                  "/run/containers/storage",
                                                  "/run/containerd/io.containerd.runtime.v2.task",
                                                  "/run/runc",
                                                  "/run/crun"};
  return kFolders;
}
namespace {

constexpr auto kAllFields = [] {
  std::array<ContainerField, static_cast<size_t>(ContainerField::Count)> fields{};
  for (size_t i = 0; i < fields.size(); ++i) fields[i] = static_cast<ContainerField>(i);
  return fields;
}();

// Runtimes of which nothing but the name is known.
ContainerMetadata named_only(ContainerType type, ContainerMetadata metadata) {
  metadata.type = static_cast<int64_t>(type);
  for (const ContainerField field : kAllFields) metadata[field] = WhyMissing::NotOnDisk;
  metadata[ContainerField::Type] = WhyMissing::Known;
  return metadata;
}

bool has_label(const ContainerLabels& labels, std::string_view key) {
  return std::any_of(labels.begin(), labels.end(),
                     [&](const auto& label) { return label.first == key; });
}

// What the pod's sandbox says about all its containers.
void add_sandbox(const ContainerMetadata& sandbox, ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  if (to.ip.empty()) to.ip = sandbox.ip;
  if (to.cni_json.empty()) to.cni_json = sandbox.cni_json;
  to.pod_sandbox_labels = sandbox.labels;
  // Containers join the namespaces of the sandbox, the host's too.
  if (sandbox.host_network) to.host_network = sandbox.host_network;
  if (sandbox.host_ipc.value_or(false)) to.host_ipc = true;
  if (sandbox.host_pid.value_or(false)) to.host_pid = true;
}

// From `bundle`, "" where the runtime keeps it otherwise.
bool read_from(RuntimeFiles& files, const ContainerPath& path, const std::string& bundle,
               ContainerMetadata* metadata) {
  if (bundle.empty() && read_docker(files, path.full_id, metadata)) return true;
  const std::string where = bundle.empty() ? find_bundle(files, path.full_id, path.space) : bundle;
  if (where.empty() || !read_bundle(files, where, metadata)) return false;
  const std::string& sandbox_id = metadata->pod_sandbox_id;
  if (sandbox_id.empty() || sandbox_id == metadata->full_id) return true;
  const std::string sandbox_bundle = find_bundle(files, sandbox_id, path.space);
  ContainerMetadata sandbox;
  sandbox.full_id = sandbox_id;
  if (!sandbox_bundle.empty() && read_bundle(files, sandbox_bundle, &sandbox)) {
    add_sandbox(sandbox, metadata);
  }
  return true;
}

// Every field that is still empty gets a reason, unless a reader gave one.
void explain(const RuntimeFiles& files, ContainerMetadata* metadata) {
  ContainerMetadata& it = *metadata;
  const auto explain_one = [&](ContainerField field, bool known, WhyMissing otherwise) {
    if (known) {
      it[field] = WhyMissing::Known;
    } else if (it[field] == WhyMissing::Known) {
      it[field] = otherwise;
    }
  };
  const bool in_pod = has_label(it.labels, "io.kubernetes.pod.name");
  const WhyMissing fault = files.fault();
  explain_one(ContainerField::Name, !it.name.empty(), fault);
  explain_one(ContainerField::Type, !container_type_name(it.type).empty(), fault);
  // A sandbox need not have an image.
  const WhyMissing no_image = it.is_pod_sandbox ? WhyMissing::NoSuchThing : fault;
  explain_one(ContainerField::Image, !it.image.empty(), no_image);
  explain_one(ContainerField::ImageId, !it.image_id.empty(), no_image);
  explain_one(ContainerField::ImageDigest, !it.image_digest.empty(), no_image);
  explain_one(ContainerField::Privileged, it.privileged.has_value(), fault);
  explain_one(ContainerField::Namespaces, it.host_network.has_value(), fault);
  explain_one(ContainerField::Mounts, !it.mounts.empty(), WhyMissing::NoSuchThing);
  explain_one(ContainerField::Labels, !it.labels.empty(), WhyMissing::NoSuchThing);
  const bool no_network = it.host_network.value_or(false);
  explain_one(ContainerField::Ip, !it.ip.empty(),
              no_network ? WhyMissing::NoSuchThing : WhyMissing::NotYet);
  explain_one(ContainerField::Pod, in_pod, WhyMissing::NoSuchThing);
  const bool pod_labels = !it.pod_sandbox_labels.empty() || it.is_pod_sandbox;
  if (!in_pod) it[ContainerField::PodLabels] = WhyMissing::NoSuchThing;
  explain_one(ContainerField::PodLabels,
              in_pod && pod_labels && it[ContainerField::PodLabels] != WhyMissing::NotOnDisk,
              WhyMissing::NoSuchThing);
  explain_one(ContainerField::CniJson, !it.cni_json.empty(),
              in_pod && !no_network ? WhyMissing::NotYet : WhyMissing::NoSuchThing);
}

bool is_loss(WhyMissing why) { return why != WhyMissing::Known && why != WhyMissing::NoSuchThing; }

bool is_complete(const ContainerMetadata& metadata) {
  return std::none_of(metadata.why.begin(), metadata.why.end(), [](WhyMissing why) {
    return why == WhyMissing::NotYet || why == WhyMissing::NoFiles ||
           why == WhyMissing::Unreadable || why == WhyMissing::Damaged ||
           why == WhyMissing::ApiBusy;
  });
}

}  // namespace

void MissingCounts::add(const Reasons& reasons, int64_t by) {
  for (size_t field = 0; field < kFields; ++field) {
    counts_[field][static_cast<size_t>(reasons[field])] += static_cast<uint64_t>(by);
  }
}

std::vector<MissingCounts::Row> MissingCounts::table() const {
  std::vector<Row> rows;
  for (const ContainerField field : kAllFields) {
    for (size_t i = 0; i < kWhys; ++i) {
      const auto why = static_cast<WhyMissing>(i);
      if (is_loss(why) && of(field, why) > 0) rows.push_back({field, why, of(field, why)});
    }
  }
  return rows;
}

std::string MissingCounts::text() const {
  std::string text;
  auto last = ContainerField::Count;
  for (const Row& row : table()) {
    if (row.field == last) {
      text += ", ";
    } else {
      text += fmt::format("{}{}: ", text.empty() ? "" : "; ", container_field_name(row.field));
    }
    text += fmt::format("{} {}", row.containers, why_missing_name(row.why));
    last = row.field;
  }
  return text;
}

// Looked for by the whole id; the short one is its beginning.
ContainerFinder::Memories::const_iterator ContainerFinder::memory_of(std::string_view id) const {
  if (id.empty()) return memory_.end();
  return std::find_if(memory_.begin(), memory_.end(),
                      [&](const auto& entry) { return entry.first.starts_with(id); });
}

void ContainerFinder::forget(std::string_view id) {
  const auto at = memory_of(id);
  if (at == memory_.end()) return;
  missing_.add(at->second.reasons, -1);
  memory_.erase(at);
}

std::string ContainerFinder::missing_of(std::string_view id) const {
  const auto at = memory_of(id);
  if (at == memory_.end()) return "";
  MissingCounts one;
  one.add(at->second.reasons, 1);
  std::string text;
  for (const MissingCounts::Row& row : one.table()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", container_field_name(row.field),
                        why_missing_name(row.why));
  }
  return text;
}

void ContainerFinder::find_files(const ContainerPath& path, int64_t pid,
                                 ContainerMetadata* metadata) const {
  const auto found = [&](std::string folder, const std::string& bundle) {
    RuntimeFiles files(files_, std::move(folder));
    ContainerMetadata one = *metadata;
    const bool known = read_from(files, path, bundle, &one);
    if (known) *metadata = std::move(one);
    if (!known && files.fault() == WhyMissing::NoFiles) return false;
    // What is there but cannot be read is what there is to say.
    if (known && metadata->ip.empty()) metadata->ip = own_address(files_, pid).value_or("");
    explain(files, metadata);
    return known;
  };
  if (found("", "")) return;
  for (const RuntimeProcess& runtime : runtime_processes(files_, pid, path.full_id)) {
    const std::string root = fmt::format("/proc/{}/root", runtime.pid);
    if (metadata->name.empty()) metadata->name = runtime.name;
    if (!runtime.bundle.empty() && found(root, runtime.bundle)) return;
    if (runtime.has_own_mounts && found(root, "")) return;
  }
  const RuntimeFiles none(files_, "");
  explain(none, metadata);
}

ContainerMetadata ContainerFinder::look(const ContainerPath& path, int64_t pid) const {
  ContainerMetadata metadata;
  metadata.id = path.id;
  metadata.full_id = path.full_id;
  switch (path.pattern) {
    case CgroupPattern::Lxc:
      return named_only(ContainerType::Lxc, std::move(metadata));
    case CgroupPattern::LibvirtLxc:
      return named_only(ContainerType::LibvirtLxc, std::move(metadata));
    case CgroupPattern::Bpm:
      return named_only(ContainerType::Bpm, std::move(metadata));
    case CgroupPattern::Containerd:
      // Its pattern is asked before lxc's and fits "/lxc/NAME" too.
      if (path.space.starts_with("lxc")) return named_only(ContainerType::Lxc, std::move(metadata));
      [[fallthrough]];
    case CgroupPattern::Podman:
    case CgroupPattern::Docker:
    case CgroupPattern::Cri:
      find_files(path, pid, &metadata);
  }
  return metadata;
}

// Once for each container and each of its starts, as soon as its files lack what an API knows.
void ContainerFinder::ask_api(const ContainerPath& path, Memory* memory,
                              ContainerMetadata* metadata) const {
  if (memory->reply) return add_reply(*memory->reply, metadata);
  if (memory->asked_with) {
    *memory->asked_with = *metadata;
    return set_api_reason(WhyMissing::ApiPending, metadata);
  }
  const bool no_files = metadata->name.empty() && container_type_name(metadata->type).empty();
  if (!ask_ || (no_files && memory->attempts < kLooksForFiles)) return;
  ContainerQuestion question = question_about(path, *metadata);
  if (question.apis.empty()) return;
  const WhyMissing why = ask_(std::move(question));
  if (why == WhyMissing::ApiPending) {
    memory->asked_with = std::make_unique<ContainerMetadata>(*metadata);
  }
  set_api_reason(why, metadata);
}

// Those of Kubernetes are what fields are made of.
void ContainerFinder::leave_out_long(ContainerLabels* labels) const {
  std::erase_if(*labels, [this](const auto& label) {
    return label.second.size() > label_limit_ && !label.first.starts_with("io.kubernetes.");
  });
}

std::string ContainerFinder::news(const ContainerMetadata& metadata, Memory* memory) {
  const bool found = std::any_of(metadata.why.begin(), metadata.why.end(),
                                 [](WhyMissing why) { return why == WhyMissing::Known; });
  if (!found) return "";
  ContainerMetadata told = metadata;
  leave_out_long(&told.labels);
  leave_out_long(&told.pod_sandbox_labels);
  std::string json = container_json(told);
  if (json == memory->told) return "";
  memory->told = json;
  return json;
}

std::string ContainerFinder::take(ContainerReply reply) {
  const auto at = memory_.find(reply.full_id);
  if (at == memory_.end() || !at->second.asked_with) return "";
  Memory& memory = at->second;
  const auto metadata = std::exchange(memory.asked_with, nullptr);
  missing_.add(memory.reasons, -1);
  memory.reply = std::make_unique<ContainerReply>(std::move(reply));
  add_reply(*memory.reply, metadata.get());
  memory.reasons = metadata->why;
  missing_.add(memory.reasons, 1);
  return news(*metadata, &memory);
}

ContainerAnswer ContainerFinder::find(std::string_view id, std::string_view cgroups, int64_t pid,
                                      uint64_t now_ns) {
  const std::optional<ContainerPath> path = container_path_in(cgroups);
  if (!path || path->id != id) return {};
  if (memory_.size() >= kLimit && !memory_.contains(path->full_id)) {
    memory_.clear();
    missing_ = {};
  }
  Memory& memory = memory_[std::string(path->full_id)];
  const bool afresh = memory.attempts == 0 || memory.attempts >= kAttempts;
  if (memory.attempts > 0) missing_.add(memory.reasons, -1);
  memory.attempts = afresh ? 1 : memory.attempts + 1;
  if (afresh) {  // a container that was started again, or forgotten
    memory.told.clear();
    memory.reply = nullptr;
  }
  ++attempts_;
  ContainerMetadata metadata = look(*path, pid);
  ask_api(*path, &memory, &metadata);
  memory.reasons = metadata.why;
  missing_.add(memory.reasons, 1);
  ContainerAnswer answer;
  answer.json = news(metadata, &memory);
  if (is_complete(metadata)) {
    memory.attempts = kAttempts;
  } else if (memory.attempts < kAttempts) {
    const int pause = memory.attempts - kAtOnce;
    answer.ask_again_ns = pause < 0 ? now_ns : now_ns + (kPauseNs << pause);
  }
  return answer;
}

}  // namespace gyr
