// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.h"
#include "vm/build.h"

namespace gyr {

class Program {
 public:
  std::vector<TreePtr> trees;
};

struct Evaluator::Impl {
  std::shared_ptr<const Program> program;
  std::vector<uint32_t> matched;
  std::vector<RuleCounters> counters;
  Arena arena;
  bool walk(const Tree& tree, const EvalContext& context) {
    const auto one = [&](const TreePtr& child) { return walk(*child, context); };
    switch (tree.kind) {
      case Tree::Kind::False:
        return false;
      case Tree::Kind::True:
        return true;
      case Tree::Kind::Atom:
        return tree.atom->evaluate(context, arena);
      case Tree::Kind::Not:
        return !walk(*tree.children.front(), context);
      case Tree::Kind::And:
        return std::all_of(tree.children.begin(), tree.children.end(), one);
      case Tree::Kind::Or:
        return std::any_of(tree.children.begin(), tree.children.end(), one);
    }
    return false;
  }
};

std::shared_ptr<const Program> build_program(std::span<const TreePtr> trees, uint16_t,
                                             const BuildSettings&) {
  auto program = std::make_shared<Program>();
  program->trees.assign(trees.begin(), trees.end());
  return program;
}

Evaluator::Evaluator(std::shared_ptr<const Program> program) : impl_(std::make_unique<Impl>()) {
  impl_->counters.resize(program->trees.size());
  impl_->program = std::move(program);
}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

std::span<const uint32_t> Evaluator::evaluate(const EvalInput& input, MatchMode mode) {
  impl_->matched.clear();
  impl_->arena.reset();
  for (uint32_t i = 0; i < impl_->counters.size(); ++i) {
    ++impl_->counters[i].evaluated;
    if (!impl_->walk(*impl_->program->trees[i], *input.context)) continue;
    ++impl_->counters[i].matched;
    impl_->matched.push_back(i);
    if (mode == MatchMode::First) break;
  }
  return impl_->matched;
}

bool Evaluator::never_matches(uint16_t) const { return false; }
std::vector<RuleCounters> Evaluator::counters() const { return impl_->counters; }

}  // namespace gyr
