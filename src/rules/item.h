// SPDX-License-Identifier: Apache-2.0
// One item of a rule file while it is read: typed access to its keys with complaints about what is
// missing or has the wrong type.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/report_sink.h"
#include "yaml/document.h"

namespace gyr::rules {

class Item {
 public:
  Item(Chain chain, Place place, ReportSink* sink)
      : chain_(std::move(chain)), place_(place), sink_(sink) {}

  const Chain& chain() const { return chain_; }
  Place place() const { return place_; }
  const yaml::Node& node() const { return *place_.node; }
  Place at(const yaml::Node& node) const { return {place_.file, &node}; }
  ReportSink& sink() const { return *sink_; }

  bool has(std::string_view key) const { return node().find(key) != nullptr; }
  // Each getter complains and gives nothing when the key is missing or its value has the wrong
  // type.
  std::optional<Place> scalar(std::string_view key) const;  // not empty
  std::optional<Place> sequence(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<uint64_t> number(std::string_view key) const;
  // Scalars of a sequence, none of which may be anything else.
  std::optional<std::vector<Place>> scalars(std::string_view key) const;

  // Like the getters, but a missing key is fine: gives `fallback`.
  std::optional<bool> boolean_or(std::string_view key, bool fallback) const {
    return has(key) ? boolean(key) : std::optional<bool>(fallback);
  }

  void fail(Code code, std::string message) const { fail(code, std::move(message), node()); }
  void fail(Code code, std::string message, const yaml::Node& node) const {
    sink_->error(code, std::move(message), chain_to(node), at(node));
  }
  void warn(Code code, std::string message, const yaml::Node& node) const {
    sink_->warning(code, std::move(message), chain_to(node), at(node));
  }
  // The way to `target`: names the key whose value it is or is in the list of, when it is one.
  Chain chain_to(const yaml::Node& target) const;
  // Warns of keys that are not among `known`, and of keys that are there twice.
  void check_keys(std::span<const std::string_view> known) const;

 private:
  const yaml::Node* need(std::string_view key) const;
  void warn_of_key(const yaml::Node& key, std::string message) const;
  void complain_of_missing(std::string_view key) const;

  Chain chain_;
  Place place_;
  ReportSink* sink_;
};

}  // namespace gyr::rules
