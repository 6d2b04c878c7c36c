// SPDX-License-Identifier: Apache-2.0
#include "source/probe_load.h"

#if GYR_PROBE

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "shared.h"
//
#include "base/text.h"
#include "gyr_portable.skel.h"
#include "gyr_probe.skel.h"
#include "source/kernel_types.h"
#include "source/live_checks.h"

namespace gyr {
namespace {

// Older verifiers fail with an error of their own when a log does not fit; memory that is not
// written to costs nothing.
constexpr size_t kLogBytes = 16ul << 20;
constexpr size_t kReasonLimit = 200;  // bytes of a verifier's line that are told
// Programs of which exactly one is loaded, whose refusal is the end.
constexpr std::string_view kExitPrograms[] = {"sys_exit", "held_exit", "call_exit"};

// Both objects are made from one source: what one skeleton says of programs, maps and variables is
// true of the other.
Probe open_probe(bool typed) {
#define SAME(part, variable)                                        \
  static_assert(offsetof(gyr_probe::gyr_probe__##part, variable) == \
                offsetof(gyr_portable::gyr_portable__##part, variable))
  SAME(rodata, own_tgid);
  SAME(rodata, boot_to_epoch_ns);
  SAME(rodata, drop_failed);
  SAME(rodata, snaplen);
  SAME(rodata, page_kib);
  SAME(rodata, preemptible);
  SAME(rodata, has_rdonly_cast);
  SAME(bss, looks);
  SAME(bss, calls);
  SAME(rodata, completion_by_pointer);
  SAME(bss, packed_calls);
  SAME(bss, uring_calls);
  SAME(bss, process_exit_wanted);
  SAME(bss, exec_by_tracepoint);
  SAME(bss, losses_taken_ns);
  SAME(bss, shed_calls);
  SAME(bss, has_talkers);
  SAME(bss, reader_asleep);
#undef SAME
  Probe probe(static_cast<gyr_probe*>(std::calloc(1, sizeof(gyr_probe))));
  if (!probe || gyr_probe__create_skeleton(probe.get()) != 0) return nullptr;
  if (!typed) probe->skeleton->data = gyr_portable__elf_bytes(&probe->skeleton->data_sz);
  if (bpf_object__open_skeleton(probe->skeleton, nullptr) != 0) return nullptr;
  return probe;
}

// What the verifier said last, without its statistics.
std::string last_words(const char* log) {
  std::string_view said;
  for (const std::string_view line : split(log, '\n')) {
    const bool counts = line.starts_with("processed ") || line.starts_with("verification time") ||
                        line.starts_with("stack depth");
    if (!counts && !trim(line).empty()) said = trim(line);
  }
  return std::string(said.substr(0, kReasonLimit));
}

struct Attempt {
  bpf_program* program;
  std::string name;
  std::unique_ptr<char[]> log;
};

// A type or function that the kernel itself lacks is looked for in its modules, for which libbpf
// before 1.4 needs CAP_SYS_ADMIN, else it gives up. It looks only once: here, where the answer does
// not matter.
void look_through_modules(const gyr_probe& probe) {
  bpf_program__set_attach_target(probe.progs.process_exit, 0, "gyr_does_not_exist");
}

class Loader {
 public:
  explicit Loader(const ProbeRequest& request) : request_(request) {
    const auto status = own_status();
    is_admin_ = status && status->has(Capability::SysAdmin);
  }

  Result<LoadedProbe> load() {
    for (;;) {
      Probe probe = open_probe(request_.typed);
      if (!probe) {
        return Error{fmt::format("cannot open the eBPF probe: {}", std::strerror(errno))};
      }
      if (!is_admin_) look_through_modules(*probe);
      request_.prepare(*probe);
      const std::vector<Attempt> attempts = choose(*probe);
      const int failed = gyr_probe__load(probe.get());
      if (!failed) return LoadedProbe{std::move(probe), std::move(refused_)};
      if (!note_refusal(attempts)) return load_error(-failed);  // each time one program less
    }
  }

 private:
  bool is_left_out(std::string_view name) const {
    return std::find(request_.left_out.begin(), request_.left_out.end(), name) !=
           request_.left_out.end();
  }

  bool is_spoilt(std::string_view name) const {
    return std::find(request_.spoilt.begin(), request_.spoilt.end(), name) != request_.spoilt.end();
  }

  // The programs to load, each with a log of its own.
  std::vector<Attempt> choose(const gyr_probe& probe) {
    std::vector<Attempt> attempts;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, probe.obj) {
      const std::string name = bpf_program__name(program);
      const bool is_exit = std::find(std::begin(kExitPrograms), std::end(kExitPrograms), name) !=
                           std::end(kExitPrograms);
      if (!is_exit) note_missing_tracepoint(program, name);
      const bool wanted =
          is_exit ? name == request_.exit_program : !refused_.contains(name) && !is_left_out(name);
      bpf_program__set_autoload(program, wanted);
      if (!wanted) continue;
      // No program at a tracepoint may sleep: every verifier refuses that.
      if (is_spoilt(name)) bpf_program__set_flags(program, BPF_F_SLEEPABLE);
      if (is_exit) continue;
      attempts.push_back({program, name, std::make_unique_for_overwrite<char[]>(kLogBytes)});
      attempts.back().log[0] = 0;
      bpf_program__set_log_buf(program, attempts.back().log.get(), kLogBytes);
    }
    return attempts;
  }

  // libbpf does not load an object one of whose tracepoints has no type.
  void note_missing_tracepoint(bpf_program* program, const std::string& name) {
    constexpr std::string_view kTyped = "tp_btf/";
    const std::string_view section = bpf_program__section_name(program);
    if (!section.starts_with(kTyped) || !request_.kernel.known()) return;
    const std::string_view tracepoint = section.substr(kTyped.size());
    if (!request_.kernel.has_tracepoint(tracepoint)) {
      refused_.emplace(name, fmt::format("this kernel has no tracepoint {}", tracepoint));
    }
  }

  // The kernel writes the log of a program that it refuses, of no other.
  bool note_refusal(const std::vector<Attempt>& attempts) {
    bool any = false;
    for (const Attempt& attempt : attempts) {
      if (attempt.log[0] == 0) continue;
      refused_.emplace(attempt.name, fmt::format("the kernel refused the program: {}",
                                                 last_words(attempt.log.get())));
      any = true;
    }
    return any;
  }

  const ProbeRequest& request_;
  bool is_admin_ = false;
  std::map<std::string, std::string> refused_;
};

}  // namespace

void ProbeDeleter::operator()(gyr_probe* probe) const { gyr_probe__destroy(probe); }

Result<LoadedProbe> load_probe(const ProbeRequest& request) { return Loader(request).load(); }

}  // namespace gyr

#endif
