// SPDX-License-Identifier: Apache-2.0
// Fields of events: by the names rules use ("fd.name", "proc.aname[2]"), found once and read from
// many events, and texts with fields in them ("%proc.name opened %fd.name").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gyr/result.h"

namespace gyr::api {

class Event;

// A value with the type it has in JSON alerts; no value at all is std::monostate.
struct FieldValue {
  using List = std::vector<FieldValue>;
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, List> data;

  bool is_null() const { return data.index() == 0; }
  bool operator==(const FieldValue&) const = default;
};

struct FieldDescription {
  std::string name;
  std::string type;  // "CHARBUF", "UINT64" …
  std::string description;
};
std::vector<FieldDescription> list_fields();

// Immutable: may be copied, used by several threads, and for any event of any source. What some
// remember (evt.deltatime is the time since it was asked last) is kept with the source.
class Field {
 public:
  // With its argument, if it takes one. The error names the closest field. static.NAME exists in
  // rules only.
  static Result<Field> find(std::string_view text);

  FieldValue get(const Event& event) const;
  // The same as a text; "<NA>" stands for no value.
  std::string text(const Event& event) const;

 private:
  struct Impl;
  explicit Field(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

// Literal text with %fields, as in the output of a rule. Immutable like Field.
class Format {
 public:
  static Result<Format> parse(std::string_view text);

  // A missing value is <NA>; bytes of values stay as they are, control characters too.
  std::string render(const Event& event) const;

 private:
  struct Impl;
  explicit Format(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace gyr::api
