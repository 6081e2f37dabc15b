#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "mcp/message.hpp"
#include "mcp/tool_call.hpp"

/// The corpus of tests/corpus against this room alone: what can be refused
/// without knowing the session or the pinned tools is refused here. The flow
/// tests send the same bodies over HTTP and stdio.
namespace callgate::mcp::corpus_test {
namespace {

struct Row {
  std::string name;
  std::string stage;
  std::string body;
};

std::string from_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

std::string body_of(json::Value row) {
  if (const auto text = row.find("body")) return text->string();
  if (const auto hex = row.find("hex")) return from_hex(hex->string());
  std::vector<json::Value> parts;
  for (const json::Value part : row.find("repeat")->elements()) parts.push_back(part);
  std::string out = parts[0].string();
  const std::string part = parts[1].string();
  for (std::int64_t i = 0; i < parts[2].as_int64(); ++i) out += part;
  return out + parts[3].string();
}

std::vector<Row> rows_of(const std::string& folder) {
  std::vector<Row> rows;
  for (const auto& entry : std::filesystem::directory_iterator(CALLGATE_SOURCE_DIR "/tests/corpus/" + folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      const auto row = json::OwnedDocument::parse(line);
      EXPECT_TRUE(row) << entry.path() << " " << line;
      if (!row) continue;
      const json::Value root = (*row)->root();
      rows.push_back({entry.path().stem().string() + "/" + root.find("name")->string(), root.find("stage")->string(), body_of(root)});
    }
  }
  return rows;
}

/// The step that refuses the body: read, method, call; or gate, where none here does.
std::string refused_at(const std::string& body) {
  json::Document document;
  const auto message = read_message(body, document, Direction::from_client);
  if (!message) return "read";
  if (message->is_response()) return "gate";
  if (standing(message->method_id, latest_legacy, Direction::from_client) == Standing::unknown) return "method";
  if (message->method_id == MethodId::tools_call && !read_tool_call(*message)) return "call";
  return "gate";
}

/// Security requirements S1, S3, S4: forms that passed other gateways. Protocol item 2.
TEST(Corpus, EveryBypassIsRefusedWhereItSaysAtTheLatest) {
  const auto rows = rows_of("bypass");
  EXPECT_GE(rows.size(), 200U);
  for (const Row& row : rows) EXPECT_EQ(refused_at(row.body), row.stage) << row.name;
}

TEST(Corpus, EveryHarmlessCallIsReadAsACallOfEcho) {
  const auto rows = rows_of("harmless");
  EXPECT_GE(rows.size(), 20U);
  for (const Row& row : rows) {
    json::Document document;
    const auto message = read_message(row.body, document, Direction::from_client);
    ASSERT_TRUE(message) << row.name << ": " << message.error().message;
    const auto call = read_tool_call(*message);
    ASSERT_TRUE(call) << row.name << ": " << call.error().message;
    EXPECT_EQ(call->name.view(), "echo") << row.name;
    EXPECT_TRUE(message->is_request()) << row.name;
  }
}

/// Every proper beginning of a good call is no call.
TEST(Corpus, NoCutOffCallIsRead) {
  for (const Row& row : rows_of("harmless")) {
    const std::size_t whole = row.body.find_last_of('}') + 1;
    for (std::size_t size = 0; size < whole; ++size) {
      json::Document document;
      EXPECT_FALSE(read_message(std::string_view(row.body).substr(0, size), document, Direction::from_client)) << row.name << " " << size;
    }
  }
}

}  // namespace
}  // namespace callgate::mcp::corpus_test
