// SPDX-License-Identifier: Apache-2.0
#include "value/type.h"

#include <array>

#include "base/check.h"

namespace gyr {
namespace {

constexpr auto kTypes = std::to_array<TypeInfo>({
#define GYR_TYPE(number, name, text, min, max) {text, min, max},
#include "value/types.def"
#undef GYR_TYPE
});

}  // namespace

const TypeInfo& type_info(Type type) {
  const auto index = static_cast<size_t>(type);
  GYR_CHECK(index < kTypes.size());
  return kTypes[index];
}

Family family_of(Type type) {
  switch (type) {
    case Type::Uint8:
    case Type::Uint16:
    case Type::Uint32:
    case Type::Uint64:
    case Type::SyscallId:
    case Type::SigType:
    case Type::RelTime:
    case Type::AbsTime:
    case Type::Port:
    case Type::L4Proto:
    case Type::SockFamily:
    case Type::Flags8:
    case Type::Flags16:
    case Type::Flags32:
    case Type::Uid:
    case Type::Gid:
    case Type::SigSet:
    case Type::Mode:
    case Type::EnumFlags8:
    case Type::EnumFlags16:
    case Type::EnumFlags32:
      return Family::Unsigned;
    case Type::Int8:
    case Type::Int16:
    case Type::Int32:
    case Type::Int64:
    case Type::Errno:
    case Type::Fd:
    case Type::Pid:
    case Type::Fd32:
    case Type::Pid32:
      return Family::Signed;
    case Type::Double:
      return Family::Double;
    case Type::Bool:
      return Family::Bool;
    case Type::CharBuf:
    case Type::FsPath:
    case Type::FsRelPath:
    case Type::CharBufArray:
    case Type::CharBufPairArray:
      return Family::Text;
    case Type::ByteBuf:
    case Type::SockAddr:
    case Type::SockTuple:
    case Type::FdList:
      return Family::Blob;
    case Type::Ipv4Addr:
    case Type::Ipv6Addr:
    case Type::IpAddr:
      return Family::Ip;
    case Type::Ipv4Net:
    case Type::Ipv6Net:
    case Type::IpNet:
      return Family::Net;
    case Type::None:
    case Type::Dyn:
      return Family::None;
  }
  return Family::None;
}

}  // namespace gyr
