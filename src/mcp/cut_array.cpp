#include "mcp/cut_array.hpp"

namespace callgate::mcp {

void CutArray::go_on_in(json::Value array) {
  bytes_ = array.document().bytes();
  before_ = array.offset() + 1;
  end_ = array.offset() + array.text().size();
}

/// The bytes between two elements hold their comma and the writer's white space.
void CutArray::keep(json::Value element, std::string_view as) {
  std::string_view gap = bytes_.substr(before_, element.offset() - before_);
  const bool has_comma = gap.contains(',');
  if (empty_ && has_comma) gap.remove_prefix(gap.find(',') + 1);
  if (!empty_ && !has_comma) out_ += ',';
  out_ += gap;
  out_ += as;
  empty_ = false;
  leave(element);
}

std::string CutArray::text() const {
  const std::string_view tail = bytes_.substr(before_, end_ - before_);
  std::string text;
  text.reserve(out_.size() + tail.size());
  text += out_;
  text += tail;
  return text;
}

}  // namespace callgate::mcp
