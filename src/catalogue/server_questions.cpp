#include "catalogue/server_questions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <unordered_map>

#include "catalogue/escape.hpp"
#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"

namespace callgate::catalogue {
namespace {

using classify::Category;
using classify::Classification;
using classify::Risk;
using policy::Verdict;

constexpr std::size_t most_named = 12;  ///< tools of one sentence

using Fits = std::function<bool(const Classification& tool)>;

Fits with_signal(std::string_view signal) {
  return [signal](const Classification& tool) { return has_signal(tool, signal); };
}

bool has_mode(const Classification& tool, Category category) {
  return tool.modes && std::ranges::any_of(tool.modes->values, [category](const classify::Mode& mode) {
           return mode.category == category;
         });
}

void append(Line& line, Line more) {
  if (!line.empty()) line.push_back(text(" "));
  std::ranges::move(more, std::back_inserter(line));
}

class Questions {
 public:
  Questions(const ServerView& server, const std::vector<std::size_t>& order) : server_(server), order_(order) {
    for (const generate::Rule& rule : server.input->policy.rules) rules_.emplace(rule.tool, &rule);
  }

  Section answers() {
    ask("first", first());
    Line destroys = sentences(
        {{"server/destroys", [](const Classification& tool) { return tool.category == Category::destructive; }},
         {"server/destroys_too", [](const Classification& tool) {
            return tool.category != Category::destructive && has_mode(tool, Category::destructive);
          }}});
    ask("destroy", with_untold(destroys.empty() ? say("server/destroys_none") : std::move(destroys)));
    ask("approval", verdicts());
    Line money = sentences({{"server/money",
                             [](const Classification& tool) {
                               return tool.category == Category::financial || has_mode(tool, Category::financial);
                             }},
                            {"server/paid", with_signal("cost")}});
    ask("money", with_untold(money.empty() ? say("server/money_none") : std::move(money)));
    Line leaves = sentences({{"server/secrets", with_signal("returns_secrets")},
                             {"server/private", with_signal("private_data")},
                             {"server/sends", with_signal("sends_outside")}});
    ask("leaves", with_untold(leaves.empty() ? say("server/leaves_none") : std::move(leaves)));
    Line poison = sentences({{"server/poison", is_suspicious}});
    ask("poison", poison.empty() ? say("server/poison_none") : std::move(poison));
    return std::move(part_);
  }

 private:
  void ask(std::string_view id, Line answer) {
    part_.blocks.push_back(
        {.kind = Block::Kind::heading,
         .line = say(fmt::format("ask/server_{}", id), {{"server", text(called(server_.input->facts))}})});
    part_.blocks.push_back(paragraph(std::move(answer)));
  }

  const Classification& tool(std::size_t i) const { return server_.input->tools[i]; }

  std::vector<std::size_t> those(const Fits& fits) const {
    std::vector<std::size_t> some;
    std::ranges::copy_if(order_, std::back_inserter(some), [&](std::size_t i) { return fits(tool(i)); });
    return some;
  }

  /// The sentence about these tools; nothing where there is none.
  Line about(std::string_view id, const std::vector<std::size_t>& tools) const {
    if (tools.empty()) return {};
    Line names;
    const std::size_t shown = std::min(tools.size(), most_named);
    for (std::size_t k = 0; k < shown; ++k) {
      const bool last = k + 1 == shown && shown == tools.size();
      if (k > 0) names.push_back(text(last ? " and " : ", "));
      names.push_back(link(tool(tools[k]).tool, url_segment(server_.files[tools[k]]) + ".html"));
    }
    if (shown < tools.size()) names.push_back(text(fmt::format(" and {} more", tools.size() - shown)));
    return say_with(id, "tools", names);
  }

  struct Saying {
    std::string_view id;
    Fits fits;
  };
  Line sentences(std::initializer_list<Saying> sayings) const {
    Line line;
    for (const Saying& each : sayings) {
      if (Line more = about(each.id, those(each.fits)); !more.empty()) append(line, std::move(more));
    }
    return line;
  }

  /// An answer about what is known says what is not.
  Line with_untold(Line line) const {
    if (Line untold = about("server/untold", those(is_unknown)); !untold.empty()) append(line, std::move(untold));
    return line;
  }

  /// What becomes of calls under the suggested policy, by the rules themselves.
  Line verdicts() const {
    const auto rule_of = [this](const Classification& each) {
      const auto found = rules_.find(each.tool);
      return found == rules_.end() ? nullptr : found->second;
    };
    const auto acts = [&](Verdict verdict) {
      return [=](const Classification& each) {
        const generate::Rule* rule = rule_of(each);
        // Without one the policy's default stands, which is to refuse.
        return (rule != nullptr ? rule->action : Verdict::deny) == verdict;
      };
    };
    const auto in_part = [&](const Classification& each) {
      const generate::Rule* rule = rule_of(each);
      return rule != nullptr && rule->action == Verdict::allow &&
             std::ranges::any_of(rule->cases,
                                 [](const generate::Case& one) { return one.action == Verdict::require_approval; });
    };
    Line line = sentences({{"server/asks", acts(Verdict::require_approval)}, {"server/asks_in_part", in_part}});
    if (line.empty()) line = say("server/asks_none");
    if (Line more = sentences({{"server/refuses", acts(Verdict::deny)}, {"server/hides", acts(Verdict::hide)}});
        !more.empty())
      append(line, std::move(more));
    return line;
  }

  Line first() const {
    Line line =
        sentences({{"server/first_poison", is_suspicious}, {"server/first_unsure", [](const Classification& each) {
                                                              return each.confidence < classify::needs_a_look_below;
                                                            }}});
    const Risk worst = order_.empty() ? Risk::low : tool(order_.front()).risk;
    if (worst >= Risk::high) {
      if (Line more =
              about("server/first_worst", those([worst](const Classification& each) { return each.risk == worst; }));
          !more.empty())
        append(line, std::move(more));
    }
    append(line, say("server/first_policy", {{"policy", link("policy.yaml", "policy.yaml")},
                                             {"command", code("callgate policy generate --from-audit")}}));
    return line;
  }

  const ServerView& server_;
  const std::vector<std::size_t>& order_;
  std::unordered_map<std::string_view, const generate::Rule*> rules_;
  Section part_{"questions", "Questions"};
};

}  // namespace

Section questions_on(const ServerView& server, const std::vector<std::size_t>& order) {
  return Questions(server, order).answers();
}

}  // namespace callgate::catalogue
