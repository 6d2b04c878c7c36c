// SPDX-License-Identifier: Apache-2.0
#include "source/call_table.h"

#include <array>
#include <vector>

#include "source/live.h"
#include "source/machine.h"

namespace gyr {
namespace {

// What 32-bit programs call through socketcall(1 …) and ipc(1 …), by the numbers of <linux/net.h>
// and <linux/ipc.h>.
constexpr std::array kSocketCalls{
    Sc::UNKNOWN,     Sc::SOCKET,      Sc::BIND,       Sc::CONNECT,    Sc::LISTEN,  Sc::ACCEPT,
    Sc::GETSOCKNAME, Sc::GETPEERNAME, Sc::SOCKETPAIR, Sc::SEND,       Sc::RECV,    Sc::SENDTO,
    Sc::RECVFROM,    Sc::SHUTDOWN,    Sc::SETSOCKOPT, Sc::GETSOCKOPT, Sc::SENDMSG, Sc::RECVMSG,
    Sc::ACCEPT4,     Sc::RECVMMSG,    Sc::SENDMMSG};
constexpr auto kIpcCalls = [] {
  std::array<Sc, 25> calls{};
  calls[1] = Sc::SEMOP;
  calls[2] = Sc::SEMGET;
  calls[3] = Sc::SEMCTL;
  calls[4] = Sc::SEMTIMEDOP;
  calls[11] = Sc::MSGSND;
  calls[12] = Sc::MSGRCV;
  calls[13] = Sc::MSGGET;
  calls[14] = Sc::MSGCTL;
  calls[21] = Sc::SHMAT;
  calls[22] = Sc::SHMDT;
  calls[23] = Sc::SHMGET;
  calls[24] = Sc::SHMCTL;
  return calls;
}();
constexpr int kNrSocketcall = 102, kNrIpc = 117;

}  // namespace

gyr_calls call_table(std::span<const Sc> wanted) {
  std::vector<bool> chosen(kScLimit);
  for (const Sc sc : wanted) {
    if (is_collected(sc)) chosen[static_cast<size_t>(sc)] = true;
  }
  const auto entry = [&](const ScInfo* info) {
    gyr_call call{};
    if (!info) return call;
    call.sc = static_cast<uint16_t>(info->sc);
    if (chosen[call.sc]) call.event = static_cast<uint16_t>(info->event);
    return call;
  };
  gyr_calls table{};
  for (int i = 0; i < GYR_CALLS; ++i) {
    table.calls[0][i] = entry(syscall_of_machine(i));
    if (kMaps32BitCalls) table.calls[1][i] = entry(syscall_of_ia32(i));
  }
  if (!kMaps32BitCalls) return table;
  const auto pack = [&](gyr_call* packed, std::span<const Sc> within, gyr_call* outer) {
    bool any = false;
    for (size_t i = 1; i < within.size(); ++i) {
      packed[i] = entry(sc_info(static_cast<uint16_t>(within[i])));
      any = any || packed[i].event != 0;
    }
    // Any event lets the call pass; which one it is, is told inside.
    outer->event = any ? static_cast<uint16_t>(Ev::GENERIC_X) : uint16_t{0};
    if (outer->sc == 0) outer->sc = 1;
  };
  pack(table.packed[0], kSocketCalls, &table.calls[1][kNrSocketcall]);
  pack(table.packed[1], kIpcCalls, &table.calls[1][kNrIpc]);
  return table;
}

}  // namespace gyr
