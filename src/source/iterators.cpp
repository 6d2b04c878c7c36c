// SPDX-License-Identifier: Apache-2.0
#include "source/host_lists.h"

#if !GYR_PROBE

namespace gyr {
Result<std::unique_ptr<HostLists>> open_iterators() {
  return Error{"this gyr was built without live capture (GYR_PROBE=OFF)"};
}
}  // namespace gyr

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <vector>

#include "iter_shared.h"
//
#include "base/system.h"
#include "gyr_iter.skel.h"
#include "source/live_checks.h"

namespace gyr {
namespace {

struct IterDeleter {
  void operator()(gyr_iter* object) const { gyr_iter__destroy(object); }
};
using Object = std::unique_ptr<gyr_iter, IterDeleter>;

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int silent(libbpf_print_level, const char*, va_list) { return 0; }

// While it lasts libbpf says nothing: an attempt may fail, and the error tells. Whoever listened
// before does so again afterwards.
class Silence {
 public:
  Silence() : before_(libbpf_set_print(silent)) {}
  ~Silence() { libbpf_set_print(before_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  libbpf_print_fn_t before_;
};

Error failed(std::string_view what, int number) {
  return {fmt::format("{}: {}", what, std::strerror(number))};
}

// A type that the kernel itself lacks is looked for in its modules (probe_load.cpp).
void look_through_modules(const gyr_iter& object) {
  bpf_program__set_attach_target(object.progs.list_tasks, 0, "gyr_does_not_exist");
}

// `paths`: with the program that asks the kernel for paths.
Result<Object> load(bool paths) {
  Object object(gyr_iter__open());
  if (!object) return failed("cannot open the programs", errno);
  const auto status = own_status();
  if (!status || !status->has(Capability::SysAdmin)) look_through_modules(*object);
  bpf_program__set_autoload(paths ? object->progs.list_files_unnamed : object->progs.list_files,
                            false);
  const int refused = gyr_iter__load(object.get());
  if (refused != 0) return failed("the kernel refused the programs", -refused);
  return object;
}

// The iterators show the pid namespace of whoever reads them.
bool is_in_host_pid_namespace() {
  return system_files("")->read_link("/proc/self/ns/pid").value_or("") == kInitPidNamespace;
}

class Iterators final : public HostLists {
 public:
  Result<void> start() {
    if (!is_in_host_pid_namespace()) {
      return Error{"this is not the host's pid namespace, which alone they list"};
    }
    const Silence silence;
    const bool may_ask_for_paths = !running_kernel().before(5, 12);
    auto loaded = load(may_ask_for_paths);
    if (!loaded && may_ask_for_paths) loaded = load(false);
    if (!loaded) return loaded.error();
    object_ = *std::move(loaded);
    const auto& programs = object_->progs;
    bpf_program* list_files = bpf_program__autoload(programs.list_files)
                                  ? programs.list_files
                                  : programs.list_files_unnamed;
    tasks_.reset(bpf_program__attach_iter(programs.list_tasks, nullptr));
    if (!tasks_) return failed("the kernel has no iterator over threads", errno);
    files_.reset(bpf_program__attach_iter(list_files, nullptr));
    if (!files_) return failed("the kernel has no iterator over descriptors", errno);
    malloc_trim(0);  // of the kernel's type information, which took some ten megabytes
    return {};
  }

  Result<void> each_task(const TakeTask& take) override {
    return read(*tasks_, [&](std::span<const uint8_t> bytes) { return parse_tasks(bytes, take); });
  }
  Result<void> each_file(const TakeFile& take) override {
    return read(*files_, [&](std::span<const uint8_t> bytes) { return parse_files(bytes, take); });
  }

 private:
  // A read gives at most 32 KiB, the kernel's buffer.
  template <class Parse>
  Result<void> read(bpf_link& link, const Parse& parse) {
    const FileDescriptor list(bpf_iter_create(bpf_link__fd(&link)));
    if (list.get() < 0) return failed("the kernel gave no list", errno);
    buffer_.resize(kBufferBytes);
    size_t have = 0;
    for (;;) {
      const ssize_t got = ::read(list.get(), buffer_.data() + have, buffer_.size() - have);
      if (got < 0) {
        // After very many threads without any record the kernel lets others run.
        if (errno == EAGAIN || errno == EINTR) continue;
        return failed("the kernel's list cannot be read", errno);
      }
      if (got == 0) break;
      have += static_cast<size_t>(got);
      const auto used = parse({buffer_.data(), have});
      if (!used) return used.error();
      have -= *used;  // a rest is shorter than a record
      std::memmove(buffer_.data(), buffer_.data() + *used, have);
    }
    if (have != 0) return Error{"the kernel's list ends within a record"};
    return {};
  }

  static constexpr size_t kBufferBytes = 64ul * 1024;
  static_assert(kBufferBytes > sizeof(gyr_file_record) + GYR_NAME_MAX + 32ul * 1024);
  Object object_;
  Link tasks_, files_;  // unmade before the programs
  std::vector<uint8_t> buffer_;
};

}  // namespace

Result<std::unique_ptr<HostLists>> open_iterators() {
  auto iterators = std::make_unique<Iterators>();
  if (auto started = iterators->start(); !started) return started.error();
  return std::unique_ptr<HostLists>(std::move(iterators));
}

}  // namespace gyr

#endif
