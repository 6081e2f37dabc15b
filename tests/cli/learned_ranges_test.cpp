// Shapes of arguments, from the call to the rule that is learned: whatever was recorded passes it.
#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "audit/journal.hpp"
#include "audit/search.hpp"
#include "audit/shaper.hpp"
#include "base/log.hpp"
#include "classify/classifier.hpp"
#include "cli/recorded_calls.hpp"
#include "cli/tool_command.hpp"
#include "generate/learned.hpp"
#include "generate/policy.hpp"
#include "policy/load.hpp"
#include "registry/fingerprint.hpp"
#include "schema/schema.hpp"

namespace callgate::cli::learned_ranges_test {
namespace {

/// Calls of one tool, recorded as the gate records them.
class Recording {
 public:
  explicit Recording(const std::string& tool) : tool_(json::OwnedDocument::parse(tool).value()), journal_(open()) {
    own_ = *schema::Schema::compile(*tool_->root().find("inputSchema"));
  }

  /// False where the tool's own schema refuses the call, which is not forwarded then.
  bool call(const std::string& arguments) {
    auto document = json::OwnedDocument::parse(arguments);
    EXPECT_TRUE(document.has_value()) << arguments;
    const json::Value root = (*document)->root();
    if (own_->validate(root)) return false;
    std::vector<std::string_view> keys;
    for (const json::Member member : root.members()) keys.push_back(member.key.raw_string());
    (void)journal_->record({.id = journal_->next_id(), .server = "shop", .tool = "do_it", .method = "tools/call", .session = "s", .verdict = policy::Verdict::allow, .arg_keys = keys,
                            .arg_shapes = shaper_.shapes_of(registry::fingerprint(tool_->root()), tool_->root().text(), root)});
    calls_.push_back(std::move(*document));
    return true;
  }

  std::string learned() {
    EXPECT_TRUE(journal_->flush().has_value());
    const auto recorded = recorded_calls((world.folder.path() / "journal").string(), "shop");
    EXPECT_TRUE(recorded.has_value());
    const std::vector<json::Value> definitions{tool_->root()};
    const auto classes = classify::Classifier().classify_list(definitions, classify::Hinting::untrusted);
    return generate::learn_policy("shop", definitions, classes, generate::seen_tools(recorded->calls)).policy.text;
  }

  policy::Verdict verdict(const policy::Policy& policy, json::Value arguments) const {
    return policy.judge({.action = policy::Action::tool_call, .name = "do_it", .arguments = arguments,
                         .tool = {.state = policy::ToolFacts::State::known, .input_schema = own_.get()}}).verdict;
  }
  const std::vector<std::unique_ptr<json::OwnedDocument>>& calls() const { return calls_; }

  OfflineWorld world;

 private:
  std::unique_ptr<audit::Journal> open() {
    return audit::Journal::open({.directory = world.folder.path() / "journal", .sync = audit::Sync::none}, world.clock, log_).value();
  }

  std::unique_ptr<json::OwnedDocument> tool_;
  std::shared_ptr<const schema::Schema> own_;
  MemoryLog log_;
  audit::Shaper shaper_;
  std::unique_ptr<audit::Journal> journal_;
  std::vector<std::unique_ptr<json::OwnedDocument>> calls_;
};

constexpr std::string_view tool = R"({"name":"do_it","description":"Update an item.","inputSchema":{"type":"object","$defs":{"Where":{"type":"object","properties":{"row":{"type":"integer"},"name":{"type":"string"}}}},
  "properties":{"count":{"type":"integer","description":"At most 40","default":30},"share":{"type":"number","minimum":-5000},"text":{"type":"string","description":"At most 20 characters"},
    "id":{"type":"string"},"ids":{"type":"array"},"loose":{},"maybe":{"type":["integer","null"]},"where":{"anyOf":[{"$ref":"#/$defs/Where"},{"type":"null"}]},
    "plain":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"string"},"token":{"type":"string"}}},"kind":{"enum":["x","yy"]},"password":{"type":"string"}}}})";

/// Arguments of all kinds and sizes; `spread` bounds the sizes of one run, so that some runs learn narrow ranges.
class Maker {
 public:
  Maker(std::uint64_t seed) : random_(seed), spread_(1 + below(40)), set_(below(5)) {}

