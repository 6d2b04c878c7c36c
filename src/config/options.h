// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys (options.def) and how their values are read and printed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/value.h"

namespace gyr::config {

struct Bounds {
  double min = 0;
  double max = 0;  // 0: none
};

// What a value looks like. One source for the reference page, the schema and the sample file.
enum class ValueKind : uint8_t {
  Boolean,
  Number,
  WholeNumber,
  Text,
  Word,        // one of words(), in any case
  TextList,    // or one text alone
  WordList,    // the same of words()
  TextMap,     // names of the user's choice to texts
  Object,      // a map with the keys of an object
  ObjectList,  // or one object alone
  FieldList,   // names of fields, and maps of one name to a text
  TextOrMap,   // the map has the keys of an object if it is the container plugin's
};

struct OptionRow {
  std::string_view path;
  ValueKind kind;
  std::string_view words;   // of Word and WordList: separated by blanks
  std::string_view object;  // of ObjectList: whose keys object_keys() gives
  std::string_view doc;
  Bounds bounds;
  double largest;  // whole number that fits, 0: any
  std::string (*print)(const Settings& settings);
  // Reads `value` into its member; complaints go to `problems`, and the member stays as it is after
  // one.
  void (*load)(const Value& value, const Bounds& bounds, Settings* settings, Problems* problems);
};
std::span<const OptionRow> option_rows();

// A key of the maps that stand in a list, or further inside.
struct ObjectKey {
  std::string_view object;
  std::string_view key;
  ValueKind kind;
  std::string_view detail;  // the words of a Word, the object of an Object or ObjectList
  bool required = false;
  std::string_view doc;
};
std::span<const ObjectKey> all_object_keys();
std::vector<ObjectKey> object_keys(std::string_view object);
// Where an entry of a list may also be a single text, the key that this text is; or "".
std::string_view text_form(std::string_view object);
// Whether such a map has exactly one of its keys.
bool is_choice(std::string_view object);
// "true or false", "number, 1 to 10" … for people.
std::string kind_text(ValueKind kind, std::string_view words, const Bounds& bounds);

// The same as a tree: a section has children, a key its row. Sections stand where their first key
// does.
struct KeyTree {
  std::string_view name;
  const OptionRow* row = nullptr;
  std::vector<KeyTree> children{};
};
KeyTree key_tree();

// Keys of the past.
struct RemovedRow {
  std::string_view path;
  std::string_view successor;  // path of the key that is set instead, or empty
  std::string_view advice;     // what to do when there is no successor
};
std::span<const RemovedRow> removed_rows();

// The reference page of all keys, as Markdown.
std::string reference_page();

}  // namespace gyr::config
