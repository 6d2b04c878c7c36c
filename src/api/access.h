// SPDX-License-Identifier: Apache-2.0
// What stands behind the public types. Internal to api/.
#pragma once

#include <memory>
#include <utility>

#include "alert/alert.h"
#include "engine/event_stream.h"
#include "field/static_fields.h"
#include "gyr/event.h"
#include "gyr/rules.h"
#include "gyr/source.h"
#include "rules/ruleset.h"

namespace gyr::api {

struct Source::Impl {
  std::unique_ptr<gyr::Source> source;
};
struct SourceAccess {
  static Source make(std::unique_ptr<gyr::Source> source) {
    return Source(std::make_unique<Source::Impl>(Source::Impl{std::move(source)}));
  }
  static gyr::Source& get(Source& source) { return *source.impl_->source; }
};

struct EventAccess {
  static Event make(const EventStream& stream) { return Event(stream); }
  static const EventStream& stream(const Event& event) { return *event.stream_; }
};

struct Rules::Impl {
  std::unique_ptr<const FieldSet> fields;  // the rules refer to them
  std::shared_ptr<const Ruleset> ruleset;
};
struct RulesAccess {
  using Impl = Rules::Impl;
  static Rules make(std::shared_ptr<const Rules::Impl> impl) { return Rules(std::move(impl)); }
  // Keeps the fields alive too.
  static std::shared_ptr<const Ruleset> get(const Rules& rules) {
    return {rules.impl_, rules.impl_->ruleset.get()};
  }
};

FieldValue to_public(const AlertValue& value);

}  // namespace gyr::api
