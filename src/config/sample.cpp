// SPDX-License-Identifier: Apache-2.0
#include "config/sample.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/options.h"

namespace gyr::config {
namespace {

constexpr size_t kColumns = 100;

// `text` behind "# ", broken between words; further lines are `hanging` columns deeper.
void add_comment(std::string_view text, size_t indent, size_t hanging, std::string* out) {
  const std::string lead = std::string(indent, ' ') + "# ";
  std::string line = lead + std::string(hanging == 0 ? 0 : hanging - 2, ' ');
  bool empty = true;
  for (const std::string_view word : split(text, ' ')) {
    if (!empty && line.size() + 1 + word.size() > kColumns) {
      *out += line + "\n";
      line = lead + std::string(hanging, ' ');
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  *out += line + "\n";
}

// The keys of a map inside, each a line of the comment.
void add_object(std::string_view object, size_t indent, size_t depth, std::string* out) {
  for (const ObjectKey& key : object_keys(object)) {
    const bool inner = key.kind == ValueKind::Object || key.kind == ValueKind::TextOrMap;
    const std::string needed = key.required ? ", needed" : "";
    add_comment(fmt::format("{} ({}{}): {}", key.key, kind_text(key.kind, key.detail, Bounds{}),
                            needed, key.doc),
                indent, 2 + 2 * depth, out);
    if (inner) add_object(key.detail, indent, depth + 1, out);
  }
}

// Text that YAML would read as something else, or not at all, is quoted.
std::string quoted(const std::string& value) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-";
  const bool plain = !value.empty() && value.find_first_not_of(kPlain) == std::string::npos;
  if (plain || value == "\"\"") return value;
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

void add_key(const OptionRow& row, std::string_view name, size_t indent, std::string* out) {
  add_comment(fmt::format("{}.", row.doc), indent, 0, out);
  if (row.kind == ValueKind::ObjectList) {
    add_comment("A list; an entry has:", indent, 0, out);
    add_object(row.object, indent, 0, out);
  } else {
    const std::string value = kind_text(row.kind, row.words, row.bounds);
    add_comment(fmt::format("Value: {}.", value), indent, 0, out);
  }
  const std::string value = row.print(Settings());
  // To name no plugin is something else than to say nothing.
  const std::string_view lead = row.path == "load_plugins" ? "# " : "";
  *out += fmt::format("{}{}{}: {}\n", std::string(indent, ' '), lead, name,
                      row.kind == ValueKind::Text ? quoted(value) : value);
}

void add_tree(const KeyTree& tree, size_t indent, std::string* out) {
  for (const KeyTree& child : tree.children) {
    if (indent == 0) *out += "\n";
    if (child.row != nullptr) {
      add_key(*child.row, child.name, indent, out);
    } else {
      *out += fmt::format("{}{}:\n", std::string(indent, ' '), child.name);
      add_tree(child, indent + 2, out);
    }
  }
}

}  // namespace

std::string sample_yaml() {
  std::string text =
      "# Configuration of Gyr: every key with its default. Printed by `gyr --config-sample`.\n"
      "# Keep what you change and drop the rest. The keys below `gyr` are Gyr's own; all others "
      "are\n"
      "# those of Falco.\n";
  add_tree(key_tree(), 0, &text);
  return text;
}

}  // namespace gyr::config
