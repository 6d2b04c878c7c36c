// SPDX-License-Identifier: Apache-2.0
#include "app/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "alert/fd_writer.h"
#include "base/text.h"

namespace gyr::app {

int print_result(std::string_view text) {
  FdWriter writer;
  writer.use(STDOUT_FILENO);
  writer.buffer() = text;
  std::string reason;
  if (writer.flush(&reason) != WriteEnd::Failed) return 0;
  return print_error("cannot write to standard output: " + reason);
}

void say(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

int print_error(std::string_view message) {
  say(fmt::format("Error: {}\n", message));
  return 1;
}

std::string fault_text(std::string_view what, std::string_view text, const TextFault& fault) {
  const size_t offset = std::min(fault.offset, text.size());
  const size_t size = std::max<size_t>(1, std::min(fault.size, text.size() - offset));
  // The text may hold anything; the marks below stand right as long as it is plain.
  return fmt::format("{}: {}\n  {}\n  {}{}", what, one_line(fault.message), one_line(text),
                     std::string(offset, ' '), std::string(size, '^'));
}

}  // namespace gyr::app
