// SPDX-License-Identifier: Apache-2.0
// Macros: which ones a condition uses, and the condition with them put in.
#include <fmt/format.h>

#include <map>

#include "lang/ast.h"
#include "lang/lexer.h"

namespace gyr {
namespace {

// The depth of a tree that came from text is at most three nodes a level (or, and, not).
constexpr uint32_t kMaxTreeDepth = 4 * kMaxDepth;

void collect(const Expr& expr, std::vector<MacroUse>* uses) {
  if (expr.kind == Expr::Kind::Macro) {
    uses->push_back({expr.macro, expr.place.offset});
    return;
  }
  for (const ExprPtr& child : expr.children) collect(*child, uses);
}

struct Expansion {
  const std::function<ExprPtr(std::string_view)>& find;
  std::vector<TextFault>* faults;

  ExprPtr expand_macro(const Expr& use) {
    ExprPtr body = find(use.macro);
    if (!body) {
      faults->push_back(
          fault_at(use.place, fmt::format("macro '{}' is not defined", use.macro), Code::Validate));
      return nullptr;
    }
    auto result = std::make_shared<Expr>(use);
    result->children = {std::move(body)};
    return measured(std::move(result));
  }

  ExprPtr measured(std::shared_ptr<Expr> expr) {
    measure(*expr);
    if (expr->depth <= kMaxTreeDepth && expr->nodes <= kMaxNodes) return expr;
    faults->push_back(fault_at(
        expr->place, fmt::format("with its macros put in, the condition has more than {} levels or "
                                 "{} checks",
                                 kMaxDepth, kMaxNodes)));
    return nullptr;
  }

  // Null when something in it failed; a part without macros is shared, not copied.
  ExprPtr expand(const ExprPtr& expr) {
    if (expr->kind == Expr::Kind::Check) return expr;
    if (expr->kind == Expr::Kind::Macro) {
      return expr->children.empty() ? expand_macro(*expr) : expr;
    }
    auto result = std::make_shared<Expr>(*expr);
    bool failed = false;
    bool changed = false;
    for (ExprPtr& child : result->children) {
      ExprPtr expanded = expand(child);
      failed = failed || !expanded;
      changed = changed || expanded != child;
      child = std::move(expanded);
    }
    if (failed) return nullptr;
    return changed ? measured(std::move(result)) : expr;
  }
};

}  // namespace

std::vector<MacroUse> macros_used(const Expr& expr) {
  std::vector<MacroUse> uses;
  collect(expr, &uses);
  return uses;
}

ExprPtr expand_macros(const ExprPtr& expr, const std::function<ExprPtr(std::string_view)>& find,
                      std::vector<TextFault>* faults) {
  return Expansion{find, faults}.expand(expr);
}

}  // namespace gyr
