// SPDX-License-Identifier: Apache-2.0
// gyr doctor: what this host allows live capture to do, and what to do about what is missing.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "alert/format.h"
#include "app/app.h"
#include "app/configured.h"
#include "app/environment.h"
#include "app/help.h"
#include "app/terminal.h"
#include "source/doctor.h"

namespace gyr::app {
namespace {

using Outcome = LiveCheck::Result;
constexpr int kWorks = 0, kLoses = 1, kFails = 2;

std::string_view word_of(Outcome result) {
  switch (result) {
    case Outcome::Ok:
      return "ok";
    case Outcome::Note:
      return "note";
    case Outcome::Loss:
      return "loss";
    case Outcome::Fault:
      return "fault";
  }
  return "";
}

size_t count(const std::vector<LiveCheck>& checks, Outcome result) {
  return static_cast<size_t>(
      std::count_if(checks.begin(), checks.end(),
                    [&](const LiveCheck& check) { return check.result == result; }));
}

int status_of(const std::vector<LiveCheck>& checks) {
  if (count(checks, Outcome::Fault) > 0) return kFails;
  return count(checks, Outcome::Loss) > 0 ? kLoses : kWorks;
}

std::string table(const std::vector<LiveCheck>& checks) {
  constexpr size_t kNames = 25;
  std::string text;
  for (const LiveCheck& check : checks) {
    text += fmt::format("{:<6}{:<{}} {}\n", word_of(check.result), check.name, kNames, check.found);
    if (!check.effect.empty()) text += fmt::format("{:8}why: {}\n", "", check.effect);
    if (!check.remedy.empty()) text += fmt::format("{:8}do:  {}\n", "", check.remedy);
  }
  const size_t losses = count(checks, Outcome::Loss);
  switch (status_of(checks)) {
    case kWorks:
      return text + "\nLive capture works fully here.\n";
    case kLoses:
      return text + fmt::format("\nLive capture works here, with {} {} of function.\n", losses,
                                losses == 1 ? "loss" : "losses");
    default:
      return text + "\nLive capture does not work here.\n";
  }
}

std::string json(const std::vector<LiveCheck>& checks) {
  constexpr std::string_view kWords[] = {"full", "reduced", "none"};
  const int status = status_of(checks);
  std::string list;
  for (const LiveCheck& check : checks) {
    list += fmt::format("{}{{\"name\":{},\"result\":{},\"found\":{},\"effect\":{},\"remedy\":{}}}",
                        list.empty() ? "" : ",", json_string(check.name),
                        json_string(word_of(check.result)), json_string(check.found),
                        json_string(check.effect), json_string(check.remedy));
  }
  return fmt::format("{{\"live_capture\":{},\"status\":{},\"checks\":[{}]}}\n",
                     json_string(kWords[status]), status, list);
}

}  // namespace

int run_doctor(const Invocation& call) {
  Result<Options> options = parse_doctor_options(call.arguments);
  if (!options) {
    print_error(options.error().message);
    return kFails;
  }
  options->as_falco = call.as_falco;
  if (options->help) return print_result(help_text(*find_command("doctor")));
  int status = kFails;
  with_configuration(*options, [&](const ConfigResult& config, const Logger&) {
    const Settings& settings = config.settings;
    LiveSettings live;
    live.snaplen = snaplen(settings);
    live.ring_bytes = ring_bytes(settings.engine.probe());
    live.cpus_per_ring = settings.engine.modern_ebpf.cpus_for_each_buffer;
    live.attach_mode = settings.gyr.attach_mode;
    live.host_root = environment("HOST_ROOT");
    if (settings.engine.modern_ebpf.disable_iterators) live.iterators = IteratorUse::Never;
    const std::vector<LiveCheck> checks = examine_host(live);
    status = status_of(checks);
    return print_result(options->json ? json(checks) : table(checks));
  });
  return status;
}

}  // namespace gyr::app
