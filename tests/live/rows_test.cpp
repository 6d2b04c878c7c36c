// SPDX-License-Identifier: Apache-2.0
// Calls generated from the rows of the schema: each is made with arguments and memory that tell
// something, a seccomp filter answers it, and every parameter is compared with what the rows mean
// (row_model.h). Refused with an errno, by 64-bit and by 32-bit programs; answered with 0; and once
// more for each value of each table of flags.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "coverage.h"
#include "live_fixture.h"
#include "row_model.h"

namespace gyr::test {
namespace {

const EventInfo& event_of(Sc sc) { return event_info(sc_info(static_cast<uint16_t>(sc))->event); }

struct RowCase {
  Sc sc;
  int number;
  bool compat;
};
std::string name_of(const testing::TestParamInfo<RowCase>& info) {
  return std::string(sc_info(static_cast<uint16_t>(info.param.sc))->name) +
         (info.param.compat ? "_by_32_bit_call_" + std::to_string(info.param.number) : "");
}

// Calls whose arguments 32-bit programs hand over otherwise have tests of their own.
bool is_rearranged(int number) {
  constexpr std::array kNumbers{22, 90, 102, 117, 140, 180, 181, 192, 333, 334};
  return std::find(kNumbers.begin(), kNumbers.end(), number) != kNumbers.end();
}

std::vector<RowCase> all_rows() {
  std::vector<RowCase> cases;
  const std::vector<Sc> calls = every_call();
  const bool all_machines = !LiveTest::per_syscall();
  const auto has = [&](const ScInfo* info) {
    return info && std::find(calls.begin(), calls.end(), info->sc) != calls.end();
  };
  for (int number = 0; number < 512; ++number) {
    const ScInfo* wide = syscall_of_x86_64(number);
    const ScInfo* narrow = syscall_of_ia32(number);
    if (has(wide)) cases.push_back({wide->sc, number, false});
    if (all_machines && has(narrow) && !is_rearranged(number))
      cases.push_back({narrow->sc, number, true});
  }
  return cases;
}

// Rows whose parameters the model knows after a success that did nothing.
std::vector<RowCase> plain_rows() {
  constexpr std::array kPlain{Collect::ret,
                              Collect::i32,
                              Collect::u32,
                              Collect::u64,
                              Collect::flags,
                              Collect::fd_flags,
                              Collect::zero,
                              Collect::str,
                              Collect::str_ok,
                              Collect::data_in,
                              Collect::data_out,
                              Collect::iov_in,
                              Collect::iov_out,
                              Collect::iov_in_size,
                              Collect::iov_out_size,
                              Collect::fd_list,
                              Collect::sockaddr,
                              Collect::timespec,
                              Collect::rlimit_cur,
                              Collect::rlimit_max,
                              Collect::u32_at,
                              Collect::u32_at_1,
                              Collect::u32_at_3,
                              Collect::u32_at_4,
                              Collect::flags_at_2,
                              Collect::flags_at_5,
                              Collect::u64_at,
                              Collect::sem_num_0,
                              Collect::sem_op_0,
                              Collect::sem_flg_0,
                              Collect::sem_num_1,
                              Collect::sem_op_1,
                              Collect::sem_flg_1,
                              Collect::sockopt_level,
                              Collect::sockopt_name,
                              Collect::sockopt_set,
                              Collect::sockopt_get,
                              Collect::sockopt_len,
                              Collect::ptrace_addr,
                              Collect::ptrace_data,
                              Collect::keyctl,
                              Collect::prctl_int,
                              Collect::prctl_str,
                              Collect::mode,
                              Collect::rlimit_got_cur,
                              Collect::rlimit_got_max,
                              Collect::semctl_val};
  std::vector<RowCase> cases;
  for (const RowCase& one : all_rows()) {
    const auto params = event_of(one.sc).params();
    const bool plain = std::all_of(params.begin(), params.end(), [&](const ParamInfo& param) {
      return std::find(kPlain.begin(), kPlain.end(), param.collect) != kPlain.end();
    });
    if (plain && !params.empty()) cases.push_back(one);
  }
  return cases;
}

class RowsLive : public LiveTest, public testing::WithParamInterface<RowCase> {
 protected:
  // The event of the call, which the filter answers.
  Seen answered(const RowCall& call, int answer) {
    const auto events = of(run([&] {
                             if (!refuse(call, answer)) return 1;
                             out(0) = make(call);
                             return 0;
                           }),
                           event_of(call.sc).type);
    EXPECT_EQ(status(), 0);
    EXPECT_EQ(out(0), -answer);
    EXPECT_FALSE(events.empty());
    return events.empty() ? Seen{{}, 0} : events.back();  // the child's own set-up is before
  }

