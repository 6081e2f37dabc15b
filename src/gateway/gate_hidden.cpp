// What servers say in their answers of things that the caller may not see (protocol item 51).
#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_set>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "policy/resource_uri.hpp"
#include "registry/names.hpp"

namespace callgate::gateway {

namespace {

constexpr std::size_t longest_instructions = 64 * 1024;
/// How long a session's opening waits for a list of tools that was not read yet.
constexpr net::Duration longest_wait_for_hidden = std::chrono::seconds(10);

/// What is spent on one answer beside so much for each of its bytes: linear in its length, whatever stands in it.
constexpr std::size_t steps_of_answer = std::size_t{4} << 20U;
constexpr std::size_t steps_of_byte = 8;
/// To ask the policies of a tool that there is takes as long as so many steps.
constexpr std::size_t to_ask_policies = 256;

/// Searched for in linear time: both texts are strangers'.
bool contains(std::string_view text, std::string_view part) {
  if (part.empty() || text.empty()) return part.empty();
  return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

mcp::NameShape shape_of_tool_names() {
  mcp::NameShape shape;
  for (int c = 0; c < 256; ++c) {
    const std::string name(registry::longest_tool_name, static_cast<char>(c));
    if (registry::is_tool_name(name)) shape.add(name);
  }
  return shape;
}

/// The words of one answer held against the names of tools and prompts that are hidden
/// from its caller, as far as they are known. Of each word is asked whether it is one:
/// they may be many. Used up at once: it looks at what the gate has noted.
class HiddenWords {
 public:
  /// `request`: what stands in it tells nothing.
  HiddenWords(PolicyPair policies, std::shared_ptr<const registry::ToolTable> table, const NotedNames& noted, std::string_view request)
      : policies_(std::move(policies)), table_(std::move(table)), noted_(noted), request_(request), shape_of_prompts_(noted.shape()) {
    if (!policies_.any([](const policy::Policy& policy) { return policy.hides_tools(); })) table_.reset();
    for (const auto& policy : {policies_.server, policies_.grant}) {
      if (!policy) continue;
      for (const std::string_view name : policy->hidden_prompts()) {
        ruled_.insert(name);
        shape_of_prompts_.add(name);
      }
    }
  }

  bool is_one(std::string_view name) const { return is_tool(name) || is_prompt(name); }
  bool stand_in(std::string_view text) {
    steps_.add(text.size() * steps_of_byte);
    return name_in(text, steps_, [this](std::string_view name) { return !asked(name); });
  }
  /// Whether such an address stands in it that is hidden and not the caller's own.
  bool address_in(std::string_view text, const std::function<bool(std::string_view uri)>& hides) {
    return mcp::holds_address(text, [&](std::string_view uri) { return hides(uri) && (!steps_.take(request_.size() / 16) || !contains(request_, uri)); }, steps_);
  }

 private:
  bool is_tool(std::string_view name) const {
    const registry::Tool* tool = table_ ? table_->find(name) : nullptr;
    return tool != nullptr && policies_.any([&](const policy::Policy& policy) { return policy.hides_tool(tool->name, class_of(*tool)); });
  }
  bool is_prompt(std::string_view name) const {
    if (ruled_.contains(name)) return true;
    return noted_.has(name) && policies_.any([name](const policy::Policy& policy) { return policy.hides_prompt(name); });
  }
  /// Whether a hidden name stands in the text for which `counts` says so.
  bool name_in(std::string_view text, Steps& steps, const std::function<bool(std::string_view name)>& counts) const {
    static const mcp::NameShape of_tools = shape_of_tool_names();
    const auto is_hidden_tool = [&](std::string_view name) {
      return table_->find(name) != nullptr && (!steps.take(to_ask_policies) || (is_tool(name) && counts(name)));
    };
    if (table_ && mcp::holds_name(text, of_tools, is_hidden_tool, steps)) return true;
    return mcp::holds_name(text, shape_of_prompts_, [&](std::string_view name) { return is_prompt(name) && counts(name); }, steps);
  }
  /// Looked through once, and only where a hidden name stands in the answer.
  bool asked(std::string_view name) {
    if (!asked_) {
      asked_.emplace();
      Steps steps(steps_of_answer + request_.size() * steps_of_byte);
      [[maybe_unused]] const bool all = name_in(request_, steps, [this](std::string_view each) { return asked_->emplace(each), false; });
    }
    return asked_->contains(name);
  }

  const PolicyPair policies_;
  std::shared_ptr<const registry::ToolTable> table_;  ///< null: no tool is hidden
  const NotedNames& noted_;
  const std::string_view request_;
  std::unordered_set<std::string_view> ruled_;  ///< prompts that rules hide by their whole name
  mcp::NameShape shape_of_prompts_;
  Steps steps_{steps_of_answer};
  std::optional<std::unordered_set<std::string_view>> asked_;  ///< hidden names in the request
};

}  // namespace

/// `asked`: the request. What its caller wrote itself tells it nothing in an error, and
/// leaving it out would: whoever guesses names could read off which are hidden.
mcp::HiddenNames Gate::hidden_names(const PolicyPair& policies, mcp::Era era, const mcp::Message* asked) const {
  mcp::HiddenNames hidden;
  const auto hides_uri = [policies](std::string_view uri) {
    return policies.any([uri](const policy::Policy& policy) { return policy.hides_resource(uri); });
  };
  const bool resources = policies.any([](const policy::Policy& policy) { return policy.hides_resources(); });
  if (resources) hidden.resource = hides_uri;
  // A text is full of words with a colon: only what can be read in one way is looked at as an address.
  const auto hides_word = [hides_uri](std::string_view word) { return policy::normal_uri(word).has_value() && hides_uri(word); };
  const std::string_view request = asked != nullptr ? asked->bytes() : std::string_view();
  const auto words = std::make_shared<HiddenWords>(policies, tools_.known(era).table, hidden_prompts_, request);
  hidden.text = [words, resources, hides_word](std::string_view text) { return words->stand_in(text) || (resources && words->address_in(text, hides_word)); };
  if (asked == nullptr || asked->method_id != mcp::MethodId::completion_complete) return hidden;
  const auto completion = mcp::read_completion(*asked);
  const bool of_template = resources && completion && completion->of == mcp::Completion::Of::resource;
  const std::string uri_template = of_template ? std::string(completion->subject.view()) : std::string();
  const std::string variable = of_template ? std::string(completion->argument.view()) : std::string();
  hidden.value = [words, resources, hides_uri, uri_template, variable](std::string_view value) {
    if (words->is_one(value) || (resources && mcp::has_scheme(value) && hides_uri(value))) return true;
    const std::string filled = mcp::filled_template(uri_template, variable, value);
    return !filled.empty() && hides_uri(filled);
  };
  return hidden;
}

/// The policies of a caller from whom they hide something; nothing for any other.
std::optional<PolicyPair> Gate::hiding(const Conversation& conversation) const {
  if (!parts_.policies.hide_something()) return std::nullopt;
  PolicyPair policies = policies_for(conversation);
  if (!policies.any([](const policy::Policy& policy) { return policy.hides_anything(); })) return std::nullopt;
  return policies;
}

/// The answer as this caller may see it; nothing: as it is. Looked at are errors,
/// completions, what a task came to, and what may hold the address of a resource.
std::optional<std::string> Gate::without_hidden(const Conversation& conversation, mcp::Era era, const Answered& answer, const mcp::Message* asked) const {
  const auto policies = hiding(conversation);
  if (!policies) return std::nullopt;
  const auto method = asked != nullptr ? asked->method_id : mcp::MethodId::unknown;
  const bool always = answer.is_error || method == mcp::MethodId::completion_complete || method == mcp::MethodId::tasks_get;
  const bool resources = policies->any([](const policy::Policy& policy) { return policy.hides_resources(); });
  if (!always && !(resources && mcp::may_hold_addresses(answer.bytes))) return std::nullopt;
  json::Document document;
  const auto message = mcp::read_message(answer.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  // It was read once to be an answer at all.
  if (!message) return mcp::rpc_error(asked != nullptr ? asked->id_text : std::string_view(), mcp::code::internal_error, "the server's answer cannot be read");
  return mcp::without_hidden(*message, hidden_names(*policies, era, asked));
}

bool Gate::hide_tools(const PolicyPair& policies) {
  return policies.any([](const policy::Policy& policy) { return policy.hides_tools(); });
}

/// Whether the instructions name what is hidden. Without its list nobody can say
/// what the server's words are about.
bool Gate::names_hidden(const PolicyPair& policies, mcp::Era era, std::string_view instructions) const {
  if (policies.missing()) return true;
  if (!policies.any([](const policy::Policy& policy) { return policy.hides_anything(); })) return false;
  return (hide_tools(policies) && !tools_.known(era).table) || instructions.size() > longest_instructions || hidden_names(policies, era, nullptr).text(instructions);
}

/// The answer to `initialize` as this caller may see it; nothing: as it is.
net::Task<std::optional<std::string>> Gate::shown_opening(Inbound& in, const mcp::Message& opened) {
  auto shown = mcp::with_list_changed(opened);
  const std::string instructions = mcp::instructions_of(opened);
  if (instructions.empty()) co_return shown;
  if (hide_tools(policies_for(*in.conversation)) && !tools_.known(mcp::Era::legacy).table)
    co_await tools_.settled(mcp::Era::legacy, std::min<net::Duration>(server_.start_timeout, longest_wait_for_hidden));
  if (!names_hidden(policies_for(*in.conversation), mcp::Era::legacy, instructions)) co_return shown;
  if (!shown) co_return mcp::without_instructions(opened);
  json::Document document;
  const auto message = mcp::read_message(*shown, document, mcp::Direction::from_server, upstream::whole_answer);
  // It was read before, but for the one word.
  if (!message) co_return mcp::rpc_error(in.message.id_text, mcp::code::internal_error, "the server's answer cannot be read");
  co_return mcp::without_instructions(*message);
}

/// As the server answers for tools that it does not have, unless these words name one that is hidden.
std::string Gate::unknown_tool_answer(const Inbound& in, std::string_view name) const {
  const mcp::UnknownToolAnswer& learned = tools_.known(in.era()).unknown_tool;
  const PolicyPair policies = policies_for(*in.conversation);
  const auto standard = [&] { return mcp::UnknownToolAnswer().render(name, in.message.id_text); };
  if (!learned.is_learned() || !hides_anything(in)) return learned.render(name, in.message.id_text);
  // Of no name: the called one may be hidden, and is told to whoever called it.
  const std::string nameless = learned.render({}, "0");
  json::Document document;
  const auto message = mcp::read_message(nameless, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || mcp::without_hidden(*message, hidden_names(policies, in.era(), nullptr))) return standard();
  return learned.render(name, in.message.id_text);
}

}  // namespace callgate::gateway
