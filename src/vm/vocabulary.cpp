// SPDX-License-Identifier: Apache-2.0
#include "vm/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/check.h"
#include "vm/pattern.h"

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
  link_parts();
  nothing_found_.resize(words_);
  null_.resize(words_);
  empty_.resize(words_);
  index_atoms();
  combine(nothing_found_.data());
  combine(null_.data());
  answer({}, empty_.data());
}

Vocabulary::Lists::Lists(const std::vector<std::vector<uint32_t>>& lists) {
  for (const std::vector<uint32_t>& list : lists) {
    begins_.push_back(static_cast<uint32_t>(numbers_.size()));
    numbers_.insert(numbers_.end(), list.begin(), list.end());
  }
  begins_.push_back(static_cast<uint32_t>(numbers_.size()));
}

void Vocabulary::link_parts() {
  std::vector<std::vector<uint32_t>> users(entries_.size());
  std::vector<std::vector<uint32_t>> copies(entries_.size());
  for (uint32_t bit = 0; bit < entries_.size(); ++bit) {
    if (entries_[bit].kind != Node::Kind::Atom) combined_.push_back(bit);
    for (const uint32_t part : entries_[bit].parts) users[part].push_back(bit);
  }
  for (const Gate& gate : gates_) {
    for (uint32_t i = 0; i < gate.bits.size(); ++i) copies[gate.bits[i]].push_back(gate.first + i);
  }
  users_ = Lists(users);
  copies_ = Lists(copies);
}

// What holds for a text in which nothing is found goes to nothing_found_.
void Vocabulary::index_atoms() {
  for (uint32_t bit = 0; bit < entries_.size(); ++bit) {
    if (entries_[bit].kind != Node::Kind::Atom) continue;
    const Atom& atom = *entries_[bit].atom;
    const bool opposite = is_inequality(atom);
    if (opposite || atom.spec().op == Operator::Exists) set_bit(nothing_found_.data(), bit);
    if (atom.spec().op == Operator::Exists) continue;
    if (opposite || is_equality(atom)) {
      index_equality(bit, opposite);
    } else if (!index_paths(bit) && !index_needles(bit) && !index_affixes(bit)) {
      searched_.push_back(bit);
    }
  }
}

