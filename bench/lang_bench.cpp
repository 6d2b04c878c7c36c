// SPDX-License-Identifier: Apache-2.0
// What the rule stage alone costs: parsing, compiling, and evaluating over fields that cost
// nothing, so that only the program is measured. The rules have the shape of public ones (open,
// exec, connect; a sensitive name or directory, program lists, negations). `unique` gives every
// open a new name, so that answers kept by string never help; `uncached` switches every cache off.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <random>

#include "lang/compile.h"

namespace gyr {

struct EvalContext;

}  // namespace gyr

namespace {

using namespace gyr;

constexpr std::array<std::string_view, 4> kTypes = {"openat", "close", "execve", "connect"};

struct Event {
  uint16_t type = 0;
  Str path, directory;
  Str name, parent;
  bool write = false;
  uint64_t port = 0;
  size_t thread = 0;
};

// The engine's context is not needed: extractors of this program read an Event.
const Event& event_of(const EvalContext& context) {
  return reinterpret_cast<const Event&>(context);
}

Value path(const EvalContext& c, const FieldUse&) { return Value::of_str(event_of(c).path); }
Value directory(const EvalContext& c, const FieldUse&) {
  return Value::of_str(event_of(c).directory);
}
Value name(const EvalContext& c, const FieldUse&) { return Value::of_str(event_of(c).name); }
Value parent(const EvalContext& c, const FieldUse&) { return Value::of_str(event_of(c).parent); }
Value write(const EvalContext& c, const FieldUse&) { return Value::of_bool(event_of(c).write); }
Value port(const EvalContext& c, const FieldUse&) { return Value::of_uint(event_of(c).port); }
bool fold_type(uint16_t type, const FieldUse&, Value* value) {
  *value = Value::of_text(kTypes[type]);
  return true;
}

const std::vector<FieldInfo>& fields() {
  static const std::vector<FieldInfo> kFields = [] {
    std::vector<FieldInfo> result;
    const auto add = [&](std::string_view text, Type type, Dependency dependency, Domain domain,
                         Extractor extract) {
      FieldInfo info;
      info.name = text;
      info.type = type;
      info.dependency = dependency;
      info.domain = domain;
      info.extract = extract;
      result.push_back(info);
    };
    add("evt.type", Type::CharBuf, Dependency::Event, Domain::None, name);
    result.back().fold = fold_type;
    add("fd.name", Type::CharBuf, Dependency::Event, Domain::Path, path);
    add("fd.directory", Type::CharBuf, Dependency::Event, Domain::Path, directory);
    add("proc.name", Type::CharBuf, Dependency::Thread, Domain::Comm, name);
    add("proc.pname", Type::CharBuf, Dependency::Thread, Domain::Comm, parent);
    add("evt.is_open_write", Type::Bool, Dependency::Event, Domain::None, write);
    add("fd.sport", Type::Port, Dependency::Event, Domain::None, port);
    return result;
  }();
  return kFields;
}

Dialect dialect() {
  static const std::array<FieldClass, 1> kClasses = {
      FieldClass{.name = "bench", .doc = "", .source = "", .hidden = false, .fields = fields()}};
  return {.fields = kClasses, .event_types = kTypes.size()};
}

std::string rule_text(size_t i) {
  const std::string programs = fmt::format("(tool{}, tool{}, helper{}, sh{})", i, i + 1, i, i % 5);
  switch (i % 5) {
    case 0:
      return fmt::format(
          "evt.type = openat and evt.is_open_write = false and (fd.name in (/etc/s{0}, /etc/t{0}) "
          "or fd.directory in (/etc/d{0}, /root/.x{0})) and not proc.name in {1}",
          i, programs);
    case 1:
      return fmt::format(
          "evt.type in (openat, open) and evt.is_open_write = true and (fd.name startswith "
          "/usr/b{0} "
          "or fd.name startswith /sbin/{0}) and not proc.pname in {1}",
          i, programs);
    case 2:
      return fmt::format(
          "evt.type = openat and fd.name glob '/home/*/.k{0}/*' and proc.name != x{0}", i);
    case 3:
      return fmt::format("evt.type = execve and proc.name in {} and proc.pname in (web{}, db{})",
                         programs, i, i);
    default:
      return fmt::format("evt.type = connect and fd.sport in ({}, {}) and proc.name in {}", i,
                         i + 7, programs);
  }
}

std::vector<CheckedPtr> rules(size_t count) {
  std::vector<CheckedPtr> result;
  for (size_t i = 0; i < count; ++i) {
    std::vector<TextFault> faults;
    result.push_back(check_condition(parse_condition(rule_text(i), &faults), dialect(), &faults));
  }
  return result;
}

constexpr size_t kThreads = 64;

std::vector<Event> make_events(StrPool& pool, size_t count, bool unique) {
  std::mt19937 random(1);
  std::vector<Event> events(count);
  for (size_t i = 0; i < count; ++i) {
    Event& e = events[i];
    const size_t kind = random() % 100;
    e.type = kind < 34 ? 0 : kind < 96 ? 1 : kind < 98 ? 2 : 3;
    const size_t file = unique ? i : random() % 1000;
    e.directory = pool.intern(fmt::format("/usr/lib/d{}", file % 50));
    e.path = pool.intern(fmt::format("/usr/lib/d{}/file{}.so", file % 50, file));
    e.thread = random() % kThreads;
    e.name = pool.intern(fmt::format("proc{}", e.thread));
    e.parent = pool.intern("bash");
    e.write = random() % 10 == 0;
    e.port = 1000 + random() % 10;
  }
  return events;
}

void evaluate(benchmark::State& state, bool unique, bool cached) {
  StrPool pool(1 << 20);
  const std::vector<Event> events = make_events(pool, unique ? 200000 : 4096, unique);
  const CompileSettings settings{cached, cached, cached, true};
  const auto program = compile(rules(static_cast<size_t>(state.range(0))), dialect(), settings);
  std::optional<Evaluator> evaluator(program);
  std::vector<ThreadMemo> memos(kThreads);
  size_t at = 0;
  for (auto _ : state) {
    const Event& e = events[at];
    EvalInput input;
    input.context = reinterpret_cast<const EvalContext*>(&e);
    input.event_type = e.type;
    input.memo = &memos[e.thread];
    input.thread_version = 1;
    benchmark::DoNotOptimize(evaluator->evaluate(input, MatchMode::First).size());
    if (++at < events.size()) continue;
    at = 0;
    if (!unique) continue;
    // A new program knows none of the names again.
    state.PauseTiming();
    evaluator.emplace(compile(rules(static_cast<size_t>(state.range(0))), dialect(), settings));
    state.ResumeTiming();
  }
}

void BM_Evaluate(benchmark::State& state) { evaluate(state, false, true); }
void BM_EvaluateUnique(benchmark::State& state) { evaluate(state, true, true); }
void BM_EvaluateUncached(benchmark::State& state) { evaluate(state, false, false); }
BENCHMARK(BM_Evaluate)->Arg(25)->Arg(93)->Arg(500);
BENCHMARK(BM_EvaluateUnique)->Arg(25)->Arg(93)->Arg(500);
BENCHMARK(BM_EvaluateUncached)->Arg(25)->Arg(93);

void BM_ParseAndCheck(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(rules(93).size());
}
BENCHMARK(BM_ParseAndCheck)->Unit(benchmark::kMicrosecond);

void BM_Compile(benchmark::State& state) {
  const std::vector<CheckedPtr> checked = rules(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(compile(checked, dialect()));
}
BENCHMARK(BM_Compile)->Arg(25)->Arg(93)->Arg(500)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
