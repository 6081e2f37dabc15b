#include "classify/side_texts.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/json_pointer.hpp"
#include "classify/schema_reader.hpp"

namespace callgate::classify {
namespace {

constexpr std::size_t shortest = 12;  ///< orders take several words
constexpr std::size_t longest = 400;
constexpr std::size_t most_texts = 256;
constexpr std::size_t most_visits = 4096;
constexpr std::size_t deepest = 16;
constexpr std::size_t deepest_read = 8;  ///< descriptions of parameters further in are read here

class Walk {
 public:
  std::vector<SideText> of(json::Value definition) {
    for (const std::string_view root : {"inputSchema", "outputSchema"}) {
      input_ = root == "inputSchema";
      path_ = {{root, 0}};
      if (const auto schema = definition.find(root); schema && worth_a_visit(*schema)) visit(*schema);
    }
    return std::move(texts_);
  }

 private:
  /// A key as it is written, or, where there is none, a place in a list. Pointers are made of them for the few texts
  /// that are kept.
  struct Step {
    std::string_view key;
    std::size_t number = 0;
  };

  void visit(json::Value value) {
    if (value.is_string()) return take(value);
    if (++visits_ > most_visits || path_.size() > deepest || texts_.size() >= most_texts) return;
    if (value.is_array()) {
      std::size_t number = 0;
      for (const json::Value each : value.elements()) {
        if (texts_.size() >= most_texts) return;
        if (worth_a_visit(each)) step({{}, number}, each);
        if (++number >= most_texts) return;
      }
    } else {
      for (const json::Member each : value.members()) {
        if (texts_.size() >= most_texts) return;
        if (worth_a_visit(each.value) && !is_read_elsewhere(value, each)) step({each.key.raw_string(), 0}, each.value);
      }
    }
  }

  void step(Step to, json::Value value) {
    path_.push_back(to);
    visit(value);
    path_.pop_back();
  }

  /// What bounds an argument is read for its values, and its description is not read with the others.
  bool is_read_elsewhere(json::Value object, json::Member member) const {
    return input_ && path_.size() <= deepest_read && member.value.is_string() && member.key.equals("description") &&
           !object.find("enum") && !object.find("const");
  }

  /// Most strings are single words.
  static bool worth_a_visit(json::Value value) {
    if (value.is_string()) return value.raw_string().size() >= shortest && value.raw_string().contains(' ');
    return value.is_object() || value.is_array();
  }

  void take(json::Value value) {
    std::string text = value.string();
    if (text.size() > longest) {
      std::size_t end = longest;
      while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
      text.resize(end);
    }
    texts_.push_back({std::move(text), pointer()});
  }

  std::string pointer() const {
    std::string at;
    for (const Step& each : path_) {
      at += '/';
      if (each.key.data() == nullptr) {
        at += fmt::to_string(each.number);
      } else if (each.key.contains('\\')) {
        std::string key;
        json::append_unescaped(key, each.key);
        at += json::pointer_token(key);
      } else {
        at += json::pointer_token(each.key);
      }
    }
    return at;
  }

  std::vector<SideText> texts_;
  std::vector<Step> path_;
  std::size_t visits_ = 0;
  bool input_ = true;
};

}  // namespace

std::vector<SideText> side_texts_of(json::Value definition) {
  return definition.is_object() ? Walk().of(definition) : std::vector<SideText>{};
}

}  // namespace callgate::classify
