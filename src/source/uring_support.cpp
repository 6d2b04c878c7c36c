// SPDX-License-Identifier: Apache-2.0
#include "source/uring_support.h"

#if GYR_PROBE

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <string_view>
#include <vector>

#include "gyr_probe.skel.h"
#include "source/kernel_types.h"
#include "source/live.h"

namespace gyr {
namespace {

struct Operation {
  uint32_t number;  // IORING_OP_* of <linux/io_uring.h>
  Sc call;
};
constexpr uint32_t kAtPosition = GYR_OPERATIONS;
constexpr auto kOperations = std::to_array<Operation>({
    {1, Sc::READV},
    {1 + kAtPosition, Sc::PREADV},
    {2, Sc::WRITEV},
    {2 + kAtPosition, Sc::PWRITEV},
    {4, Sc::READ},  // into a registered buffer
    {4 + kAtPosition, Sc::PREAD64},
    {5, Sc::WRITE},
    {5 + kAtPosition, Sc::PWRITE64},
    {9, Sc::SENDMSG},
    {10, Sc::RECVMSG},
    {13, Sc::ACCEPT4},
    {16, Sc::CONNECT},
    {18, Sc::OPENAT},
    {19, Sc::CLOSE},
    {22, Sc::READ},
    {22 + kAtPosition, Sc::PREAD64},
    {23, Sc::WRITE},
    {23 + kAtPosition, Sc::PWRITE64},
    {26, Sc::SENDTO},  // what send(2) of the C library is
    {27, Sc::RECVFROM},
    {28, Sc::OPENAT2},
    {34, Sc::SHUTDOWN},
    {35, Sc::RENAMEAT2},
    {36, Sc::UNLINKAT},
    {37, Sc::MKDIRAT},
    {38, Sc::SYMLINKAT},
    {39, Sc::LINKAT},
    {45, Sc::SOCKET},
    {47, Sc::SENDTO},   // without copying
    {48, Sc::SENDMSG},  // without copying
    {56, Sc::BIND},
    {57, Sc::LISTEN},
});

// The parameters of a tracepoint, 0 if there is none or another's first parameter is not `first`.
size_t tracepoint_parameters(const btf* types, const std::string& name, std::string_view first) {
  const int id = btf__find_by_name_kind(types, ("btf_trace_" + name).c_str(), BTF_KIND_TYPEDEF);
  const btf_type* type = id > 0 ? btf__type_by_id(types, static_cast<__u32>(id)) : nullptr;
  if (type == nullptr) return 0;
  type = btf__type_by_id(types, type->type);  // a pointer to a function, whose first is the data
  if (type == nullptr || !btf_is_ptr(type)) return 0;
  type = btf__type_by_id(types, type->type);
  if (type == nullptr || !btf_is_func_proto(type) || btf_vlen(type) < 2) return 0;
  const size_t count = btf_vlen(type) - 1u;
  if (first.empty()) return count;
  const btf_type* parameter = btf__type_by_id(types, btf_params(type)[1].type);
  if (parameter == nullptr || !btf_is_ptr(parameter)) return 0;
  const btf_type* target = btf__type_by_id(types, parameter->type);
  return target != nullptr && btf__name_by_offset(types, target->name_off) == first ? count : 0;
}

// A program that is still under way may put in more: what the map can hold is taken out, at most.
void empty_map(const bpf_map* map) {
  std::array<uint64_t, 2> key{};  // room for that of any of these maps
  const int fd = bpf_map__fd(map);
  for (uint32_t i = 0; i < bpf_map__max_entries(map); ++i) {
    if (bpf_map_get_next_key(fd, nullptr, key.data()) != 0) return;
    bpf_map_delete_elem(fd, key.data());
  }
}

}  // namespace

bool is_uring_call(Sc sc) {
  for (const Operation& each : kOperations) {
    if (each.call == sc) return true;
  }
  return false;
}

std::array<gyr_call, size_t{2} * GYR_OPERATIONS> uring_call_table(std::span<const Sc> wanted) {
  std::vector<bool> chosen(kScLimit);
  for (const Sc sc : wanted) {
    if (is_collected(sc)) chosen[static_cast<size_t>(sc)] = true;
  }
  // Calls that do the same as another: either being wanted is enough.
  const auto also = [&](Sc call, Sc instead) {
    if (chosen[static_cast<size_t>(call)]) return call;
    return chosen[static_cast<size_t>(instead)] ? instead : Sc::UNKNOWN;
  };
  std::array<gyr_call, size_t{2} * GYR_OPERATIONS> table{};
  for (const Operation& each : kOperations) {
    Sc call = chosen[static_cast<size_t>(each.call)] ? each.call : Sc::UNKNOWN;
    if (each.call == Sc::ACCEPT4) call = also(Sc::ACCEPT4, Sc::ACCEPT);
    if (each.call == Sc::RENAMEAT2) call = also(Sc::RENAMEAT2, Sc::RENAMEAT);
    if (call == Sc::UNKNOWN) continue;
    const ScInfo* info = sc_info(static_cast<uint16_t>(call));
    table[each.number] = {.event = static_cast<uint16_t>(info->event),
                          .sc = static_cast<uint16_t>(call)};
  }
  return table;
}

std::vector<std::string> uring_programs_of_no_use(const UringSupport& support) {
  if (!support.requests) {
    return {"uring_submit", "uring_submit_old", "uring_complete", "find_issue_defs"};
  }
  return {support.submit_sqe ? "uring_submit" : "uring_submit_old"};
}

UringSupport uring_support(const KernelTypes& kernel) {
  UringSupport support;
  const btf* types = kernel.types();
  if (types == nullptr) return support;
  support.exists = kernel.has_structure("io_kiocb");
  const bool submit_req = tracepoint_parameters(types, "io_uring_submit_req", "io_kiocb") != 0;
  support.submit_sqe =
      !submit_req && tracepoint_parameters(types, "io_uring_submit_sqe", "io_kiocb") != 0;
  const size_t completion = tracepoint_parameters(types, "io_uring_complete", "");
  support.completion_by_pointer = completion == 3;
  support.requests = (submit_req || support.submit_sqe) && completion != 0 &&
                     kernel.has_structure("io_open") && kernel.has_structure("io_link");
  return support;
}

void forget_requests(const gyr_probe& probe) {
  empty_map(probe.maps.requests);
  empty_map(probe.maps.request_names);
  empty_map(probe.maps.request_streams);
}

}  // namespace gyr

#endif
