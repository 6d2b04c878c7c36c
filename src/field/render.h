// SPDX-License-Identifier: Apache-2.0
// Parameters as text, the way evt.args, evt.arg and outputs show them: a value and, for some types,
// what it stands for (state-engine section 15). Everything returned lives until the next event.
// Bytes of the event are passed on as they are: control bytes and broken UTF-8 are the output's
// business.
#pragma once

#include <optional>
#include <string_view>

#include "field/arena_text.h"
#include "field/context.h"

namespace gyr {

struct Rendered {
  std::string_view value;
  std::string_view resolved;       // empty: nothing to add
  StrRep* resolved_rep = nullptr;  // the interned string `resolved` is the whole of, if it is one

  // What evt.arg gives.
  std::string_view text() const { return resolved.empty() ? value : resolved; }
};

// The parameter with this number of the event; an absent or empty one renders as <NA> or NULL.
Rendered render_param(const EvalContext& context, size_t index);

// "name=value" or "name=value(resolved)" of every parameter the event carries, joined by blanks.
std::string_view render_args(const EvalContext& context);

// Bytes of a buffer in that form; "NULL" if it is empty. Outputs show the configured form
// (FieldSettings::buffers), conditions see BufferFormat::Printable whatever is configured.
std::string_view render_buffer(Arena& arena, Bytes bytes, BufferFormat format);

// Names of the bits of `value`, joined by "|"; empty if none is named.
void add_flag_names(ArenaText& out, FlagTable table, uint64_t value);
// Names of all entries that equal `value`.
void add_enum_names(ArenaText& out, FlagTable table, uint64_t value);

// Transport as fields show it: NotApplicable until the socket has a role.
L4 shown_l4(const FdInfo& fd);

// "1.2.3.4:5", a unix path, or "family N"; "<NA>" for an empty one. Empty text for damaged bytes.
std::string_view render_sockaddr(const EvalContext& context, Bytes bytes);
// "a:p->b:p" or "hex->hex path"; "NULL" for an empty one.
std::string_view render_tuple(const EvalContext& context, Bytes bytes);

// Port as a number, or as the name of its service when ports are resolved.
void add_port(ArenaText& out, const EvalContext& context, uint16_t port, L4 l4);

// Local time: "HH:MM:SS" or "YYYY-MM-DD HH:MM:SS", with nanoseconds if asked.
void add_local_time(ArenaText& out, uint64_t ts_ns, bool date, bool fraction);

}  // namespace gyr
