#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mcp/message.hpp"
#include "mcp/tool_call.hpp"

/// Protocol item 2: what the strict reader accepts, the lenient readers behind it must read the
/// same: those that fold the case of keys, and of several equal keys take the
/// first or the last. Random messages are put together from honest and hostile
/// members; the readers below know nothing of the strict one's tables.
namespace callgate::mcp::other_readers_test {
namespace {

enum class Takes { first, last };

/// Case folding as readers do it: Go's EqualFold, Java's equalsIgnoreCase, Python's casefold.
std::string fold(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> wide{
      {{"\u017f", "s"}, {"\u212a", "k"}, {"\u0131", "i"}, {"\u0130", "i"}, {"\u00df", "ss"}}};
  for (const auto& [from, to] : wide) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from)) text.replace(at, from.size(), to);
  }
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

/// Readers in C end a name at NUL.
std::string cut_at_nul(const std::string& text) { return text.c_str(); }

/// The member that a lenient reader takes for `name`; empty text where there is none.
std::string taken(json::Value object, const std::string& name, Takes takes) {
  std::string out;
  if (!object || !object.is_object()) return out;
  bool found = false;
  for (const auto [key, value] : object.members()) {
    if (fold(cut_at_nul(key.string())) != fold(name) || (found && takes == Takes::first)) continue;
    found = true;
    out = value.text();
  }
  return out;
}

json::Value member(json::Value object, const std::string& name, Takes takes) {
  json::Value out;
  if (!object || !object.is_object()) return out;
  for (const auto [key, value] : object.members()) {
    if (fold(cut_at_nul(key.string())) != fold(name) || (out && takes == Takes::first)) continue;
    out = value;
  }
  return out;
}

using Pieces = std::vector<std::string>;

const Pieces honest{R"("jsonrpc":"2.0")", R"("id":1)", R"("method":"tools/call")"};
const Pieces envelope_pieces{
    R"("jsonrpc":"2.0")", R"("id":"x")", R"("ID":2)", R"("method":"tools\/call")", R"("method":"ping")", R"("y":{"id":9})", R"("Method":"tools/call")", R"("m\u0065thod":"tools/call")", "\"\u0131d\":3", R"("result":{})", R"("x":1)", R"("method\u0000":"ping")"};
const Pieces params_keys{R"("params")", R"("params")", R"("params")", R"("Params")", "\"param\u017f\"", R"("p\u0061rams")"};
const Pieces params_pieces{
    R"("name":"delete_all")", R"("Name":"delete_all")", R"("n\u0061me":"delete_all")",
    R"("NAME":"delete_all")", R"("name\u0000x":"delete_all")", R"("arguments":{})", R"("arguments":{"a":1})", R"("Arguments":{"b":1})",
    R"("argument\u0073":{})", "\"argument\u017f\":{}", R"("_meta":{})", R"("_meta":{"progressToken":1})", R"("_META":{"progressToken":2})",
    "\"_meta\":{\"progre\u00dfToken\":3}", R"("_meta":{"progressToken":1,"ProgressToken":2})", R"("other":{"name":"delete_all"})"};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string message() {
    Pieces pieces = some(envelope_pieces, 2);
    for (const std::string& piece : honest) add(pieces, piece);
    const std::size_t params = random_() % 8 == 0 ? 2 : 1;
    for (std::size_t i = 0; i < params; ++i) {
      Pieces inner = some(params_pieces, 3);
      add(inner, R"("name":"echo")");
      std::shuffle(inner.begin(), inner.end(), random_);
      pieces.push_back(one(params_keys) + ":{" + joined(inner) + "}");
    }
    std::shuffle(pieces.begin(), pieces.end(), random_);
    return "{" + joined(pieces) + "}";
  }

 private:
  const std::string& one(const Pieces& from) { return from[random_() % from.size()]; }
  /// Mostly there, sometimes missing.
  void add(Pieces& pieces, const std::string& piece) {
    if (random_() % 16 != 0) pieces.push_back(piece);
  }
  Pieces some(const Pieces& from, std::size_t most) {
    Pieces out;
    for (std::size_t count = random_() % (most + 1); count != 0; --count) out.push_back(one(from));
    return out;
  }
  static std::string joined(const Pieces& pieces) {
    std::string out;
    for (const std::string& piece : pieces) out += (out.empty() ? "" : ",") + piece;
    return out;
  }
  std::mt19937 random_;
};

/// Compares the strict reading with a lenient one of the same bytes.
void expect_same(const Message& message, const ToolCall& call, Takes takes) {
  const json::Value root = message.document->root();
  EXPECT_EQ(taken(root, "id", takes), message.id_text);
  EXPECT_EQ(taken(root, "result", takes), "");
  const json::Value method = member(root, "method", takes);
  ASSERT_TRUE(method && method.is_string());
  EXPECT_EQ(method.string(), message.method.view());
  const json::Value params = member(root, "params", takes);
  const json::Value name = member(params, "name", takes);
  ASSERT_TRUE(name && name.is_string());
  EXPECT_EQ(name.string(), call.name.view());
  EXPECT_EQ(taken(params, "arguments", takes), call.arguments ? call.arguments->text() : "");
  EXPECT_EQ(taken(member(params, "_meta", takes), "progressToken", takes), call.meta.progress_token);
}

TEST(OtherReaders, SeeTheSameCallInWhateverIsAccepted) {
  Generator generator(20261123);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string bytes = generator.message();
    json::Document document;
    const auto message = read_message(bytes, document, Direction::from_client);
    const auto call = message && message->method_id == MethodId::tools_call ? read_tool_call(*message)
                                                                            : Result<ToolCall>(fail(ErrorKind::invalid, "no call"));
    ++(call ? accepted : refused);
    if (!call) continue;
    expect_same(*message, *call, Takes::first);
    expect_same(*message, *call, Takes::last);
    ASSERT_FALSE(testing::Test::HasFailure()) << bytes;
  }
  // The mixture must hold enough of both for the comparison to mean something.
  EXPECT_GT(accepted, 500U);
  EXPECT_GT(refused, 10'000U);
}

}  // namespace
}  // namespace callgate::mcp::other_readers_test
