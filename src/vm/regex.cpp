// SPDX-License-Identifier: Apache-2.0
// The one file that knows RE2.
#include <re2/re2.h>

#include "base/text.h"
#include "vm/pattern.h"

namespace gyr {

struct Regex::Impl {
  explicit Impl(std::string_view pattern, const RE2::Options& options)
      : re(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 re;
};

Regex::Regex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Regex::~Regex() = default;

Result<std::shared_ptr<const Regex>> Regex::make(std::string_view pattern) {
  RE2::Options options;
  options.set_posix_syntax(true);
  options.set_log_errors(false);
  auto impl = std::make_unique<Impl>(pattern, options);
  if (!impl->re.ok()) return Error{impl->re.error()};
  return std::shared_ptr<const Regex>(new Regex(std::move(impl)));
}

namespace {

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

}  // namespace

bool Regex::matches(std::string_view text) const {
  if (is_ascii(text)) return RE2::FullMatch({text.data(), text.size()}, impl_->re);
  return RE2::FullMatch(to_valid_utf8(text), impl_->re);
}

}  // namespace gyr
