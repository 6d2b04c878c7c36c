// SPDX-License-Identifier: Apache-2.0
// Prints the alerts that rules give on a capture file, and which programs opened most files in it:
//   alerts CAPTURE.scap RULES.yaml…
// It uses nothing of Gyr but its public headers; docs/api.md says how to build it.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "gyr/capture.h"
#include "gyr/engine.h"

namespace {

using namespace gyr::api;

class Printer final : public Sink {
 public:
  std::string_view name() const override { return "printer"; }
  bool write(const Alert& alert, std::string_view line) override {
    const auto size = static_cast<int>(line.size());
    return std::printf("%s | %.*s\n", alert.rule.c_str(), size, line.data()) >= 0;
  }
};

int fail(const std::string& message) {
  std::fprintf(stderr, "alerts: %s\n", message.c_str());
  return 1;
}

int detect(const std::string& capture, const std::vector<std::string>& files) {
  const LoadedRules loaded = load_rule_files(files);
  if (!loaded.rules) return fail(loaded.report);
  Result<Source> source = open_capture(capture);
  if (!source) return fail(source.error().message);
  Engine engine(*std::move(source), *loaded.rules);
  if (const Result<void> added = engine.add(std::make_unique<Printer>()); !added) {
    return fail(added.error().message);
  }
  const Result<RunEnd> end = engine.run();
  std::printf("%s", engine.statistics().c_str());
  return end ? 0 : fail(end.error().message);
}

int count_opens(const std::string& capture) {
  const Result<Field> program = Field::find("proc.name");
  if (!program) return fail(program.error().message);
  Result<Source> source = open_capture(capture);
  if (!source) return fail(source.error().message);
  Result<EventReader> reader = EventReader::make(*std::move(source));
  if (!reader) return fail(reader.error().message);
  std::map<std::string, int> opens;
  while (true) {
    const Result<bool> more = reader->next();
    if (!more) return fail(more.error().message);
    if (!*more) break;
    const Event event = reader->event();
    if (event.type() == "open" || event.type() == "openat") ++opens[event.text(*program)];
  }
  for (const auto& [name, count] : opens) std::printf("%d opens by %s\n", count, name.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail("usage: alerts CAPTURE.scap RULES.yaml...");
  const int status = detect(argv[1], {argv + 2, argv + argc});
  return status != 0 ? status : count_opens(argv[1]);
}