  void compare(const Seen& seen, const RowCall& call, int64_t result) {
    const auto params = event_of(call.sc).params();
    for (size_t i = 0; i < params.size(); ++i) {
      const std::string found(as_text(seen.view().param(i)));
      const std::string wanted = memory_.expected(params[i], call, result, child());
      if (wanted == kAny) {
        EXPECT_EQ(found.size(), type_info(params[i].type).size_min) << params[i].name;
      } else {
        EXPECT_EQ(testing::PrintToString(found), testing::PrintToString(wanted)) << params[i].name;
      }
    }
  }

  RowMemory memory_;
};
class RefusedLive : public RowsLive {};
class AnsweredLive : public RowsLive {};

TEST_P(RefusedLive, has_every_parameter) {
  if (lacks_tracepoint(GetParam().sc)) GTEST_SKIP() << kNoTracepoint;
  const RowCall call = memory_.prepare(GetParam().sc, GetParam().number, GetParam().compat);
  const Seen seen = answered(call, EDOM);
  if (seen.record.empty()) return;
  compare(seen, call, -EDOM);
  Coverage::instance().add(seen.view());
}

TEST_P(AnsweredLive, has_every_parameter) {
  if (lacks_tracepoint(GetParam().sc)) GTEST_SKIP() << kNoTracepoint;
  const RowCall call = memory_.prepare(GetParam().sc, GetParam().number, GetParam().compat);
  const Seen seen = answered(call, 0);
  if (!seen.record.empty()) compare(seen, call, 0);
}

INSTANTIATE_TEST_SUITE_P(Every, RefusedLive, testing::ValuesIn(all_rows()), name_of);
INSTANTIATE_TEST_SUITE_P(Every, AnsweredLive, testing::ValuesIn(plain_rows()), name_of);

// One parameter that is flags in an argument.
struct FlagCase {
  Sc sc;
  size_t param;
};
std::vector<FlagCase> all_flags() {
  std::vector<FlagCase> cases;
  for (const Sc sc : every_call()) {
    if (sc_info(static_cast<uint16_t>(sc))->x86_64 < 0) continue;
    const auto params = event_of(sc).params();
    for (size_t i = 0; i < params.size(); ++i) {
      const Collect how = params[i].collect;
      const bool flags = how == Collect::flags || how == Collect::fd_flags ||
                         how == Collect::open_flags || how == Collect::clone_flags;
      if (flags || (how == Collect::u32 && params[i].flags != FlagTable::none)) {
        cases.push_back({sc, i});
      }
    }
  }
  return cases;
}
std::string name_of_flags(const testing::TestParamInfo<FlagCase>& info) {
  const ScInfo& call = *sc_info(static_cast<uint16_t>(info.param.sc));
  return std::string(call.name) + "_" +
         std::string(event_info(call.event).params()[info.param.param].name);
}

class FlagsLive : public LiveTest, public testing::WithParamInterface<FlagCase> {};

TEST_P(FlagsLive, arrive_as_portable_ones) {
  if (lacks_tracepoint(GetParam().sc)) GTEST_SKIP() << kNoTracepoint;
  RowMemory memory;
  RowCall call =
      memory.prepare(GetParam().sc, sc_info(static_cast<uint16_t>(GetParam().sc))->x86_64, false);
  const ParamInfo& param = event_of(call.sc).params()[GetParam().param];
  const FlagTable table = param.collect == Collect::fd_flags ? FlagTable::file_flags : param.flags;
  const std::vector<uint64_t> values = kernel_flags(table);
  ASSERT_FALSE(values.empty());
  const auto argument = static_cast<size_t>(param.argument);
  const auto events = of(run([&] {
                           if (!refuse(call, EDOM)) return 1;
                           for (const uint64_t value : values) {
                             call.args[argument] = value;
                             make(call);
                           }
                           return 0;
                         }),
                         event_of(call.sc).type);
  ASSERT_GE(events.size(), values.size());
  const size_t before = events.size() - values.size();
  for (size_t i = 0; i < values.size(); ++i) {
    SCOPED_TRACE(values[i]);
    call.args[argument] = values[i];
    EXPECT_EQ(testing::PrintToString(events[before + i].bytes_of(param.name)),
              testing::PrintToString(memory.expected(param, call, -EDOM, child())));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, FlagsLive, testing::ValuesIn(all_flags()), name_of_flags);

}  // namespace
}  // namespace gyr::test
