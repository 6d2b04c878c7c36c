// SPDX-License-Identifier: Apache-2.0
#include "value/value.h"

namespace gyr {

bool IpNetwork::contains(const IpAddress& address) const {
  if (address.v6 != base.v6) return false;
  const size_t whole = prefix / 8;
  if (std::memcmp(address.bytes.data(), base.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((address.bytes[whole] ^ base.bytes[whole]) & mask) == 0;
}

}  // namespace gyr
