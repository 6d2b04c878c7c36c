// SPDX-License-Identifier: Apache-2.0
#include "source/loss_summary.h"

#include <algorithm>

#include "schema/schema.h"

namespace gyr {
namespace {

LossKind kind_of(Sc call) {
  switch (call) {
    case Sc::CLONE:
    case Sc::CLONE3:
    case Sc::FORK:
    case Sc::VFORK:
      return LossKind::CloneFork;
    case Sc::EXECVE:
    case Sc::EXECVEAT:
      return LossKind::Execve;
    case Sc::CONNECT:
      return LossKind::Connect;
    case Sc::OPEN:
    case Sc::OPENAT:
    case Sc::OPENAT2:
    case Sc::CREAT:
    case Sc::OPEN_BY_HANDLE_AT:
      return LossKind::Open;
    case Sc::CLOSE:
      return LossKind::Close;
    case Sc::SCHED_PROCESS_EXIT:
      return LossKind::Proc;
    case Sc::DUP:
    case Sc::DUP2:
    case Sc::DUP3:
    case Sc::CHDIR:
    case Sc::FCHDIR:
    case Sc::CHMOD:
    case Sc::FCHMOD:
    case Sc::FCHMODAT:
    case Sc::CHOWN:
    case Sc::LCHOWN:
    case Sc::FCHOWN:
    case Sc::FCHOWNAT:
    case Sc::MKDIR:
    case Sc::MKDIRAT:
    case Sc::RMDIR:
    case Sc::RENAME:
    case Sc::RENAMEAT:
    case Sc::RENAMEAT2:
    case Sc::LINK:
    case Sc::LINKAT:
    case Sc::SYMLINK:
    case Sc::SYMLINKAT:
    case Sc::UNLINK:
    case Sc::UNLINKAT:
      return LossKind::DirFile;
    default:
      break;
  }
  const ScInfo* info = sc_info(static_cast<uint16_t>(call));
  const bool has_event = info != nullptr && (info->flags & SC_USED) != 0;
  const bool is_noise = has_event && (info->flags & SC_ALWAYS_DROP) != 0;
  const bool moves_data = has_event && (event_info(info->event).has(EF_READS_FROM_FD) ||
                                        event_info(info->event).has(EF_WRITES_TO_FD));
  return has_event && !is_noise && !moves_data ? LossKind::OtherInterest : LossKind::Other;
}

}  // namespace

std::string_view loss_kind_name(LossKind kind) {
  constexpr std::array<std::string_view, kLossKinds> kNames = {
      "clone_fork", "execve", "connect", "open", "dir_file", "other_interest", "close", "proc", ""};
  return kNames[static_cast<size_t>(kind)];
}

LossSummary summarise_losses(const SourceCounters& counters) {
  LossSummary sum;
  sum.total = counters.lost();
  sum.events = std::max(counters.seen, counters.events);
  sum.bug = counters.missed;
  for (const LossRow& row : counters.losses) {
    switch (row.reason) {
      case LossReason::RingFull:
      case LossReason::Yielded:
        sum.buffer += row.count;
        sum.by_kind[static_cast<size_t>(kind_of(row.call))] += row.count;
        break;
      case LossReason::TooBig:
        sum.too_big += row.count;
        break;
      case LossReason::Nested:
      case LossReason::NotFollowed:
        sum.bug += row.count;
        break;
    }
  }
  return sum;
}

}  // namespace gyr
