// SPDX-License-Identifier: Apache-2.0
// The compiled program against the naive walk: every small expression, and random large ones, on
// event sequences in which thread values change with the thread's version; all caches on and off.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "world.h"

namespace gyr {
namespace {

using namespace testing_world;
using Random = std::mt19937_64;

// One atom of every way in which answers are found and kept.
constexpr std::array<std::string_view, 23> kAtoms = {
    "evt.type = open",
    "evt.type in (close, execve)",
    "evt.n > 3",
    "evt.flag = true",
    "evt.note contains b",
    "fd.name = /etc/shadow",
    "fd.name startswith /etc",
    "fd.name contains hado",
    "fd.name icontains TMP/",
    "fd.name pmatch (/etc, /tmp/*)",
    "fd.nameraw startswith /etc",
    "fd.name != /tmp/x",
    "fd.name exists",
    "proc.name in (sh, bash)",
    "proc.pname in (sh, bash)",
    "proc.pid = 7",
    "user.uid != 0",
    "proc.aname = sh",
    "proc.aname[1] != sh",
    "fd.port != 80",
    "fd.types intersects (file, ipv4)",
    "host.name endswith a",
    "proc.name = val(proc.pname)",
};

template <class T>
T pick(Random& random, std::initializer_list<T> items) {
  return items.begin()[random() % items.size()];
}

std::optional<std::string> maybe(Random& random, std::initializer_list<const char*> items) {
  const size_t index = random() % (items.size() + 1);
  if (index == items.size()) return std::nullopt;
  return items.begin()[index];
}

// A thread: its values change only together with its version.
struct Thread {
  ThreadMemo memo;
  uint64_t version = 1;
  EvalContext values;
};

void change_thread(Random& random, Thread& thread) {
  EvalContext& c = thread.values;
  ++thread.version;
  c.name = maybe(random, {"sh", "bash", "cat", ""});
  c.parent = maybe(random, {"sh", "bash", "init", ""});
  c.exe = maybe(random, {"/bin/sh", "a", ""});
  c.pid = random() % 4 == 0 ? std::nullopt : std::optional<int64_t>(6 + random() % 3);
  c.uid = random() % 4 == 0 ? std::nullopt : std::optional<uint64_t>(random() % 2);
  c.ancestors.clear();
  for (size_t i = random() % 4; i > 0; --i)
    c.ancestors.push_back(pick(random, {"sh", "init", "x"}));
}

EvalContext make_event(Random& random, const Thread& thread, StrPool& pool) {
  EvalContext c;
  const EvalContext& t = thread.values;
  c.name = t.name;
  c.parent = t.parent;
  c.exe = t.exe;
  c.pid = t.pid;
  c.uid = t.uid;
  c.ancestors = t.ancestors;
  c.pool = &pool;
  c.interned = random() % 4 != 0;
  c.type = static_cast<uint16_t>(random() % (kWorldTypes + 1));
  if (c.type < kTypeNames.size()) {
    c.type_name = kTypeNames[c.type];
  } else {
    c.type_name = maybe(random, {"open", "other"});
  }
  c.path = maybe(random, {"/etc/shadow", "/etc/passwd", "/tmp/x", "", "/usr/bin/sh"});
  c.raw_path = maybe(random, {"/etc/shadow", "shadow", ""});
  c.note = maybe(random, {"abc", "xyz", ""});
  c.bytes = maybe(random, {"GET /", "abc"});
  c.other = "alpha";
  c.number = random() % 4 == 0 ? std::nullopt : std::optional<int64_t>(random() % 7);
  c.flag = random() % 4 == 0 ? std::nullopt : std::optional<bool>(random() % 2 == 0);
  for (size_t i = random() % 3; i > 0; --i) c.ports.push_back(pick<uint64_t>(random, {80, 443}));
  if (random() % 3 != 0)
    c.kinds = {{pick(random, {"file", "pipe"}), pick(random, {"pipe", "ipv4"})}};
  return c;
}

std::vector<CompileSettings> all_settings() {
  std::vector<CompileSettings> result;
  for (unsigned bits = 0; bits < 16; ++bits) {
    result.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
  }
  return result;
}

std::vector<CheckedPtr> check_all(const std::vector<std::string>& texts) {
  std::vector<CheckedPtr> result;
  for (const std::string& text : texts) {
    result.push_back(checked(text));
    if (!result.back()) return {};
  }
  return result;
}

// What the naive walk says about an event: the numbers of the rules that match.
std::vector<uint32_t> expected(const std::vector<CheckedPtr>& rules, const EvalContext& context,
                               MatchMode mode) {
  std::vector<uint32_t> result;
  for (uint32_t i = 0; i < rules.size(); ++i) {
    if (!naive(*rules[i]->root, context)) continue;
    result.push_back(i);
    if (mode == MatchMode::First) break;
  }
  return result;
}

// Runs a sequence of events through one program. Two evaluators share strings and threads in turn.
void compare(const std::vector<std::string>& texts, const CompileSettings& settings, MatchMode mode,
             uint64_t seed, size_t events) {
  Random random(seed);
  StrPool pool(8);  // small: strings are dropped and come back
  const std::vector<CheckedPtr> compiled = check_all(texts);
  const std::vector<CheckedPtr> walked = check_all(texts);  // counts of its own
  ASSERT_EQ(walked.size(), texts.size());
  const auto program = compile(compiled, dialect(), settings);
  Evaluator evaluator(program);
  std::array<Thread, 3> threads;
  for (Thread& thread : threads) change_thread(random, thread);
  for (size_t i = 0; i < events; ++i) {
    Thread& thread = threads[random() % threads.size()];
    if (random() % 5 == 0) change_thread(random, thread);
    const EvalContext context = make_event(random, thread, pool);
    EvalInput input;
    input.context = &context;
    input.event_type = context.type;
    input.memo = random() % 8 == 0 ? nullptr : &thread.memo;
    input.thread_version = thread.version;
    const std::vector<uint32_t> want = expected(walked, context, mode);
    const auto span = evaluator.evaluate(input, mode);
    const std::vector<uint32_t> got(span.begin(), span.end());
    ASSERT_EQ(got, want) << "event " << i << " of seed " << seed << ", caches "
                         << settings.string_cache << settings.thread_cache << settings.event_cache
                         << settings.specialise << (got.size() == 1 ? texts[got[0]] : "")
                         << (want.size() == 1 ? texts[want[0]] : "");
    if (!want.empty()) {
      ASSERT_FALSE(evaluator.never_matches(context.type));
    }
  }
}

// All of: one atom; two and three atoms under every mixture of and, or, not.
std::vector<std::string> small_expressions() {
  std::vector<std::string> result;
  for (const auto a : kAtoms) {
    result.push_back(std::string(a));
    result.push_back(fmt::format("not {}", a));
    for (const auto b : kAtoms) {
      result.push_back(fmt::format("{} and {}", a, b));
      result.push_back(fmt::format("{} or not {}", a, b));
      result.push_back(fmt::format("not ({} or {})", a, b));
      for (const auto c : kAtoms) {
        result.push_back(fmt::format("{} and ({} or {})", a, b, c));
        result.push_back(fmt::format("{} or not ({} and not {})", a, b, c));
      }
    }
  }
  return result;
}

TEST(Oracle, EverySmallExpressionWithEveryCacheOnAndOff) {
  const std::vector<std::string> all = small_expressions();
  const std::vector<CompileSettings> settings = all_settings();
  constexpr size_t kBatch = 400;
  size_t turn = 0;
  for (size_t from = 0; from < all.size(); from += kBatch) {
    const std::vector<std::string> batch(
        all.begin() + static_cast<ptrdiff_t>(from),
        all.begin() + static_cast<ptrdiff_t>(std::min(from + kBatch, all.size())));
    // Each batch with everything on, and with two of the other settings in turn.
    compare(batch, CompileSettings{}, MatchMode::All, from, 60);
    compare(batch, settings[turn++ % settings.size()], MatchMode::All, from + 1, 40);
    compare(batch, settings[turn++ % settings.size()], MatchMode::First, from + 2, 40);
    if (HasFatalFailure()) return;
  }
}

std::string random_expression(Random& random, int depth, bool stateful) {
  const auto inner = [&] { return random_expression(random, depth - 1, stateful); };
  if (depth == 0 || random() % 5 == 0) {
    if (stateful && random() % 3 == 0) return fmt::format("util.cnt > {}", random() % 5);
    return std::string(kAtoms[random() % kAtoms.size()]);
  }
  if (random() % 4 == 0) return fmt::format("not ({})", inner());
  std::string result;
  const char* word = random() % 2 == 0 ? " and " : " or ";
  for (size_t i = 0, count = 2 + random() % 3; i < count; ++i) {
    result += fmt::format("{}({})", i == 0 ? "" : word, inner());
  }
  return result;
}

TEST(Oracle, RandomLargeExpressions) {
  Random random(1);
  const std::vector<CompileSettings> settings = all_settings();
  for (uint64_t round = 0; round < 96; ++round) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < 90; ++i) {
      texts.push_back(random_expression(random, 1 + static_cast<int>(random() % 4), false));
    }
    compare(texts, settings[round % settings.size()],
            round % 3 == 0 ? MatchMode::First : MatchMode::All, round, 80);
    if (HasFatalFailure()) return;
  }
}

// Counting fields must be asked exactly as often as the written order asks them.
TEST(Oracle, StatefulFieldsAreCountedAsWritten) {
  Random random(2);
  const std::vector<CompileSettings> settings = all_settings();
  for (uint64_t round = 0; round < 160; ++round) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < 12; ++i) {
      texts.push_back(random_expression(random, 1 + static_cast<int>(random() % 3), true));
    }
    compare(texts, settings[round % settings.size()],
            round % 3 == 0 ? MatchMode::First : MatchMode::All, round, 60);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gyr
