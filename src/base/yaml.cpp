#include "base/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <map>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/yaml_text.hpp"

namespace callgate::yaml {
namespace {

/// Ends the walk of yaml-cpp from within one of its events.
struct Stop {};

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Member& member : node.members) count += count_nodes(member.value);
  return count;
}

std::size_t depth_of(const Node& node) {
  std::size_t depth = 0;
  for (const Node& item : node.items) depth = std::max(depth, depth_of(item));
  for (const Member& member : node.members) depth = std::max(depth, depth_of(member.value));
  return node.kind == Kind::sequence || node.kind == Kind::mapping ? depth + 1 : depth;
}

/// Builds the tree from yaml-cpp's events. Its own tree is not used: it keeps
/// duplicate keys, shares aliased nodes and forgets whether a scalar was quoted.
class Builder : public YAML::EventHandler {
 public:
  Builder(const TextIndex& index, std::string_view file, const Limits& limits, Parsed& parsed)
      : index_(index), file_(file), limits_(limits), parsed_(parsed) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    const std::string_view line = index_.line_text(static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1);
    if (line.starts_with("---")) stop(mark, ErrorKind::invalid, "a second document (`---`): keep one document in a file");
    stop(mark, ErrorKind::malformed, fmt::format("{} stands after the end of the document", ticked(line)));
  }
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!is_name) {
      stop(mark, ErrorKind::invalid, fmt::format("anchor {}: text that starts with `&` needs quotes", ticked("&" + name)));
    }
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.mark = index_.mark(mark.line, mark.column);
    finish(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_tag(mark, tag);
    if (is_unclosed_quote(index_.text(), properties_at(index_.text(), index_.offset(mark.line, mark.column)).content)) {
      stop(mark, ErrorKind::malformed, "a quote is not closed");
    }
    Node node;
    node.kind = Kind::scalar;
    node.quoted = tag != "?";
    node.mark = index_.mark(mark.line, mark.column);
    node.text = value;
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, ErrorKind::invalid, "an alias inside what it stands for: write the value out");
    spend_on_aliases(mark, found->second);
    Node copy = found->second;
    copy.mark = index_.mark(mark.line, mark.column);
    finish(std::move(copy), 0);
  }

 private:
  /// A container whose end has not come yet.
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;   ///< mapping: a key was read, its value comes next
    bool drop_value = false;  ///< mapping: that key was refused
    std::string key;
    Mark key_mark;
    std::unordered_map<std::string, Mark> keys;  ///< those seen, with their places
  };

  [[noreturn]] void stop(const YAML::Mark& mark, ErrorKind kind, std::string message) {
    fault(index_.mark(mark.line, mark.column), kind, std::move(message));
    throw Stop{};
  }

  void fault(Mark mark, ErrorKind kind, std::string message) {
    parsed_.faults.push_back({kind, std::move(message), where(file_, mark)});
    if (parsed_.faults.size() >= 1000) throw Stop{};  // a file this broken is not a policy
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    // yaml-cpp marks untagged plain values with `?` and quoted ones with `!`, which somebody may also have written.
    const bool untagged = tag.empty() || tag == "?" || tag == "!";
    if (untagged && !properties_at(index_.text(), index_.offset(mark.line, mark.column)).has_tag) return;
    fault(index_.mark(mark.line, mark.column), ErrorKind::invalid,
          fmt::format("tag {}: remove it, values are read by their place", ticked(untagged ? "!" : tag)));
  }

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (frames_.size() >= limits_.max_depth) {
      stop(mark, ErrorKind::too_large, fmt::format("nested deeper than {} levels", limits_.max_depth));
    }
    Frame& frame = frames_.emplace_back();
    frame.node.kind = kind;
    frame.node.mark = index_.mark(mark.line, mark.column);
    frame.anchor = anchor;
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    finish(std::move(frame.node), frame.anchor);
  }

  /// A whole value: remembered if it is anchored, then put where it belongs.
  void finish(Node node, YAML::anchor_t anchor) {
    if (++nodes_ > limits_.max_nodes) {
      fault(node.mark, ErrorKind::too_large, fmt::format("more than {} values in one file", limits_.max_nodes));
      throw Stop{};
    }
    if (anchor != 0) remember(node, anchor);
    if (frames_.empty()) {
      parsed_.root = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Kind::sequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, std::move(node));
    } else {
      take_value(frame, std::move(node));
    }
  }

  void take_key(Frame& frame, Node node) {
    frame.has_key = true;
    frame.drop_value = true;
    frame.key_mark = node.mark;
    if (node.is_null()) {
      return fault(node.mark, ErrorKind::invalid, "an empty key: write a name, in quotes if it is meant to be `null` or `~`");
    }
    if (!node.is_scalar()) {
      return fault(node.mark, ErrorKind::invalid, fmt::format("{} as a key: a key is one word or text", describe(node)));
    }
    if (node.text == "<<" && !node.quoted) {
      return fault(node.mark, ErrorKind::invalid, "merge key `<<`: write the members out");
    }
    const auto [seen, fresh] = frame.keys.try_emplace(node.text, node.mark);
    if (!fresh) {
      return fault(node.mark, ErrorKind::invalid,
                   fmt::format("key {} is already on line {}: keep one of them", ticked(node.text), seen->second.line));
    }
    frame.drop_value = false;
    frame.key = std::move(node.text);
  }

  static void take_value(Frame& frame, Node node) {
    frame.has_key = false;
    if (frame.drop_value) return;
    // What is left out has no place of its own: it is missed at its key.
    if (node.is_null()) node.mark = frame.key_mark;
    frame.node.members.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
  }

  void remember(const Node& node, YAML::anchor_t anchor) {
    spend_on_aliases(node);
    anchors_.insert_or_assign(anchor, node);
  }

  void spend_on_aliases(const YAML::Mark& mark, const Node& node) {
    if (frames_.size() + depth_of(node) > limits_.max_depth) {
      stop(mark, ErrorKind::too_large, fmt::format("nested deeper than {} levels", limits_.max_depth));
    }
    spend_on_aliases(node);
  }

  /// INVARIANT: no node is copied before it is counted, so memory and time stay
  /// within the budget however the anchors are nested.
  void spend_on_aliases(const Node& node) {
    alias_nodes_ += count_nodes(node);
    if (alias_nodes_ <= limits_.max_alias_nodes) return;
    fault(node.mark, ErrorKind::too_large,
          fmt::format("anchors and aliases stand for more than {} values: write them out", limits_.max_alias_nodes));
    throw Stop{};
  }

  const TextIndex& index_;
  std::string_view file_;
  const Limits& limits_;
  Parsed& parsed_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
};

