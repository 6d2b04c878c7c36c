// SPDX-License-Identifier: Apache-2.0
#include "metrics/digest.h"

#include <fmt/format.h>
#include <sha2.h>

#include <array>
#include <cstdint>

namespace gyr {

std::string sha256(std::string_view bytes) {
  SHA2_CTX context;
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  SHA256Final(digest.data(), &context);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace gyr
