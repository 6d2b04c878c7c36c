// SPDX-License-Identifier: Apache-2.0
// What the rule language knows about a field: its row. Rows live in field/<family>.cpp; lang/ and
// vm/ see them only as spans of FieldInfo, so both work without any state (fuzzers, browser).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/type.h"
#include "value/value.h"

namespace gyr {

struct EvalContext;  // one event with its state; defined in field/context.h

// What a value depends on, so how long an answer about it stays true.
enum class Dependency : uint8_t {
  Constant,  // never changes while the program lives
  Thread,    // proc.*, user.* …: changes only when the thread's versions do (state/thread.h)
  Event,     // anything else
};

// Vocabulary of a text field: atoms on fields of one domain are answered together, once per
// interned string. None: the text is not interned.
enum class Domain : uint8_t { None, Path, Comm, Exe, ExePath, CommandLine, Other, Count };

// How an operator treats several values that extract_each gives.
enum class Quantifier : uint8_t {
  Single,  // the field has one value
  Any,     // true when one of the values satisfies the operator, "!=" too (proc.aname)
  Ends,    // like Any, but "!=" must hold for all (fd.ip, fd.port, fd.net)
};

enum FieldFlags : uint32_t {
  kFilterOnly = 1,
  kPrintOnly = 2,
  kArgumentRequired = 4,
  kTableOnly = 8,
  kIsList = 64,
  kArgumentAllowed = 128,
  kArgumentIndex = 256,
  kArgumentKey = 512,
  kDeprecated = 1024,
  kNoTransformer = 2048,
  kNoRightHandSide = 4096,
  kSuggestedOutput = 16384,
  kStateful = 1 << 20,  // each use in a rule counts or remembers (util.cnt, evt.deltatime): never
                        // shared, reordered or skipped; what a use remembers is in the UseMemory
};

struct FieldInfo;

// A field as used in a text: with its argument, bound once when the rule is compiled.
struct FieldUse {
  const FieldInfo* info = nullptr;
  Type type = Type::None;  // info->type, or what the argument decides (evt.rawarg)
  bool has_argument = false;
  bool dotted = false;         // written evt.arg.fd, not evt.arg[fd]
  std::string argument;        // text between the brackets, or behind the dot
  int64_t number = 0;          // the argument as bind() understood it (index, parameter number …)
  uint64_t mask = 0;           // free for bind()
  std::shared_ptr<void> data;  // free for bind(); of a stateful field: which memory is its own
};

// Values live until the next event; they are in the event, in state, or in context.arena.
using Extractor = Value (*)(const EvalContext& context, const FieldUse& use);
// Checks and stores the argument. An error says what was expected. Asked when there is an
// argument, when the field demands one (kArgumentRequired; so evt.abspath alone can be accepted),
// and for each use of a stateful field.
using Binder = Result<void> (*)(FieldUse& use);

// The value the field has for every event of this type, whatever the event: then rules are
// specialised by it and never extract it. False: it depends on the event.
using Folder = bool (*)(uint16_t event_type, const FieldUse& use, Value* value);
// Refuses a constant the field can never have (a misspelt event name); the error names a
// suggestion.
using ConstantCheck = Result<void> (*)(const FieldUse& use, std::string_view constant);

struct FieldInfo {
  std::string_view name;
  Type type = Type::None;
  Format format = Format::Na;
  uint32_t flags = 0;
  Dependency dependency = Dependency::Event;
  Domain domain = Domain::None;
  std::string_view doc;         // one line, for listings
  Extractor extract = nullptr;  // the value that is printed, and compared unless extract_each
  Binder bind = nullptr;        // null: an argument is kept as text only
  Quantifier quantifier = Quantifier::Single;
  Extractor extract_each = nullptr;  // a List of the values that are compared; null value: none
  Folder fold = nullptr;
  ConstantCheck check_constant = nullptr;  // asked for every constant, whatever the operator
  std::string_view constant{};             // the value of static.*, whatever the event
  Extractor print = nullptr;  // what outputs show in place of extract's value (evt.buffer)
};

// The value as outputs show it.
inline Value printed_value(const EvalContext& context, const FieldUse& use) {
  return use.info->print != nullptr ? use.info->print(context, use)
                                    : use.info->extract(context, use);
}

// One listing heading ("process", "fd" …) and its fields.
struct FieldClass {
  std::string_view name;
  std::string_view doc;
  std::string_view source;  // event source the fields belong to, "" = all
  bool hidden = false;
  std::span<const FieldInfo> fields;
};

// The field a text such as "proc.aname[2]" names: class by class, in a class the longest name that
// is a prefix of the text. `rest` is what follows the name. Null if none.
struct FieldMatch {
  const FieldInfo* info = nullptr;
  std::string_view rest;

  // "evt.arg.flags": a field that needs its argument takes it behind a dot, too.
  bool has_dotted_argument() const {
    return info != nullptr && (info->flags & kArgumentRequired) != 0 && rest.starts_with('.');
  }
};
FieldMatch find_field(std::span<const FieldClass> classes, std::string_view text);

}  // namespace gyr