/// The caller's bytes as a stream, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

void walk(std::string_view text, const TextIndex& index, std::string_view file, const Limits& limits, Parsed& parsed) {
  Builder builder(index, file, limits, parsed);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
  } catch (const YAML::Exception& error) {
    const Mark mark = index.mark(error.mark.line, error.mark.column);
    parsed.faults.push_back({ErrorKind::malformed,
                             fmt::format("not YAML at {}: {}", ticked(index.line_text(mark.line)), explain_syntax(error.msg)),
                             where(file, mark)});
  } catch (const std::exception& error) {
    parsed.faults.push_back({ErrorKind::malformed, fmt::format("not YAML: {}", error.what()), where(file, {})});
  }
}

}  // namespace

Parsed parse(std::string_view text, std::string_view file, const Limits& limits) {
  Parsed parsed;
  if (text.size() > limits.max_bytes) {
    parsed.faults.push_back({ErrorKind::too_large,
                             fmt::format("larger than {} bytes: split it, or check that it is the right file", limits.max_bytes),
                             where(file, {})});
    return parsed;
  }
  const TextIndex index(text);
  check_text(text, index, file, parsed.faults);
  if (!parsed.faults.empty()) return parsed;
  walk(text, index, file, limits, parsed);
  if (!parsed.root && parsed.faults.empty()) {
    parsed.faults.push_back({ErrorKind::malformed, "the file is empty", where(file, {})});
  }
  return parsed;
}

}  // namespace callgate::yaml
