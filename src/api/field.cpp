// SPDX-License-Identifier: Apache-2.0
#include "gyr/field.h"

#include <fmt/format.h>

#include <span>

#include "api/access.h"
#include "engine/alert_builder.h"
#include "field/fields.h"
#include "lang/output.h"

namespace gyr::api {
namespace {

using TemplatePtr = std::shared_ptr<const OutputTemplate>;

Result<TemplatePtr> parse_template(std::string_view text) {
  std::vector<TextFault> faults;
  TemplatePtr parsed =
      OutputTemplate::parse(text, {.fields = all_fields(), .event_types = kEventCount}, &faults);
  if (parsed) return parsed;
  return Error{faults.empty() ? "this is no format" : faults.front().message};
}

}  // namespace

struct Field::Impl {
  TemplatePtr text;  // of this one field
};
struct Format::Impl {
  TemplatePtr text;
};

FieldValue to_public(const AlertValue& value) {
  const auto* list = std::get_if<AlertValue::List>(&value.data);
  if (list == nullptr) {
    return std::visit(
        [](const auto& data) -> FieldValue {
          if constexpr (std::is_same_v<std::decay_t<decltype(data)>, AlertValue::List>) {
            return {};
          } else {
            return {data};
          }
        },
        value.data);
  }
  // Lists hold scalars, so this does not go deep.
  FieldValue::List items;
  for (const AlertValue& item : *list) items.push_back(to_public(item));
  return {std::move(items)};
}

std::vector<FieldDescription> list_fields() {
  std::vector<FieldDescription> list;
  for (const FieldClass& family : all_fields()) {
    if (family.hidden) continue;
    for (const FieldInfo& field : family.fields) {
      list.push_back({std::string(field.name), std::string(type_info(field.type).name),
                      std::string(field.doc)});
    }
  }
  return list;
}

Field::Field(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<Field> Field::find(std::string_view text) {
  Result<TemplatePtr> parsed = parse_template(fmt::format("%{}", text));
  if (!parsed) return parsed.error();
  // The longest name that begins the text was taken for the field.
  const std::span<const OutputField> fields = (*parsed)->fields();
  if (fields.size() != 1 || fields.front().name != text) {
    return Error{fmt::format("there is no field '{}'", text)};
  }
  return Field(std::make_shared<Impl>(Impl{*std::move(parsed)}));
}

FieldValue Field::get(const Event& event) const {
  return to_public(
      alert_value(*impl_->text->fields().front().use, EventAccess::stream(event).context()));
}

std::string Field::text(const Event& event) const {
  return impl_->text->render(EventAccess::stream(event).context());
}

Format::Format(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<Format> Format::parse(std::string_view text) {
  Result<TemplatePtr> parsed = parse_template(text);
  if (!parsed) return parsed.error();
  return Format(std::make_shared<Impl>(Impl{*std::move(parsed)}));
}

std::string Format::render(const Event& event) const {
  return impl_->text->render(EventAccess::stream(event).context());
}

}  // namespace gyr::api
