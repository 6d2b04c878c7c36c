// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include <fmt/format.h>

#include <array>

#include "config/convert.h"

namespace gyr::config {
namespace {

#define GYR_OPTION(path, member, min, max, doc)                                                    \
  OptionRow{path,                                                                                  \
            type_name<std::remove_cvref_t<decltype(std::declval<Settings>().member)>>(),           \
            doc,                                                                                   \
            Bounds{min, max},                                                                      \
            [](const Settings& settings) { return print(settings.member); },                       \
            [](const Value& value, const Bounds& bounds, Settings* settings, Problems* problems) { \
              Reader(path, bounds, problems).read(value, &settings->member);                       \
            }},
constexpr OptionRow kOptions[] = {
#include "config/options.def"
};
#undef GYR_OPTION

constexpr RemovedRow kRemoved[] = {
#define GYR_RENAMED(path, successor) RemovedRow{path, successor, ""},
#define GYR_REMOVED(path, advice) RemovedRow{path, "", advice},
#include "config/removed.def"
#undef GYR_RENAMED
#undef GYR_REMOVED
};

}  // namespace

std::span<const OptionRow> option_rows() { return kOptions; }
std::span<const RemovedRow> removed_rows() { return kRemoved; }

std::string reference_page() {
  const Settings defaults;
  std::string page = "| Key | Value | Default | Meaning |\n|---|---|---|---|\n";
  for (const OptionRow& row : option_rows()) {
    std::string type(row.type);
    if (row.bounds.max > 0) type += fmt::format(", {} to {:.0f}", row.bounds.min, row.bounds.max);
    page +=
        fmt::format("| `{}` | {} | `{}` | {} |\n", row.path, type, row.print(defaults), row.doc);
  }
  page += "\n| Key of the past | Now |\n|---|---|\n";
  for (const RemovedRow& row : removed_rows()) {
    page += row.successor.empty() ? fmt::format("| `{}` | no effect: {} |\n", row.path, row.advice)
                                  : fmt::format("| `{}` | sets `{}` |\n", row.path, row.successor);
  }
  return page;
}

}  // namespace gyr::config
