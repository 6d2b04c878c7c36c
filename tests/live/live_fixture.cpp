// SPDX-License-Identifier: Apache-2.0
#include "live_fixture.h"

#include <link.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <span>

#include "coverage.h"
#include "source/ptrace.h"

namespace gyr::test {
namespace {

constexpr size_t kGo = 511;  // of the page that out() is in

// Reads a byte of each page of this program's constants. A new process has no page of a file
// mapped; a text that the kernel refuses before it reads it (the new name of a link whose old one
// is missing) would be a page fault for the probe, which must not wait for one.
[[gnu::no_sanitize("address")]] int touch(dl_phdr_info* program, size_t, void*) {
  constexpr size_t kPage = 4096;
  for (const auto& part : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
    if (part.p_type != PT_LOAD || part.p_flags != PF_R) continue;
    const auto* bytes = reinterpret_cast<const volatile char*>(program->dlpi_addr + part.p_vaddr);
    for (size_t at = 0; at < part.p_memsz; at += kPage) static_cast<void>(bytes[at]);
  }
  return 1;  // the first is the program itself
}
void touch_constants() { dl_iterate_phdr(touch, nullptr); }

// With GYR_LIVE_DRIVER=ptrace: each child is followed by a tracer of its own.
class FollowingSource final : public LiveSource {
 public:
  FollowingSource() : calls_(every_call()) {}
  void follow(pid_t pid) {
    PtraceSettings settings;
    settings.syscalls = calls_;
    settings.pids = {pid};
    source_.reset();
    auto opened = open_ptrace(std::move(settings));
    ASSERT_TRUE(opened) << opened.error().message;
    source_ = std::move(*opened);
  }
  void forget() { source_.reset(); }  // each test counts from 0
  std::optional<int> status() const { return source_ ? source_->command_status() : std::nullopt; }

  std::vector<std::string> collect(const Collection& what) override {
    calls_ = what.syscalls;
    return {};
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  int64_t own_pid() const override { return getpid(); }
  Result<Snapshot> take_snapshot() override { return Snapshot{}; }
  SourceStatus next(Record* record) override {
    return source_ ? source_->next(record) : SourceStatus::End;
  }
  const Error& error() const override { return error_; }
  SourceCounters counters() const override {
    return source_ ? source_->counters() : SourceCounters{};
  }
  bool is_live() const override { return true; }

 private:
  std::vector<Sc> calls_;
  std::unique_ptr<PtraceSource> source_;
  std::vector<std::string> warnings_;
  Error error_;
};

struct Shared {
  bool tried = false;
  FollowingSource* following = nullptr;  // `source`, if that is one
  std::unique_ptr<LiveSource> source;
  std::string reason;
};
Shared& shared() {
  static Shared one;
  return one;
}

}  // namespace

std::vector<Sc> every_call() {
  std::vector<Sc> calls;
  for (const ScInfo& info : all_syscalls()) {
    const bool ends = info.sc == Sc::SCHED_PROCESS_EXIT;
    const bool is_call = (info.flags & SC_TRACEPOINT) == 0 && info.event != Ev::GENERIC_X;
    if (is_collected(info.sc) && (is_call || ends)) calls.push_back(info.sc);
  }
  return calls;
}

Collection collection_of(std::vector<Sc> calls) {
  return {.syscalls = std::move(calls), .real_paths = true, .compared = every_call()};
}

EventView Seen::view() const {
  EventView view;
  EXPECT_TRUE(view.decode({record, cpu, 0, note}));
  return view;
}

size_t Seen::index_of(std::string_view name) const {
  const auto params = event_info(type()).params();
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].name == name) return i;
  }
  ADD_FAILURE() << event_info(type()).code << " has no parameter " << name;
  return 0;
}

Bytes Seen::param(std::string_view name) const { return view().param(index_of(name)); }

