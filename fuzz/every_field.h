// SPDX-License-Identifier: Apache-2.0
// Asks an event for everything that can be asked: each field, bare and with arguments, as it is
// printed and as it is compared, and all parameters as text. Every byte of every answer is read.
//
// Two promises that rules rely on are checked: a folded value is what the event gives, and what a
// field of the class Dependency::Thread gives stays while State::version_of(thread) does.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "field/fields.h"
#include "field/render.h"

namespace gyr::fuzz {

class EveryField {
 public:
  EveryField() : uses_(all_uses()) {
    // What one input leaves behind must not change what the next one does.
    for (FieldUse& use : uses_) {
      if ((use.info->flags & kStateful) != 0 && use.info->bind != nullptr) {
        GYR_CHECK(use.info->bind(use));
      }
    }
  }

  void ask(const EvalContext& context) {
    read(render_args(context));
    // One more than there are: absent parameters render too.
    for (size_t i = 0; i <= context.event.info().nparams; ++i) {
      read(render_param(context, i).text());
    }
    for (const FieldUse& use : uses_) ask(context, use);
    if (context.thread() != nullptr) check_versions(context, *context.thread());
  }

 private:
  // Indexes, names of parameters and of events, flags, keys: each field keeps those it accepts.
  static constexpr std::string_view kArguments[] = {
      "0",        "1",       "2",     "7",    "fd",    "res",    "name", "path",
      "exe",      "oldpath", "src",   "dst",  "HOME",  "memory", "open", "30",
      "linkpath", "addr",    "tuple", "data", "flags", "args",   "env",  "1000,200"};

  // Bound once: a refused argument costs a search for the name that was meant.
  static const std::vector<FieldUse>& all_uses() {
    static const std::vector<FieldUse> kUses = [] {
      std::vector<FieldUse> made;
      for (const FieldClass& group : all_fields()) {
        for (const FieldInfo& info : group.fields) add_uses(made, info);
      }
      return made;
    }();
    return kUses;
  }

  static void add_uses(std::vector<FieldUse>& uses, const FieldInfo& info) {
    constexpr uint32_t kAccepts =
        kArgumentRequired | kArgumentAllowed | kArgumentIndex | kArgumentKey;
    if ((info.flags & kArgumentRequired) == 0) add_use(uses, info, "", false);
    if ((info.flags & kAccepts) == 0) return;
    for (const std::string_view argument : kArguments) add_use(uses, info, argument, true);
  }

  static void add_use(std::vector<FieldUse>& uses, const FieldInfo& info, std::string_view argument,
                      bool given) {
    FieldUse use;
    use.info = &info;
    use.type = info.type;
    use.argument = argument;
    use.has_argument = given;
    const bool asked = given || (info.flags & kStateful) != 0;
    if (asked && info.bind != nullptr && !info.bind(use)) return;
    uses.push_back(std::move(use));
  }

  void ask(const EvalContext& context, const FieldUse& use) {
    const FieldInfo& info = *use.info;
    const Value value = info.extract == nullptr ? Value::null() : info.extract(context, use);
    read(value);
    if (info.extract_each != nullptr) read(info.extract_each(context, use));
    Value folded;
    if (info.extract == nullptr || info.fold == nullptr) return;
    if (!info.fold(static_cast<uint16_t>(context.event.type()), use, &folded)) return;
    // Rules are specialised by the folded value: it must be what the event really gives.
    GYR_CHECK(same(value, folded));
  }

  static bool same(const Value& a, const Value& b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
      case Value::Kind::Null:
        return true;
      case Value::Kind::Text:
      case Value::Kind::Blob:
        return a.as_text() == b.as_text();
      case Value::Kind::Ip:
        return a.as_ip() == b.as_ip();
      case Value::Kind::List:
        return a.size == b.size;
      case Value::Kind::Int:
      case Value::Kind::Uint:
      case Value::Kind::Double:
      case Value::Kind::Bool:
        return a.u == b.u;
    }
    return false;
  }

  struct Answers {
    uint64_t version = 0;
    std::vector<size_t> hashes;  // by number of the use
  };

  void check_versions(const EvalContext& context, const Thread& thread) {
    Answers& kept = kept_[thread.tid];
    const uint64_t version = context.state.version_of(thread);
    const bool known = kept.version == version && !kept.hashes.empty();
    kept.version = version;
    kept.hashes.resize(uses_.size());
    for (size_t i = 0; i < uses_.size(); ++i) {
      const FieldInfo& info = *uses_[i].info;
      if (info.dependency != Dependency::Thread || info.extract == nullptr) continue;
      if ((info.flags & kStateful) != 0) continue;
      const size_t hash = hash_of(info.extract(context, uses_[i]));
      if (known && kept.hashes[i] != hash) report(uses_[i], context);
      kept.hashes[i] = hash;
    }
  }

  [[noreturn]] static void report(const FieldUse& use, const EvalContext& context) {
    const std::string_view event = context.event.info().code;
    std::fprintf(stderr, "%.*s[%s] changed at %.*s, but not its thread's version\n",
                 static_cast<int>(use.info->name.size()), use.info->name.data(),
                 use.argument.c_str(), static_cast<int>(event.size()), event.data());
    std::abort();
  }

  static size_t hash_of(const Value& value) {
    const auto kind = static_cast<size_t>(value.kind);
    switch (value.kind) {
      case Value::Kind::Text:
      case Value::Kind::Blob:
        return std::hash<std::string_view>()(value.as_text()) + kind;
      case Value::Kind::List: {
        size_t hash = kind;
        for (const Value& item : value.as_list()) hash = hash * 31 + hash_of(item);
        return hash;
      }
      default:
        return std::hash<uint64_t>()(value.u) + kind;
    }
  }

  void read(std::string_view text) {
    for (const char c : text) sum_ = static_cast<uint8_t>(sum_ + static_cast<uint8_t>(c));
  }
  void read(const Value& value) {
    if (value.kind == Value::Kind::Text || value.kind == Value::Kind::Blob) read(value.as_text());
    if (value.kind != Value::Kind::List) return;
    for (const Value& item : value.as_list()) {
      GYR_CHECK(item.kind != Value::Kind::List);
      read(item);
    }
  }

  std::vector<FieldUse> uses_;
  std::unordered_map<int64_t, Answers> kept_;
  volatile uint8_t sum_ = 0;
};

}  // namespace gyr::fuzz
