// SPDX-License-Identifier: Apache-2.0
// The `exceptions` of rules: read, appended, checked, and written out as condition text.
#pragma once

#include "rules/definitions.h"
#include "rules/item.h"

namespace gyr::rules {

// Reads the item's exceptions into `rule`, in place of those it had. False after a fault.
bool replace_exceptions(const Item& item, RuleDefinition* rule);
// Adds values to exceptions the rule has, and new exceptions to the rule. False after a fault.
bool append_exceptions(const Item& item, const LoadSettings& settings, RuleDefinition* rule);
// Every field of every exception must exist, unless the rule is skipped then anyway.
bool check_exception_fields(const Item& item, const LoadSettings& settings,
                            const RuleDefinition& rule);

// " and not (…)" for every exception with values, appended to `text`. The positions of the
// generated text are those of the values. False after a fault in the values.
bool add_exceptions(const RuleDefinition& rule, const Chain& chain, ReportSink* sink,
                    SourceText* text);

// An item as it stands in a condition: in quotes if it has blanks or quotes of its own and is not
// quoted yet.
std::string quote_item(std::string_view item);

}  // namespace gyr::rules
