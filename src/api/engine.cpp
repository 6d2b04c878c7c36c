// SPDX-License-Identifier: Apache-2.0
#include "gyr/engine.h"

#include "alert/outputs.h"
#include "api/access.h"
#include "base/system.h"
#include "engine/engine.h"

namespace gyr::api {
namespace {

static_assert(static_cast<int>(Priority::Debug) == static_cast<int>(gyr::Priority::Debug));
static_assert(static_cast<int>(Priority::Emergency) == static_cast<int>(gyr::Priority::Emergency));

Alert to_public(const gyr::Alert& alert) {
  Alert told{.time_ns = alert.time_ns,
             .rule = alert.rule,
             .priority = static_cast<Priority>(alert.priority),
             .source = alert.source,
             .tags = alert.tags,
             .message = alert.message,
             .fields = {}};
  for (const auto& [name, value] : alert.fields) told.fields[name] = api::to_public(value);
  return told;
}

// The caller's sink on the thread of its queue.
class ForeignSink final : public gyr::Sink {
 public:
  explicit ForeignSink(std::unique_ptr<api::Sink> sink) : sink_(std::move(sink)) {}

  std::string_view name() const override { return sink_->name(); }
  std::optional<Allowed> allowed() const override { return std::nullopt; }
  gyr::Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing> batch) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      if (sink_->write(to_public(*batch[i].alert), batch[i].line)) continue;
      return {.status = SinkStatus::Refused,
              .accepted = i,
              .reason = std::string(sink_->name()) + ": the sink refused an alert"};
    }
    return {};
  }

 private:
  std::unique_ptr<api::Sink> sink_;
};

OutputSettings output_settings(const EngineSettings& settings, const gyr::Source& source) {
  OutputSettings outputs;
  outputs.format.json = settings.json;
  outputs.format.iso_8601 = settings.iso_8601;
  outputs.queue_capacity = settings.queue_capacity;
  outputs.wait_when_full = !source.is_live();
  return outputs;
}

EngineSetup engine_setup(const EngineSettings& settings) {
  EngineSetup setup;
  setup.alert = {.hostname = settings.hostname, .iso_8601 = settings.iso_8601};
  return setup;
}

RuleUse rule_use(const EngineSettings& settings) {
  RuleUse use;
  use.match = settings.all_matches ? MatchMode::All : MatchMode::First;
  return use;
}

}  // namespace

struct Engine::Impl {
  Impl(Source from, const Rules& rules, const EngineSettings& settings)
      : source(std::move(from)),
        outputs(output_settings(settings, SourceAccess::get(source)), null_logger()),
        engine(engine_setup(settings), prepare_rules(RulesAccess::get(rules), rule_use(settings)),
               {.source = SourceAccess::get(source),
                .outputs = outputs,
                .clock = system_clock(),
                .logger = null_logger()}) {}

  Source source;
  Outputs outputs;
  gyr::Engine engine;
  bool ran = false;
};

Engine::Engine(Source source, const Rules& rules, const EngineSettings& settings)
    : impl_(std::make_unique<Impl>(std::move(source), rules, settings)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<void> Engine::add(std::unique_ptr<Sink> sink) {
  if (sink == nullptr) return Error{"there is no sink"};
  if (impl_->ran) return Error{"a sink can be added before the run only"};
  const gyr::Result<void> added =
      impl_->outputs.add(std::make_unique<ForeignSink>(std::move(sink)));
  if (!added) return Error{added.error().message};
  return {};
}

Result<RunEnd> Engine::run(const std::atomic<bool>& stop) {
  if (std::exchange(impl_->ran, true)) return Error{"an engine runs once"};
  if (const gyr::Result<void> opened = impl_->engine.open(); !opened) {
    return Error{opened.error().message};
  }
  const gyr::RunEnd end = impl_->engine.run(stop);
  impl_->outputs.finish([&stop] { return stop.load(); });
  if (end == gyr::RunEnd::Failed) return Error{impl_->engine.error().message};
  return end == gyr::RunEnd::Finished ? RunEnd::Finished : RunEnd::Stopped;
}

Result<RunEnd> Engine::run() {
  const std::atomic<bool> never{false};
  return run(never);
}

uint64_t Engine::events() const { return impl_->engine.events(); }

std::vector<SinkCounters> Engine::counters() const {
  std::vector<SinkCounters> counters;
  for (const OutputCounters& sink : impl_->outputs.counters()) {
    counters.push_back({sink.name, sink.sent, sink.lost_total()});
  }
  return counters;
}

std::string Engine::statistics() const { return impl_->engine.statistics().to_text(); }

}  // namespace gyr::api
