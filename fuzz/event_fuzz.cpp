// SPDX-License-Identifier: Apache-2.0
// A stream of events made of any bytes, on a small host: each is decoded, applied to the state, and
// every field of it is asked for. What does not have to be is not consistent: events come without
// their process, descriptors twice, parameters too short, too long or missing.
//
// The input: one byte of settings, then events as type (2 bytes, modulo), thread and time (1 byte),
// number of parameters (1 byte), and each parameter as one byte that says what it is: so many bytes
// that follow, many equal ones, or a value that makes sense. Type 0xffff: a record as it is. No
// bytes are wasted, so the fuzzer needs no seeds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "every_field.h"

namespace {

using namespace gyr;

constexpr int kMaxEvents = 48;
constexpr uint64_t kStartNs = 1'700'000'000'000'000'000;

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_{data, size} {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    const Bytes one = take(1);
    return one.empty() ? uint8_t{0} : one[0];
  }
  uint16_t word() { return static_cast<uint16_t>(byte() | byte() << 8); }
  Bytes take(size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

std::string number_bytes(uint64_t value, size_t size) {
  return {reinterpret_cast<const char*>(&value), std::min(size, sizeof value)};
}

// Family and address as an event carries them; two ends make a tuple.
std::string address_bytes(uint8_t choice, int ends) {
  const auto end = [&](size_t size, int which) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(10 + (choice + which) % 3);
    return bytes;
  };
  std::string bytes(1, static_cast<char>(choice % 3 == 0 ? 1 : choice % 3 == 1 ? 2 : 10));
  const bool v6 = choice % 3 == 2;
  for (int i = 0; i < ends; ++i) {
    bytes += choice % 3 == 0 ? (ends == 2 ? end(8, i) : std::string()) : end(v6 ? 18 : 6, i);
  }
  if (choice % 3 == 0) bytes += std::string("/run/a.sock") + '\0';
  return bytes;
}

std::string text_bytes(uint8_t choice) {
  constexpr std::string_view kTexts[] = {
      "a",
      "/etc/passwd",
      "../b",
      "/",
      ".",
      "..",
      "",
      "<NA>",
      "/proc/self/exe",
      "memfd:x",
      "bash",
      "(NULL)",
      "a b",
      "/x//y/../z",
      "\xff\x01",
      "{\"container\":{\"id\":\"0123456789ab\",\"type\":0,\"name\":\"n\",\"image\":\"i\"}}",
      "cpu=/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
  return std::string(kTexts[choice % std::size(kTexts)]) + '\0';
}

// A value that the state can use: small numbers meet the threads and descriptors of the host.
std::string useful(Type type, uint8_t choice) {
  switch (type) {
    case Type::SockAddr:
      return address_bytes(choice, 1);
    case Type::SockTuple:
      return address_bytes(choice, 2);
    case Type::CharBufArray:
    case Type::CharBufPairArray:
      return text_bytes(choice) + "K=V" + '\0' + text_bytes(static_cast<uint8_t>(choice + 1));
    case Type::FdList: {
      std::string list = number_bytes(choice % 4, 2);
      for (uint64_t i = 0; i < choice % 4; ++i) list += number_bytes(i + 3, 8) + number_bytes(1, 2);
      return list;
    }
    default:
      break;
  }
  const size_t size = type_info(type).size_min;
  if (size == 0) return type == Type::Dyn ? std::string("\1") + "abcdefgh" : text_bytes(choice);
  if (choice < 0xa0) return number_bytes(choice % 16, size);
  if (choice < 0xc0) return number_bytes(uint64_t{1} << (choice % 32), size);
  const int64_t below = -1 - choice % 4 * 33;  // -1, ... -100
  return number_bytes(static_cast<uint64_t>(below), size);
}

void add_parameter(EventBuilder& builder, Type type, Input& input) {
  const uint8_t what = input.byte();
  if (what <= 0x30) return builder.add(input.take(what));
  if (what < 0x40) {
    const std::vector<uint8_t> many(size_t{1} << (what - 0x30), input.byte());
    return builder.add(many);
  }
  const std::string bytes = useful(type, what);
  builder.add({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

void add_thread(Snapshot& snapshot, int64_t tid, int64_t pid, int64_t parent) {
  SnapshotThread thread;
  thread.tid = thread.vtid = tid;
  thread.pid = thread.vpid = pid;
  thread.ptid = parent;
  thread.sid = thread.pgid = thread.vpgid = 1;
  thread.comm = thread.exe = "sh";
  thread.exepath = "/bin/sh";
  thread.cwd = thread.root = "/";
  thread.args = std::string("-c\0x\0", 5);
  thread.env = std::string("HOME=/\0", 7);
  thread.cgroups = std::string("cpu=/\0", 6);
  if (tid != pid) thread.flags = 0x2000 | 0x2;  // shares group and descriptors
  snapshot.threads.push_back(std::move(thread));
}

// Threads 1 to 5, descriptors of every kind in thread 1.
Snapshot small_host() {
  Snapshot snapshot;
  add_thread(snapshot, 1, 1, 0);
  add_thread(snapshot, 2, 2, 1);
  add_thread(snapshot, 3, 3, 2);
  add_thread(snapshot, 4, 3, 2);
  add_thread(snapshot, 5, 5, 3);
  for (const FdKindInfo& kind : all_fd_kinds()) {
    SnapshotFd fd;
    fd.tid = 1;
    fd.fd = static_cast<int64_t>(snapshot.fds.size());
    fd.kind = kind.kind;
    fd.name = "/n";
    fd.source_ip = fd.dest_ip = {127, 0, 0, 1};
    fd.source_port = 80;
    fd.l4 = 2;
    snapshot.fds.push_back(std::move(fd));
  }
  snapshot.fd_tids = {1};
  snapshot.users.push_back({1, 1, "alice", "/home/alice", "/bin/sh"});
  snapshot.groups.push_back({1, "users"});
  snapshot.has_users = true;
  snapshot.interfaces.push_back(
      {.name = "eth0", .address = {10, 10, 10, 10}, .netmask = {255}, .broadcast = {}});
  return snapshot;
}

StateSettings settings_of(uint8_t choice) {
  StateSettings settings;
  settings.live = (choice & 1) != 0;
  settings.own_pid = (choice & 2) != 0 ? 5 : -1;
  if ((choice & 4) != 0) settings.thread_limit = 8;
  if ((choice & 8) != 0) settings.purge_interval_ns = settings.thread_timeout_ns = 1000;
  settings.find_thread = [](int64_t tid) -> std::optional<FoundThread> {
    if (tid % 2 != 0) return std::nullopt;
    Snapshot found;
    add_thread(found, tid, tid, 1);
    return FoundThread{found.threads.front(), {}};
  };
  return settings;
}

FieldSettings fields_of(uint8_t choice) {
  FieldSettings settings;
  settings.buffers = static_cast<BufferFormat>(choice / 16 % 5);
  settings.resolve_ports = (choice & 4) != 0;
  return settings;
}

// Makes the next event; empty when it is a record that no reader would hand out.
Bytes next_event(Input& input, EventBuilder& builder, std::vector<uint8_t>& raw, uint64_t& now_ns) {
  const uint16_t type = input.word();
  if (type == 0xffff) {
    const Bytes bytes = input.take(input.byte());
    raw.assign(bytes.begin(), bytes.end());
    return raw;
  }
  const uint8_t who = input.byte();
  now_ns += uint64_t{1} << (who >> 4) * 3;
  const EventInfo& info = event_info(static_cast<Ev>(type % kEventCount));
  builder.begin(info.type, now_ns, (who & 15) - 1);
  const uint8_t counts = input.byte();
  const size_t count = counts >= 0x40 ? info.nparams : counts % (kMaxParams + 1);
  for (size_t i = 0; i < count; ++i) {
    add_parameter(builder, i < info.nparams ? info.params()[i].type : Type::None, input);
  }
  return builder.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t choice = input.byte();
  StrPool pool;
  State state(settings_of(choice), pool);
  state.load(small_host());
  fuzz::EveryField fields;
  const FieldSettings settings = fields_of(choice);
  Arena arena;
  UseMemory memory;
  EventBuilder builder;
  EventView event;
  std::vector<uint8_t> raw;
  uint64_t now_ns = kStartNs;
  uint64_t number = 0;
  while (!input.empty() && number < kMaxEvents) {
    ++number;
    const Bytes bytes = next_event(input, builder, raw, now_ns);
    if (!event.decode({bytes, choice, 0})) continue;
    arena.reset();
    const EventState& event_state = state.apply(event);
    fields.ask({.event = event,
                .event_state = event_state,
                .state = state,
                .number = number,
                .first_ts_ns = kStartNs,
                .arena = arena,
                .memory = memory,
                .settings = settings});
  }
  arena.reset();
  state.dump();
  return 0;
}
