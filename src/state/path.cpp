// SPDX-License-Identifier: Apache-2.0
#include "state/path.h"

#include <string>
#include <string_view>

#include "state/state.h"

namespace gyr {
namespace {

// Of what comes out, with a NUL: no path that the kernel takes is longer. What goes in does not
// count: "/././…/etc/shadow" is a short path, and so is an absolute one below a deep directory.
constexpr size_t kPathLimit = 4096;
constexpr size_t kReferenceLimit = 1024;  // of what goes in

// Drops the last component of a buffer that ends in "/" or is empty; a leading "/" stays.
void drop_component(std::string& out) {
  if (out.size() <= 1) {
    if (out != "/") out.clear();
    return;
  }
  const size_t slash = out.rfind('/', out.size() - 2);
  out.resize(slash == std::string::npos ? 0 : slash + 1);
}

// What a component boundary eats: number of characters of `rest` that are no name.
size_t skip_at_boundary(std::string& out, std::string_view rest, bool had_base) {
  if (rest == ".." || rest.starts_with("../")) {
    drop_component(out);
    return rest == ".." ? 2 : 3;
  }
  if (rest == "." || rest.starts_with("./")) return rest == "." ? 1 : 2;
  if (rest.front() == '/') {
    if (out.empty() && !had_base) out.push_back('/');
    return 1;
  }
  return 0;
}

}  // namespace

std::string join_path_text(std::string_view base, std::string_view path) {
  std::string out;
  out.reserve(base.size() + path.size());
  const bool absolute = path.empty() || path.front() == '/';
  if (!absolute) out = base;
  const bool had_base = !out.empty();
  while (!path.empty()) {
    if (out.empty() || out.back() == '/') {
      const size_t skipped = skip_at_boundary(out, path, had_base);
      path.remove_prefix(skipped);
      if (skipped > 0) continue;
    }
    const size_t slash = path.find('/');
    const size_t size = slash == std::string_view::npos ? path.size() : slash + 1;
    out.append(path.substr(0, size));
    path.remove_prefix(size);
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  if (out.size() + 1 > kPathLimit) return std::string(Paths::kTooLong);
  return out;
}

// Whether joining leaves an absolute path as it is: a text beside which this is noted.
bool Paths::is_clean(StrRep& path) {
  if (path.note == 0) {
    const std::string_view text = path.view();
    path.note = text.front() == '/' && join_path_text({}, text) == text ? kClean : kOther;
  }
  return path.note == kClean;
}

Str Paths::join(const Str& base, const Str& path) {
  if (as_reference_ && base.size() + path.size() + 1 > kReferenceLimit) [[unlikely]] {
    return too_long_;
  }
  if (path.rep() != nullptr && is_clean(*path.rep())) return path;
  const bool absolute = !path.empty() && path.view().front() == '/';
  auto& entry = joined_.at(absolute ? Str() : base, path);
  if (!entry.known) {
    entry.result = pool_.intern(join_path_text(base.view(), path.view()));
    entry.known = true;
  }
  return entry.result;
}

const Str& Paths::with_slash(const Str& name) {
  if (name.empty() || name.view().back() == '/') return name;
  auto& entry = slashed_.at(name, Str());
  if (!entry.known) {
    entry.result = pool_.intern(std::string(name.view()) + "/");
    entry.known = true;
  }
  return entry.result;
}

Str Paths::directory_of(const Str& name) {
  if (name.empty()) return slash;
  if (name.rep()->related == nullptr) {
    const std::string_view text = name.view();
    if (text.back() == '/') return name;
    const size_t at = text.rfind('/');
    const bool is_top = at == std::string_view::npos || at == 0;
    relate(*name.rep(), is_top ? slash : pool_.intern(text.substr(0, at)));
  }
  return Str(name.rep()->related);
}

}  // namespace gyr
