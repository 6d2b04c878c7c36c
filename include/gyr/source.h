// SPDX-License-Identifier: Apache-2.0
// Where events come from, and reading them one by one without rules. Sources are made by the
// functions of capture.h.
#pragma once

#include <memory>

#include "gyr/event.h"
#include "gyr/result.h"

namespace gyr::api {

class Source {
 public:
  Source(Source&&) noexcept;
  Source& operator=(Source&&) noexcept;
  ~Source();

 private:
  friend struct SourceAccess;
  struct Impl;
  explicit Source(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Walks a source and keeps the state that fields need. For one thread.
class EventReader {
 public:
  // The error says why the source cannot be read from its beginning.
  static Result<EventReader> make(Source source);
  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;
  ~EventReader();

  // Goes to the next event; false at the end. An error says where the source is damaged; what came
  // before it was right. After false or an error every call gives the same again.
  Result<bool> next();
  // The event next() went to, until the next call. Asking when next() did not give true ends the
  // program.
  Event event() const;

 private:
  struct Impl;
  explicit EventReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gyr::api
