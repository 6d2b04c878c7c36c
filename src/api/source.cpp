// SPDX-License-Identifier: Apache-2.0
#include "gyr/source.h"

#include <optional>

#include "api/access.h"
#include "base/check.h"
#include "field/values.h"
#include "gyr/capture.h"
#include "source/replay.h"

namespace gyr::api {

uint64_t Event::number() const { return EventAccess::stream(*this).number(); }
uint64_t Event::time_ns() const { return EventAccess::stream(*this).event().ts_ns(); }
int64_t Event::thread_id() const { return EventAccess::stream(*this).event().tid(); }
std::string Event::type() const {
  const Value name = type_name(EventAccess::stream(*this).context());
  return name.kind == Value::Kind::Null ? std::string() : std::string(name.as_text());
}

Source::Source(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Source::Source(Source&&) noexcept = default;
Source& Source::operator=(Source&&) noexcept = default;
Source::~Source() = default;

struct EventReader::Impl {
  explicit Impl(Source from) : source(std::move(from)), stream(SourceAccess::get(source), {}) {}

  Source source;
  EventStream stream;
  bool on_event = false;
  std::optional<Result<bool>> end;  // what next() says from now on
};

EventReader::EventReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;
EventReader::~EventReader() = default;

Result<EventReader> EventReader::make(Source source) {
  auto impl = std::make_unique<Impl>(std::move(source));
  if (const gyr::Result<void> opened = impl->stream.open(); !opened) {
    return Error{opened.error().message};
  }
  return EventReader(std::move(impl));
}

Result<bool> EventReader::next() {
  impl_->on_event = false;
  while (!impl_->end) {
    switch (impl_->stream.next()) {
      case StreamStatus::Event:
        impl_->on_event = true;
        return true;
      case StreamStatus::Skipped:
      case StreamStatus::Idle:
        break;
      case StreamStatus::End:
        impl_->end = false;
        break;
      case StreamStatus::Failed:
        impl_->end = Error{impl_->stream.error().message};
        break;
    }
  }
  return *impl_->end;
}

Event EventReader::event() const {
  GYR_CHECK(impl_->on_event);
  return EventAccess::make(impl_->stream);
}

Result<Source> open_capture(const std::string& path, std::function<bool()> give_up) {
  gyr::Result<std::unique_ptr<gyr::Source>> opened = open_replay(path, std::move(give_up));
  if (!opened) return Error{opened.error().message};
  return SourceAccess::make(*std::move(opened));
}

}  // namespace gyr::api