uint64_t Seen::bits(std::string_view name) const {
  const Bytes bytes = param(name);
  uint64_t value = 0;
  EXPECT_TRUE(!bytes.empty() && bytes.size() <= 8) << name << " has " << bytes.size() << " bytes";
  if (!bytes.empty() && bytes.size() <= 8) std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

int64_t Seen::number(std::string_view name) const {
  const size_t size = param(name).size();
  const uint64_t value = bits(name);
  if (family_of(event_info(type()).params()[index_of(name)].type) != Family::Signed || size == 0 ||
      size >= 8) {
    return static_cast<int64_t>(value);
  }
  const unsigned shift = 64 - static_cast<unsigned>(size) * 8;
  return static_cast<int64_t>(value << shift) >> shift;
}

std::string Seen::text(std::string_view name) const {
  const Bytes bytes = param(name);
  if (bytes.empty()) return "<empty>";
  EXPECT_EQ(bytes.back(), 0) << name << " does not end in NUL";
  return std::string(as_text(bytes.first(bytes.size() - 1)));
}

std::string Seen::bytes_of(std::string_view name) const {
  return std::string(as_text(param(name)));
}

bool LiveTest::by_ptrace() {
  const char* driver = std::getenv("GYR_LIVE_DRIVER");  // NOLINT: nobody changes it
  return driver != nullptr && std::string_view(driver) == "ptrace";
}

bool LiveTest::per_syscall() {
  return std::getenv("GYR_LIVE_PER_SYSCALL") != nullptr;  // NOLINT: nobody changes it
}

IteratorUse LiveTest::iterators() {
  const char* use = std::getenv("GYR_LIVE_ITERATORS");  // NOLINT: nobody changes it
  if (use == nullptr) return IteratorUse::Auto;
  return std::string_view(use) == "always" ? IteratorUse::Always : IteratorUse::Never;
}

bool LiveTest::lacks_tracepoint(Sc sc) {
  if (!per_syscall()) return false;
  if (sc == Sc::SEND || sc == Sc::RECV) return true;  // 32-bit programs make them, within another
  const std::string name = " " + std::string(sc_info(static_cast<uint16_t>(sc))->name);
  for (const std::string& warning : shared().source->warnings()) {
    const size_t at = warning.find("without a tracepoint");
    if (at != std::string::npos && (warning + ",").find(name + ",", at) != std::string::npos) {
      return true;
    }
  }
  return false;
}

void LiveTest::SetUpTestSuite() {
  Shared& one = shared();
  if (one.tried) return;
  one.tried = true;
  if (by_ptrace()) {
    auto source = std::make_unique<FollowingSource>();
    one.following = source.get();
    one.source = std::move(source);
    return;
  }
  if (geteuid() != 0) {
    one.reason = "needs root";
    return;
  }
  LiveSettings settings;
  settings.syscalls = every_call();
  settings.ring_bytes = 64ull << 20;  // other programs of the machine are busy too
  settings.real_paths = true;
  settings.compared = every_call();
  settings.typed = std::getenv("GYR_LIVE_PORTABLE") == nullptr;       // NOLINT: nobody changes it
  settings.preempted = std::getenv("GYR_LIVE_PREEMPTED") != nullptr;  // NOLINT: nobody changes it
  if (per_syscall()) settings.attach_mode = AttachMode::PerSyscall;
  auto opened = open_live(settings);
  if (opened) {
    one.source = std::move(*opened);
    for (const std::string& warning : one.source->warnings()) std::cerr << warning << "\n";
  } else {
    one.reason = opened.error().message;
  }
}

void LiveTest::SetUp() {
  if (!shared().source) GTEST_SKIP() << "no live capture: " << shared().reason;
  // Made before any child is forked, which shares them.
  out_ = static_cast<int64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  dir_ = testing::TempDir() + "gyr_live_XXXXXX";
  ASSERT_NE(mkdtemp(dir_.data()), nullptr);
}

void LiveTest::TearDown() {
  if (shared().following) shared().following->forget();
  if (out_) munmap(out_, 4096);
  if (!dir_.empty()) std::filesystem::remove_all(dir_);
}

LiveTest::Both LiveTest::both(const std::vector<Seen>& events, Ev type) {
  const std::vector<Seen> found = of(events, type);
  EXPECT_EQ(found.size(), 2u) << event_info(type).code << "; "
                              << shared().source->counters().lost_detail;
  if (found.size() != 2) return {{{}, 0}, {{}, 0}};
  const auto failed = [](const Seen& seen) { return seen.view().result() < 0; };
  EXPECT_NE(failed(found[0]), failed(found[1])) << event_info(type).code;
  return failed(found[0]) ? Both{found[1], found[0]} : Both{found[0], found[1]};
}

void LiveTest::expect(const Seen& seen, const std::vector<Expected>& params) {
  if (seen.record.empty()) return;
  const EventInfo& info = event_info(seen.type());
  SCOPED_TRACE(std::string(info.code));
  EXPECT_EQ(params.size(), info.nparams) << "not every parameter is checked";
  EXPECT_FALSE(seen.view().arguments_changed());
  if (params.size() == info.nparams) Coverage::instance().add(seen.view());
  for (const Expected& one : params) {
    SCOPED_TRACE(std::string(one.name));
    if (const auto* number = std::get_if<int64_t>(&one.value)) {
      EXPECT_EQ(seen.number(one.name), *number);
    } else if (const auto& text = std::get<std::string>(one.value); text == kAny) {
      EXPECT_TRUE(seen.has(one.name));
    } else if (text == kEmpty) {
      EXPECT_FALSE(seen.has(one.name)) << seen.bytes_of(one.name);
    } else if (info.params()[seen.index_of(one.name)].type == Type::ByteBuf ||
               info.params()[seen.index_of(one.name)].type == Type::SockAddr ||
               info.params()[seen.index_of(one.name)].type == Type::SockTuple ||
               info.params()[seen.index_of(one.name)].type == Type::FdList ||
               info.params()[seen.index_of(one.name)].type == Type::Dyn) {
      EXPECT_EQ(seen.bytes_of(one.name), text);
    } else {
      EXPECT_EQ(seen.text(one.name), text);
    }
  }
}

bool LiveTest::is_possible() { return shared().source != nullptr; }

LiveSource& LiveTest::source() { return *shared().source; }

std::vector<Seen> LiveTest::run_with(std::initializer_list<Sc> more,
                                     const std::function<int()>& body) {
  std::vector<Sc> calls = every_call();
  calls.insert(calls.end(), more);
  source().collect(collection_of(calls));
  std::vector<Seen> events = run_child(body);
  source().collect(collection_of(every_call()));
  return events;
}

std::vector<Seen> LiveTest::run_child(const std::function<int()>& body) {
  // A ring that a test before left full would lose this child's events.
  const auto drained = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  Record old;
  while (!shared().following && source().next(&old) != SourceStatus::Idle &&
         std::chrono::steady_clock::now() < drained) {
  }
  std::cout.flush();
  std::atomic_ref<int64_t> go(out_[kGo]);
  go = shared().following ? 0 : 1;
  const pid_t pid = fork();
  if (pid == 0) {
    while (go == 0) {  // a tracer comes; a call would be seen by it
    }
    sigset_t none;  // our own waiting for children blocks a signal
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    touch_constants();
    alarm(10);  // a body that hangs fails its test
    _exit(body());
  }
  child_ = pid;
  if (shared().following) {
    shared().following->follow(pid);
    go = 1;
  } else {
    waitpid(pid, &status_, 0);
  }
  std::vector<Seen> events;
  std::set<int64_t> family{pid};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  uint64_t last_ts = 0;
  // A machine that stood still for as long must not look like an event that never came.
  constexpr int kIdleEnough = 100;
  int idle = 0;
  while (idle < kIdleEnough || std::chrono::steady_clock::now() < deadline) {
    Record record;
    if (source().next(&record) != SourceStatus::Event) {
      ++idle;
      continue;
    }
    Seen seen{{record.bytes.begin(), record.bytes.end()},
              record.cpu,
              {record.note.begin(), record.note.end()}};
    EXPECT_LE(last_ts, seen.view().ts_ns()) << "events out of order";
    last_ts = seen.view().ts_ns();
    const std::string_view name = event_info(seen.type()).name;
    if (name == "clone" || name == "fork" || name == "vfork" || name == "clone3") {
      // The child may report itself before its parent does.
      const bool thread = family.contains(seen.number("pid"));
      if (thread || family.contains(seen.number("ptid"))) family.insert(seen.tid());
      if (family.contains(seen.tid()) && seen.number("res") > 0) family.insert(seen.number("res"));
    }
    if (!family.contains(seen.tid())) continue;
    const bool done = seen.type() == Ev::PROCEXIT_1_E && seen.tid() == pid;
    events.push_back(std::move(seen));
    if (!done) continue;
    while (shared().following && source().next(&record) != SourceStatus::End) {
    }
    if (shared().following) status_ = shared().following->status().value_or(-1);
    return events;
  }
  ADD_FAILURE() << "the child's exit was not seen within 5 s";
  return events;
}

std::vector<Seen> LiveTest::own(std::vector<Seen> events) const {
  std::erase_if(events, [&](const Seen& seen) { return seen.tid() != child_; });
  return events;
}

std::vector<Seen> LiveTest::of(const std::vector<Seen>& events, Ev type) {
  std::vector<Seen> found;
  for (const Seen& seen : events) {
    if (seen.type() == type) found.push_back(seen);
  }
  return found;
}

Seen LiveTest::only(const std::vector<Seen>& events, Ev type) {
  const std::vector<Seen> found = of(events, type);
  EXPECT_EQ(found.size(), 1u) << event_info(type).code;
  return found.empty() ? Seen{{}, 0} : found.front();
}

}  // namespace gyr::test