void Vocabulary::index_equality(uint32_t bit, bool opposite) {
  for (const Constant& constant : entries_[bit].atom->spec().constants) {
    std::vector<uint32_t>& bits = equal_[constant.text];
    const uint32_t found = opposite ? ~bit : bit;
    if (bits.empty() || bits.back() != found) bits.push_back(found);
  }
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

// The longest run of bytes it must contain; none when a quoting makes that hard to say.
std::string_view longest_literal(std::string_view pattern) {
  if (pattern.find_first_of("[\\") != std::string_view::npos) return literal_front(pattern);
  std::string_view longest;
  while (!pattern.empty()) {
    const std::string_view run = literal_front(pattern);
    if (run.size() >= longest.size()) longest = run;
    pattern.remove_prefix(std::min(run.size() + 1, pattern.size()));
  }
  return longest;
}

// Whether one of the constants is enough, or all that are found must be counted.
bool any_is_enough(const AtomSpec& spec) {
  return spec.constants.size() == 1 || spec.modifier == Modifier::AnyOf;
}

bool is_glob(const AtomSpec& spec) {
  return spec.op == Operator::Glob || spec.op == Operator::IGlob;
}

// How an atom can be found by an affix of the text.
struct Affix {
  bool front = true;
  bool decides = false;  // having it is all the atom asks
  std::vector<std::string_view> texts;
};

Affix affix_of(const AtomSpec& spec) {
  Affix affix;
  if (spec.right || !any_is_enough(spec)) return affix;
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

// How an atom can be found by bytes that the text contains.
struct Needles {
  NeedleIndex::Case match_case = NeedleIndex::Case::Same;
  bool decide = false;
  std::vector<std::string_view> texts;
};

Needles needles_of(const AtomSpec& spec) {
  Needles needles;
  if (spec.right) return needles;
  const bool folds = spec.op == Operator::IContains || spec.op == Operator::IGlob;
  needles.match_case = folds ? NeedleIndex::Case::Any : NeedleIndex::Case::Same;
  needles.decide = !is_glob(spec) && any_is_enough(spec);
  if (!is_glob(spec) && spec.op != Operator::Contains && spec.op != Operator::IContains)
    return needles;
  for (const Constant& constant : spec.constants) {
    const std::string_view all = constant.text;
    const std::string_view text = is_glob(spec) ? longest_literal(all) : all;
    // What the text begins or ends with is found more cheaply.
    const bool affix = spec.op == Operator::Glob && (text.data() == literal_front(all).data() ||
                                                     text.data() == literal_back(all).data());
    if (text.size() < NeedleIndex::kShortest || affix) return {};
    needles.texts.push_back(text);
  }
  return needles;
}

// The components before the first that is a pattern, as PathBytes gives them.
std::string literal_components(std::string_view pattern, bool* whole) {
  std::string front;
  PathBytes bytes(pattern);
  for (int byte = bytes.next(); byte >= 0; byte = bytes.next()) front += static_cast<char>(byte);
  const size_t special = front.find_first_of(kSpecial);
  *whole = special == std::string::npos;
  if (!*whole) front.resize(front.rfind('/', special) + 1);  // npos + 1 is 0
  return front;
}

}  // namespace

// The id of an atom that must be asked when something was found.
uint32_t Vocabulary::asking(uint32_t bit) {
  if (asked_.empty() || asked_.back() != bit) asked_.push_back(bit);
  return ~static_cast<uint32_t>(asked_.size() - 1);
}

bool Vocabulary::index_affixes(uint32_t bit) {
  const Affix affix = affix_of(entries_[bit].atom->spec());
  AffixIndex& index = affix.front ? prefixes_ : suffixes_;
  for (const std::string_view text : affix.texts) {
    index.add(text, affix.decides ? bit : asking(bit));
  }
  return !affix.texts.empty();
}

bool Vocabulary::index_needles(uint32_t bit) {
  const Needles needles = needles_of(entries_[bit].atom->spec());
  if (!needles.decide && asked_.size() >= kMaxAskedByNeedle) return false;
  for (const std::string_view text : needles.texts) {
    needles_.add(text, needles.match_case, needles.decide ? bit : asking(bit));
  }
  return !needles.texts.empty();
}

bool Vocabulary::index_paths(uint32_t bit) {
  const AtomSpec& spec = entries_[bit].atom->spec();
  if (spec.op != Operator::PMatch || spec.right) return false;
  for (const Constant& constant : spec.constants) {
    bool whole = false;
    const std::string front = literal_components(constant.text, &whole);
    paths_.add(front, whole ? bit : asking(bit));
    has_paths_ = true;
  }
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

bool Vocabulary::holds(const Entry& entry, const uint64_t* words) const {
  if (entry.kind == Node::Kind::Not) return !get_bit(words, entry.parts.front());
  if (entry.kind != Node::Kind::And && entry.kind != Node::Kind::Or)
    return entry.kind == Node::Kind::True;
  const bool decisive = entry.kind == Node::Kind::Or;
  const bool decided = std::any_of(entry.parts.begin(), entry.parts.end(),
                                   [&](uint32_t part) { return get_bit(words, part) == decisive; });
  return decided == decisive;
}

// Parts have smaller numbers than what is made of them.
void Vocabulary::combine(uint64_t* words) const {
  for (const uint32_t bit : combined_) {
    if (holds(entries_[bit], words)) set_bit(words, bit);
  }
  for (const Gate& gate : gates_) {
    for (uint32_t i = 0; i < gate.bits.size(); ++i) {
      if (get_bit(words, gate.bits[i])) set_bit(words, gate.first + i);
    }
  }
}

// The answers for one text while they are found. Most texts are little to any rule, so it begins
// with what holds for those that are nothing, and only what follows from a difference is looked at.
class Vocabulary::Answering {
 public:
  Answering(const Vocabulary& vocabulary, std::string_view text, uint64_t* words)
      : vocabulary_(vocabulary), value_(Value::of_text(text)), words_(words) {
    std::copy(vocabulary.nothing_found_.begin(), vocabulary.nothing_found_.end(), words);
  }

  // A bit, or inverted, the number of an atom that must be asked.
  void found(uint32_t id) {
    if (id < vocabulary_.entries_.size()) return set(id, true);
    const uint32_t number = ~id;
    // A text may hold something a thousand times; the answer is the same.
    if (number / 64 < done_.size()) {
      const uint64_t mask = uint64_t{1} << (number % 64);
      if ((std::exchange(done_[number / 64], done_[number / 64] | mask) & mask) != 0) return;
    }
    ask(vocabulary_.asked_[number]);
  }
  void ask(uint32_t bit) {
    if (vocabulary_.entries_[bit].atom->matches(value_)) set(bit, true);
  }
  void set(uint32_t bit, bool value) {
    if (get_bit(words_, bit) != value) flip(bit);
  }

  // Parts have smaller numbers than what is made of them, so one pass upwards is enough.
  void finish() {
    if (!changed_) return;
    if (!tracks()) {
      for (const uint32_t bit : vocabulary_.combined_) check(bit);
      return;
    }
    for (size_t word = 0; word < stale_words(); ++word) {
      while (stale_[word] != 0) {
        const auto lowest = static_cast<uint32_t>(std::countr_zero(stale_[word]));
        stale_[word] &= stale_[word] - 1;
        check(static_cast<uint32_t>(word * 64) + lowest);
      }
    }
  }

 private:
  bool tracks() const { return vocabulary_.entries_.size() <= kMaxTracked; }
  size_t stale_words() const { return (vocabulary_.entries_.size() + 63) / 64; }

  void check(uint32_t bit) {
    if (vocabulary_.holds(vocabulary_.entries_[bit], words_) != get_bit(words_, bit)) flip(bit);
  }

  void flip(uint32_t bit) {
    if (!std::exchange(changed_, true) && tracks()) std::fill_n(stale_.begin(), stale_words(), 0);
    words_[bit / 64] ^= uint64_t{1} << (bit % 64);
    for (const uint32_t copy : vocabulary_.copies_.of(bit))
      words_[copy / 64] ^= uint64_t{1} << (copy % 64);
    if (!tracks()) return;
    for (const uint32_t user : vocabulary_.users_.of(bit)) set_bit(stale_.data(), user);
  }

  const Vocabulary& vocabulary_;
  const Value value_;
  uint64_t* words_;
  bool changed_ = false;
  std::array<uint64_t, kMaxAskedByNeedle / 64> done_{};  // atoms that were asked
  std::array<uint64_t, kMaxTracked / 64> stale_;         // combined bits to look at again
};

void Vocabulary::answer(std::string_view text, uint64_t* words) const {
  Answering answers(*this, text, words);
  const auto equal = equal_.find(text);
  if (equal != equal_.end()) {
    for (const uint32_t found : equal->second) {
      const bool opposite = found >= entries_.size();
      answers.set(opposite ? ~found : found, !opposite);
    }
  }
  const auto found = [&answers](uint32_t id) { answers.found(id); };
  prefixes_.find(text, found);
  suffixes_.find(text, found);
  needles_.find(text, found);
  if (has_paths_) {
    PathBytes bytes(text);
    paths_.walk([&bytes] { return bytes.next(); }, found);
  }
  for (const uint32_t bit : searched_) answers.ask(bit);
  answers.finish();
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
