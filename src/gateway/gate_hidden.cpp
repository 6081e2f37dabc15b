// What servers say in their answers of things that the caller may not see (protocol item 51).
#include <algorithm>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "policy/resource_uri.hpp"

namespace callgate::gateway {

namespace {

/// Names of prompts that are kept beyond those in policies, and the bytes of one.
constexpr std::size_t most_names = 1000;
constexpr std::size_t longest_name = 512;
constexpr std::size_t longest_instructions = 64 * 1024;
/// How long a session's opening waits for a list of tools that was not read yet.
constexpr net::Duration longest_wait = std::chrono::seconds(10);

}  // namespace

/// A server's prompts are not known before somebody lists them. What a list left out
/// is kept: a pattern alone does not say which words are names.
void Gate::note_hidden_prompt(std::string_view name) {
  if (name.size() > longest_name || std::ranges::find(hidden_prompts_, name) != hidden_prompts_.end()) return;
  if (hidden_prompts_.size() >= most_names) hidden_prompts_.erase(hidden_prompts_.begin());
  hidden_prompts_.emplace_back(name);
}

/// The names of tools and prompts that are hidden from this caller, as far as they are known.
std::vector<std::string> Gate::hidden_words(const PolicyPair& policies, mcp::Era era) const {
  std::vector<std::string> words;
  if (const auto& table = tools_.known(era).table) {
    for (const registry::Tool& tool : table->tools()) {
      if (policies.any([&](const policy::Policy& policy) { return policy.hides_tool(tool.name, class_of(tool)); })) words.push_back(tool.name);
    }
  }
  for (const auto& policy : {policies.server, policies.grant}) {
    if (!policy) continue;
    for (const std::string_view name : policy->hidden_prompts()) words.emplace_back(name);
  }
  for (const std::string& name : hidden_prompts_) {
    if (policies.any([&](const policy::Policy& policy) { return policy.hides_prompt(name); })) words.push_back(name);
  }
  return words;
}

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
  const auto words = std::make_shared<const std::vector<std::string>>(hidden_words(policies, era));
  hidden.text = [words, request, resources, hides_word](std::string_view text) {
    if (std::ranges::any_of(*words, [&](const std::string& word) { return mcp::holds_word(text, word) && !mcp::holds_word(request, word); })) return true;
    return resources && mcp::holds_address(text, [&](std::string_view uri) { return !request.contains(uri) && hides_word(uri); });
  };
  if (asked == nullptr || asked->method_id != mcp::MethodId::completion_complete) return hidden;
  const auto completion = mcp::read_completion(*asked);
  const bool of_template = resources && completion && completion->of == mcp::Completion::Of::resource;
  const std::string uri_template = of_template ? std::string(completion->subject.view()) : std::string();
  const std::string variable = of_template ? std::string(completion->argument.view()) : std::string();
  hidden.value = [words, resources, hides_uri, uri_template, variable](std::string_view value) {
    if (std::ranges::find(*words, value) != words->end() || (resources && mcp::has_scheme(value) && hides_uri(value))) return true;
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
    co_await tools_.settled(mcp::Era::legacy, std::min<net::Duration>(server_.start_timeout, longest_wait));
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