  std::string arguments() {
    std::string all;
    const auto add = [&](std::string_view name, const std::string& value) {
      if (below(4) != 0) all += (all.empty() ? "" : ",") + json::quoted(name) + ":" + value;
    };
    add("count", number(false));
    add("share", number(true));
    add("text", text());
    add("id", text());
    add("ids", list());
    add("loose", loose_ == 0 ? number(true) : loose_ == 1 ? text() : below(2) == 0 ? text() : list());
    add("maybe", below(3) == 0 ? "null" : number(false));
    add("where", below(4) == 0 ? "null" : "{\"row\":" + number(false) + (below(9) == 0 ? ",\"more\":1}" : ",\"name\":" + text() + "}"));
    add("plain", "{\"a\":" + number(true) + ",\"b\":" + text() + ",\"token\":" + text() + "}");
    add("kind", below(2) == 0 ? "\"x\"" : "\"yy\"");
    add("password", text());
    if (below(400) == 0) add("other", "1");
    return "{" + all + "}";
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  std::string number(bool fraction) {
    std::string out = signed_ && below(3) == 0 ? "-" : "";
    out += std::to_string(below(std::uint64_t{1} << (1 + below(spread_))));
    if (fraction && below(2) == 0) out += "." + std::to_string(below(1000));
    if (fraction && below(5) == 0) out += "e" + std::to_string(static_cast<int>(below(7)) - 3);
    return out;
  }
  std::string text() {
    static constexpr std::string_view sets[] = {"0123456789", "0123456789abcdef", "abcXYZ_-09", "abc./~@+", "ab \n\"\\\t/ö😀*"};
    const std::string_view set = sets[set_];
    std::string out;
    for (std::uint64_t size = below(2 + spread_ * spread_ / 4); size > 0; --size) {
      std::size_t at = below(set.size());
      while ((static_cast<unsigned char>(set[at]) & 0xc0U) == 0x80U) --at;
      std::size_t end = at + 1;
      while (end < set.size() && (static_cast<unsigned char>(set[end]) & 0xc0U) == 0x80U) ++end;
      out += set.substr(at, end - at);
    }
    return json::quoted(out);
  }
  std::string list() {
    std::string out;
    for (std::uint64_t size = below(1 + spread_); size > 0; --size) out += out.empty() ? "1" : ",2";
    return "[" + out + "]";
  }

  std::mt19937_64 random_;
  std::uint64_t spread_;
  std::uint64_t set_;
  std::uint64_t loose_ = below(3);
  bool signed_ = below(2) == 0;
};

TEST(LearnedRanges, EveryRecordedCallPassesTheLearnedRule) {
  int with_ranges = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Recording recording{std::string(tool)};
    Maker maker(seed);
    while (recording.calls().size() < 10 + seed) recording.call(maker.arguments());
    const std::string text = recording.learned();
    const policy::Loaded loaded = policy::load(text, "learned");
    ASSERT_NE(loaded.policy, nullptr) << text;
    for (const auto& call : recording.calls()) {
      const policy::Verdict verdict = recording.verdict(*loaded.policy, call->root());
      ASSERT_GE(verdict, policy::Verdict::require_approval) << "seed " << seed << ": " << call->bytes() << "\n" << text;
    }
    if (text.find("# learned from") != std::string::npos) ++with_ranges;
    EXPECT_EQ(text.find("did not hold"), std::string::npos) << text;
  }
  EXPECT_GE(with_ranges, 40) << "or this proves little";
}

TEST(LearnedRanges, ACallFarOutsideIsRefused) {
  Recording recording{std::string(tool)};
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(recording.call(R"({"count":)" + std::to_string(i) + R"(,"id":"a-)" + std::to_string(i) + R"("})"));
  const std::string text = recording.learned();
  const policy::Loaded loaded = policy::load(text, "learned");
  ASSERT_NE(loaded.policy, nullptr);
  for (const std::string far : {R"({"count":5000})", R"({"count":-1})", R"({"id":"../../etc"})", R"({"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})", R"({"share":1})"}) {
    const auto document = json::OwnedDocument::parse(far);
    EXPECT_EQ(recording.verdict(*loaded.policy, (*document)->root()), policy::Verdict::invalid_arguments) << far << text;
  }
}

/// Security requirement S24: shapes are no values.
TEST(LearnedRanges, NoValueStandsInTheJournal) {
  Recording recording{std::string(tool)};
  ASSERT_TRUE(recording.call(R"({"count":31,"text":"a secret text","password":"hunter2","kind":"yy","where":{"row":4711,"name":"alice"},"plain":{"token":"sk-1"}})"));
  recording.learned();
  std::string all;
  const auto found = audit::search((recording.world.folder.path() / "journal").string(), {});
  ASSERT_TRUE(found.has_value());
  for (const audit::Entry& each : found->entries) all += each.line;
  for (const std::string_view value : {":31", "secret", "hunter2", "yy", "4711", "alice", "sk-1"}) EXPECT_EQ(all.find(value), std::string::npos) << value << " in " << all;
  EXPECT_NE(all.find(R"("/count":"integer<=50")"), std::string::npos) << all;
}

}  // namespace
}  // namespace callgate::cli::learned_ranges_test
