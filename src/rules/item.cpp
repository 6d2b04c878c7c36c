// SPDX-License-Identifier: Apache-2.0
#include "rules/item.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/text.h"

namespace gyr::rules {

Chain Item::chain_to(const yaml::Node& target) const {
  for (const yaml::Node::Entry& entry : node().entries) {
    const std::string& key = entry.key->text;
    if (entry.key.get() == &target || entry.value.get() == &target)
      return chain_.with("value for", key, at(target));
    const auto& items = entry.value->items;
    const bool inside = std::any_of(items.begin(), items.end(),
                                    [&](const auto& item) { return item.get() == &target; });
    if (!inside) continue;
    return chain_.with("value for", key, at(*entry.value)).with("list item", "", at(target));
  }
  return chain_;
}

// A quote that is not closed swallows the keys below it.
void Item::complain_of_missing(std::string_view key) const {
  const yaml::Document& document = *chain_.files()[place_.file].document;
  for (const yaml::Node::Entry& entry : node().entries) {
    if (!document.is_unclosed(*entry.value)) continue;
    return fail(
        Code::YamlValidate,
        fmt::format("the key '{}' is missing: the quote that begins the value of '{}' is not "
                    "closed, so everything below belongs to it",
                    key, entry.key->text),
        *entry.value);
  }
  fail(Code::YamlValidate, fmt::format("the key '{}' is missing", key));
}

const yaml::Node* Item::need(std::string_view key) const {
  const yaml::Node::Entry* entry = node().find_entry(key);
  if (entry == nullptr) {
    complain_of_missing(key);
    return nullptr;
  }
  const yaml::Node* value = entry->value.get();
  if (value->is_null() || (value->is_scalar() && trim(value->text).empty() && value->tag.empty())) {
    fail(Code::YamlValidate, fmt::format("the key '{}' has no value", key), *entry->key);
    return nullptr;
  }
  if (!value->tag.empty() && value->tag[0] == '!' && value->text.empty() && value->is_scalar()) {
    fail(Code::YamlValidate,
         fmt::format("'{}' without quotes is a YAML tag, not text: quote it", value->tag), *value);
    return nullptr;
  }
  return value;
}

std::optional<Place> Item::scalar(std::string_view key) const {
  const yaml::Node* value = need(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_scalar()) return at(*value);
  fail(Code::YamlValidate,
       fmt::format("the key '{}' needs text but has {}", key, kind_name(value->kind)), *value);
  return std::nullopt;
}

std::optional<Place> Item::sequence(std::string_view key) const {
  const yaml::Node* value = node().find(key);
  // An empty sequence is a value, so need() does not fit.
  if (value != nullptr && value->is_sequence()) return at(*value);
  value = need(key);
  if (value != nullptr) {
    fail(Code::YamlValidate,
         fmt::format("the key '{}' needs a sequence but has {}", key, kind_name(value->kind)),
         *value);
  }
  return std::nullopt;
}

std::optional<bool> Item::boolean(std::string_view key) const {
  const yaml::Node* value = need(key);
  if (value == nullptr) return std::nullopt;
  // Quoted too, as the reference takes it: templates write "false".
  const yaml::Truth truth = value->is_scalar() ? yaml::truth(value->text) : yaml::Truth::Neither;
  if (truth != yaml::Truth::Neither) return truth == yaml::Truth::True;
  fail(Code::YamlValidate, fmt::format("the key '{}' must be true or false", key), *value);
  return std::nullopt;
}

std::optional<uint64_t> Item::number(std::string_view key) const {
  const yaml::Node* value = need(key);
  if (value == nullptr) return std::nullopt;
  uint64_t number = 0;
  const char* end = value->text.data() + value->text.size();
  const auto [stop, problem] = std::from_chars(value->text.data(), end, number);
  if (value->is_scalar() && problem == std::errc() && stop == end) return number;
  fail(Code::YamlValidate, fmt::format("the key '{}' must be a number", key), *value);
  return std::nullopt;
}

std::optional<std::vector<Place>> Item::scalars(std::string_view key) const {
  const std::optional<Place> found = sequence(key);
  if (!found) return std::nullopt;
  std::vector<Place> places;
  for (const yaml::NodePtr& item : found->node->items) {
    if (!item->tag.empty() && item->is_scalar() && item->text.empty()) {
      fail(Code::YamlValidate,
           fmt::format("'{}' without quotes is a YAML tag, not text: quote it", item->tag), *item);
      return std::nullopt;
    }
    // The unquoted word null in a list of names is a name.
    const bool word = item->is_null() && !item->text.empty();
    if (!item->is_scalar() && !word) {
      fail(Code::YamlValidate,
           fmt::format("the items of '{}' must be text, but one is {}", key, kind_name(item->kind)),
           *item);
      return std::nullopt;
    }
    places.push_back(at(*item));
  }
  return places;
}

void Item::check_keys(std::span<const std::string_view> known) const {
  std::unordered_set<std::string_view> seen;
  for (const yaml::Node::Entry& entry : node().entries) {
    const std::string& key = entry.key->text;
    if (!seen.insert(key).second) {
      warn_of_key(*entry.key,
                  fmt::format("the key '{}' is there twice; the first one counts", key));
    }
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view guess = closest(key, known);
    warn_of_key(*entry.key, guess.empty()
                                ? fmt::format("unknown key '{}'", key)
                                : fmt::format("unknown key '{}'; did you mean '{}'?", key, guess));
  }
}

// Without a search for the key, of which a file may have very many.
void Item::warn_of_key(const yaml::Node& key, std::string message) const {
  sink_->warning(Code::UnknownKey, std::move(message), chain_.with("value for", key.text, at(key)),
                 at(key));
}

}  // namespace gyr::rules
