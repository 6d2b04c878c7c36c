/* SPDX-License-Identifier: Apache-2.0
 * The schema's rows as read-only data: which parameters an event has and how each is collected.
 * Adding a row to src/schema/events.def is all it takes to collect one more call.
 */
#pragma once

/* Numbers of events. */
enum event {
#define GYR_EVENT(number, code, ...) EV_##code = number,
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  EV_LIMIT
};

/* Portable numbers of calls and tracepoints. */
enum call {
#define GYR_SYSCALL(number, code, ...) CALL_##code = number,
#define GYR_SYSCALL_ALIAS(...)
#include "schema/syscalls.def"
#undef GYR_SYSCALL
#undef GYR_SYSCALL_ALIAS
};

enum collect {
#define GYR_COLLECT(token, group) COLLECT_##token,
#include "schema/collect.def"
#undef GYR_COLLECT
};
enum group {
  GROUP_none,
  GROUP_scalar,
  GROUP_memory,
  GROUP_text,
  GROUP_file,
  GROUP_socket,
  GROUP_task
};
enum group_of {
#define GYR_COLLECT(token, group) GROUP_OF_##token = GROUP_##group,
#include "schema/collect.def"
#undef GYR_COLLECT
};

enum flag_table {
  TABLE_none,
#define GYR_FLAG_TABLE(table) TABLE_##table,
#define GYR_FLAG(...)
#include "schema/flags.def"
#undef GYR_FLAG_TABLE
#undef GYR_FLAG
};

/* Bytes a parameter of this type takes; 0: it varies. */
enum width {
#define GYR_TYPE(number, type, name, least, most) WIDTH_##type = (least) == (most) ? (least) : 0,
#include "value/types.def"
#undef GYR_TYPE
};

/* Index of an event's first parameter: parameters count up, an event's row does not. */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
enum first {
#define GYR_EVENT(number, code, ...) FIRST_##code, BEFORE_##code = FIRST_##code - 1,
#define GYR_PARAM(...) JOIN(PARAM_, __COUNTER__),
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  PARAMS
};

static const __u16 event_rows[EV_LIMIT + 1] = {
#define GYR_EVENT(number, code, ...) [number] = FIRST_##code,
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
    [EV_LIMIT] = PARAMS,
};

static const __u8 event_class[EV_LIMIT] = {
#define GYR_CRITICAL(event) [EV_##event] = GYR_CRITICAL_CLASS,
#include "schema/critical.def"
#undef GYR_CRITICAL
};

/* One parameter, packed so that it travels to its collector in one register. */
#define SPEC(token, argument, width, table) \
  ((__u32)(token) | ((__u32)(argument)&15) << 8 | (__u32)(width) << 12 | (__u32)(table) << 20)
#define SPEC_TOKEN(spec) ((spec)&0xff)
#define SPEC_ARGUMENT(spec) ((spec) >> 8 & 7)
#define SPEC_HAS_ARGUMENT(spec) (((spec) >> 8 & 15) != 15)
#define SPEC_WIDTH(spec) ((spec) >> 12 & 0xff)
#define SPEC_TABLE(spec) ((spec) >> 20)

struct param_row {
  __u32 spec;
  __u32 group;
};
static const struct param_row param_rows[PARAMS] = {
#define GYR_EVENT(...)
#define GYR_PARAM(event, name, type, format, table, aux, collect, argument) \
  {SPEC(COLLECT_##collect, argument, WIDTH_##type, TABLE_##table), GROUP_OF_##collect},
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
};
