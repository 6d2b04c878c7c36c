// SPDX-License-Identifier: Apache-2.0
#include "vm/vocabulary.h"

#include <algorithm>

#include "base/check.h"

namespace gyr {
namespace {

void set_bit(uint64_t* words, uint32_t bit) { words[bit / 64] |= uint64_t{1} << (bit % 64); }
bool get_bit(const uint64_t* words, uint32_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

bool is_equality(const Atom& atom) {
  const AtomSpec& spec = atom.spec();
  return (spec.op == Operator::Equal && spec.modifier == Modifier::None) ||
         spec.op == Operator::In || spec.op == Operator::Intersects;
}

bool is_inequality(const Atom& atom) {
  return atom.spec().op == Operator::NotEqual && atom.spec().constants.size() == 1;
}

}  // namespace

uint32_t Vocabulary::intern(const std::string& key, Entry entry) {
  const auto [at, fresh] = known_.try_emplace(key, static_cast<uint32_t>(entries_.size()));
  if (fresh) entries_.push_back(std::move(entry));
  return at->second;
}

uint32_t Vocabulary::bit_of(const Graph& graph, NodeId id) {
  const auto found = of_node_.find(id);
  if (found != of_node_.end()) return found->second;
  const Node& node = graph.node(id);
  Entry entry{.kind = node.kind, .parts = {}};
  std::string key(1, static_cast<char>(node.kind));
  if (node.kind == Node::Kind::Atom) {
    entry.atom = &graph.atom(node.atom);
    key += entry.atom->key().substr(entry.atom->spec().left->key.size());
  }
  for (const NodeId child : node.children) {
    entry.parts.push_back(bit_of(graph, child));
    key += ' ' + std::to_string(entry.parts.back());
  }
  const uint32_t bit = intern(key, std::move(entry));
  of_node_.emplace(id, bit);
  return bit;
}

std::optional<uint32_t> Vocabulary::gate_of(const Graph& graph, std::span<const NodeId> nodes) {
  Gate gate;
  for (const NodeId node : nodes) gate.bits.push_back(bit_of(graph, node));
  for (uint32_t i = 0; i < gates_.size(); ++i) {
    if (gates_[i].bits == gate.bits) return i;
  }
  gate_bits_ += gate.bits.size();
  if (gate_bits_ > kMaxGateBits) return std::nullopt;
  gates_.push_back(std::move(gate));
  return static_cast<uint32_t>(gates_.size() - 1);
}

void Vocabulary::finish() {
  place_gates();
  unless_found_.resize(words_);
  for (uint32_t bit = 0; bit < entries_.size(); ++bit) {
    const Entry& entry = entries_[bit];
    if (entry.kind != Node::Kind::Atom) {
      combined_.push_back(bit);
      continue;
    }
    const bool opposite = is_inequality(*entry.atom);
    if (opposite || entry.atom->spec().op == Operator::Exists) set_bit(unless_found_.data(), bit);
    if (opposite || is_equality(*entry.atom)) {
      for (const Constant& constant : entry.atom->spec().constants) {
        std::vector<uint32_t>& bits = equal_[constant.text];
        const uint32_t found = opposite ? ~bit : bit;
        if (bits.empty() || bits.back() != found) bits.push_back(found);
      }
    } else if (entry.atom->spec().op != Operator::Exists) {
      index_atom(bit);
    }
  }
  nothing_found_ = unless_found_;
  combine(nothing_found_.data());
  null_.resize(words_);
  empty_.resize(words_);
  combine(null_.data());
  answer({}, empty_.data());
}

namespace {

constexpr std::string_view kSpecial = "*?[\\";

// The bytes a text must begin with to match the pattern.
std::string_view literal_front(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of(kSpecial));
}

// The bytes it must end with; none when a quoting makes that hard to say.
std::string_view literal_back(std::string_view pattern) {
  if (pattern.find_first_of("[\\") != std::string_view::npos) return {};
  return pattern.substr(pattern.find_last_of(kSpecial) + 1);  // npos + 1 is 0
}

// How an atom can be found by an affix of the text.
struct Affix {
  bool front = true;
  bool decides = false;  // having it is all the atom asks
  std::vector<std::string_view> texts;
};

Affix affix_of(const Atom& atom) {
  const AtomSpec& spec = atom.spec();
  Affix affix;
  if (spec.right || (spec.constants.size() != 1 && spec.modifier != Modifier::AnyOf)) return affix;
  const bool glob = spec.op == Operator::Glob;
  affix.decides = !glob;
  if (!glob && spec.op != Operator::StartsWith && spec.op != Operator::EndsWith) return affix;
  affix.front = spec.op != Operator::EndsWith;
  if (glob) {
    affix.front = std::all_of(spec.constants.begin(), spec.constants.end(),
                              [](const Constant& c) { return !literal_front(c.text).empty(); });
  }
  for (const Constant& constant : spec.constants) {
    affix.texts.push_back(!glob         ? std::string_view(constant.text)
                          : affix.front ? literal_front(constant.text)
                                        : literal_back(constant.text));
  }
  return affix;
}

}  // namespace

void Vocabulary::index_atom(uint32_t bit) {
  const Affix affix = affix_of(*entries_[bit].atom);
  if (affix.texts.empty()) {
    searched_.push_back(bit);
    return;
  }
  AffixIndex& index = affix.front ? prefixes_ : suffixes_;
  for (const std::string_view text : affix.texts) index.add(text, affix.decides ? bit : ~bit);
}

// An affix was found: the bit itself, or inverted, an atom that must be asked.
bool Vocabulary::settle(uint32_t found, const Value& value, uint64_t* words) const {
  const bool ask = found >= entries_.size();
  const uint32_t bit = ask ? ~found : found;
  if (ask && !entries_[bit].atom->matches(value)) return false;
  set_bit(words, bit);
  return true;
}

void Vocabulary::place_gates() {
  uint32_t next = static_cast<uint32_t>(entries_.size());
  for (Gate& gate : gates_) {
    const auto size = static_cast<uint32_t>(gate.bits.size());
    GYR_CHECK(size <= 64);
    if (next % 64 + size > 64) next = (next + 63) / 64 * 64;
    gate.first = next;
    next += size;
  }
  GYR_CHECK(next < 64U * UINT16_MAX);
  words_ = static_cast<uint16_t>((next + 63) / 64);
}

// Parts have smaller numbers than what is made of them.
void Vocabulary::combine(uint64_t* words) const {
  for (const uint32_t bit : combined_) {
    const Entry& entry = entries_[bit];
    const bool decisive = entry.kind == Node::Kind::Or;
    bool result = entry.kind == Node::Kind::True || entry.kind == Node::Kind::And;
    if (entry.kind == Node::Kind::Not) result = !get_bit(words, entry.parts.front());
    if (entry.kind == Node::Kind::And || entry.kind == Node::Kind::Or) {
      for (const uint32_t part : entry.parts) {
        if (get_bit(words, part) == decisive) {
          result = decisive;
          break;
        }
      }
    }
    if (result) set_bit(words, bit);
  }
  for (const Gate& gate : gates_) {
    for (uint32_t i = 0; i < gate.bits.size(); ++i) {
      if (get_bit(words, gate.bits[i])) set_bit(words, gate.first + i);
    }
  }
}

// Most strings are nothing to any rule; what holds for those is known beforehand.
void Vocabulary::answer(std::string_view text, uint64_t* words) const {
  std::copy(unless_found_.begin(), unless_found_.end(), words);
  bool any = false;
  const auto equal = equal_.find(text);
  if (equal != equal_.end()) {
    any = true;
    for (const uint32_t found : equal->second) {
      if (found < entries_.size()) {
        set_bit(words, found);
      } else {
        words[~found / 64] &= ~(uint64_t{1} << (~found % 64));
      }
    }
  }
  const Value value = Value::of_text(text);
  const auto found = [&](uint32_t id) { any = settle(id, value, words) || any; };
  prefixes_.find(text, found);
  suffixes_.find(text, found);
  for (const uint32_t bit : searched_) {
    if (!entries_[bit].atom->matches(value)) continue;
    set_bit(words, bit);
    any = true;
  }
  if (any) {
    combine(words);
  } else {
    std::copy(nothing_found_.begin(), nothing_found_.end(), words);
  }
}

bool Vocabulary::answer_one(std::string_view text, uint32_t bit) const {
  const Entry& entry = entries_[bit];
  switch (entry.kind) {
    case Node::Kind::False:
      return false;
    case Node::Kind::True:
      return true;
    case Node::Kind::Atom:
      return entry.atom->matches(Value::of_text(text));
    case Node::Kind::Not:
      return !answer_one(text, entry.parts.front());
    case Node::Kind::And:
    case Node::Kind::Or:
      break;
  }
  const bool decisive = entry.kind == Node::Kind::Or;
  for (const uint32_t part : entry.parts) {
    if (answer_one(text, part) == decisive) return decisive;
  }
  return !decisive;
}

}  // namespace gyr
