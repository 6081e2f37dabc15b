#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregate/company.hpp"
#include "aggregate/merged.hpp"
#include "aggregate/ways_back.hpp"
#include "gateway/gates.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::aggregate {

/// Whose request it is that servers are asked for.
struct Origin {
  std::string trace{};   ///< that the request's own head names
  std::string client{};  ///< tells a client without a session from others; empty: the gateway itself asks
};

/// One message of a client on its way to the servers. The references live as long
/// as the message is worked on.
struct Incoming {
  std::shared_ptr<Company> company;
  const mcp::Message& message;
  gateway::Channel& channel;
  std::string trace{};  ///< that the request's own head names

  Origin origin() const { return {.trace = trace, .client = channel.client()}; }
};

/// Which server a name or URI means, and what it is called there.
struct Route {
  std::string server;
  std::string name;
};

/// Sends the messages of a client to the gates of the servers that they are for,
/// and makes one answer of several. Decides nothing: whatever goes to a server
/// goes by its gate, and is judged, counted, asked about and put on record there,
/// under that server's name and the tool's own. Threads: the loop's.
class Router {
 public:
  Router(const gateway::Parts& parts, gateway::Gates& gates) : parts_(parts), gates_(gates) {}
  ~Router() { tasks_.cancel(); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Carries one message of a session; returns when it is answered.
  net::Task<void> handle(Incoming in);
  /// The same for a request of 2026-07-28; the company is that of `stateless`.
  net::Task<void> handle_stateless(Incoming in);
  /// A company that nobody knows yet.
  std::shared_ptr<Company> new_company(std::string_view grant) const { return std::make_shared<Company>(parts_.loop, shelf_, grant); }
  /// What stands in the place of a session for all stateless requests of these callers.
  std::shared_ptr<Company> stateless(Callers callers);
  /// What belongs to no request, until the client leaves or takes a newer stream.
  net::Task<void> serve_stream(std::shared_ptr<Company> company, gateway::Channel& channel);

  /// The arguments that the called tool wants mirrored into headers.
  std::vector<mcp::ParamHeader> param_headers(const std::shared_ptr<Company>& company, const mcp::Message& message) const;

  // router_session.cpp
  std::shared_ptr<Company> find(std::string_view id, std::string_view grant) const;
  /// The session that was opened before a restart, or at another gateway, if it is
  /// this caller's and one with several servers; null for any other. Its
  /// conversations are opened when they are needed. Error `unavailable`: there is no room.
  Result<std::shared_ptr<Company>> take_over(std::string_view id, const session::Caller& caller, const session::KeptSession& kept);
  /// The session of that name ended at another gateway.
  void ended_elsewhere(std::string_view name);
  /// Has the session of that name a request under way?
  bool is_busy(std::string_view name) const;
  void end(const std::shared_ptr<Company>& company);
  /// Ends the sessions of callers who may call no longer.
  void end_sessions(const std::function<bool(std::string_view grant)>& may_stay);
  void reap_idle(net::Instant now);
  /// Open streams end; what is under way goes on.
  void stop();
  /// Other servers are served from now on.
  void servers_changed();
  std::size_t session_count() const { return companies_.size(); }
  std::size_t stateless_count() const { return stateless_.size(); }

 private:
  struct Question;
  struct Questions;
  class Opening;
  class Listening;
  friend class ListenChannel;

  net::Task<void> handle_request(Incoming& in, gateway::InFlight& flight);
  net::Task<void> handle_notification(Incoming& in);
  net::Task<void> handle_response(Incoming& in);
  net::Task<void> handle_initialize(Incoming& in);
  net::Task<void> handle_cancel(Incoming& in);
  net::Task<void> handle_progress(Incoming& in);
  net::Task<void> set_level(Incoming& in);
  static net::Task<void> answer_empty(Incoming& in);
  static net::Task<void> take(Incoming& in);
  static net::Task<void> unknown_method(Incoming& in);
  net::Task<void> tell_all(Incoming& in);
  void note_refused(const Incoming& in, std::string_view why);
  net::Task<void> refuse(Incoming& in, int code, std::string_view why);
  /// Splices, and hands the message to the gate of that server.
  net::Task<void> pass_on(Incoming& in, const gateway::InFlight* flight, std::string server, std::vector<mcp::Edit> edits, MemberChannel::Show show);

  // router_named.cpp
  net::Task<void> know_cut(const Company& company, std::string_view shown);
  net::Task<void> call_tool(Incoming& in, gateway::InFlight& flight);
  net::Task<void> get_prompt(Incoming& in, gateway::InFlight& flight);
  net::Task<void> use_resource(Incoming& in, gateway::InFlight& flight);
  net::Task<void> complete(Incoming& in, gateway::InFlight& flight);
  net::Task<void> use_task(Incoming& in, gateway::InFlight& flight);
  net::Task<void> send_named(Incoming& in, gateway::InFlight& flight, const Route& route, json::Value name);
  std::optional<Route> tool_route(const Company& company, std::string_view shown) const;
  std::optional<Route> prompt_route(const Company& company, std::string_view shown) const;
  std::optional<Route> resource_route(const Company& company, std::string_view uri) const;
  net::Task<std::optional<Route>> find_prompt(const Incoming& in, std::string shown);
  net::Task<std::optional<Route>> find_resource(const Incoming& in, std::string uri);
  net::Task<void> learn(std::shared_ptr<Company> company, Company::Lesson& lesson, std::vector<mcp::MethodId> lists, std::string client);
  const gateway::Gate* gate_of_slug(const Company& company, std::string_view slug) const;

  // router_stateless.cpp
  net::Task<void> handle_discover(Incoming& in);

  // router_listen.cpp
  net::Task<void> handle_listen(Incoming& in);
  net::Task<std::vector<std::pair<std::string, std::string>>> parts_of(Incoming& in, const mcp::Listen& wanted, Listening& listening);
  net::Task<void> listen_at(std::shared_ptr<Company> company, std::string server, std::string request, Listening& listening);
  net::Task<void> acknowledge_in_time(Listening& listening);
  void tell_subscribers();

  // router_members.cpp
  std::shared_ptr<gateway::Conversation> open_now(const Company& company, std::string_view server) const;
  net::Task<std::shared_ptr<gateway::Conversation>> reach(std::shared_ptr<Company> company, std::string server, net::Instant until);
  net::Task<void> open(std::shared_ptr<Company> company, std::string server);
  net::Task<bool> introduce(std::shared_ptr<Company> company, std::string server, std::shared_ptr<gateway::Conversation> conversation);
  net::Task<void> reach_all(std::shared_ptr<Company> company, net::Instant until);
  net::Task<std::string> say(std::shared_ptr<Company> company, std::string server, std::string bytes, Origin origin, std::shared_ptr<const bool> over = {}, std::string* failure = nullptr);
  enum class Expects : std::uint8_t { nothing, answer };
  net::Task<std::shared_ptr<Questions>> say_to_all(std::shared_ptr<Company> company, std::string bytes, Origin origin, Expects expects);
  net::Task<void> say_and_keep(std::shared_ptr<Company> company, std::shared_ptr<Questions> all, std::size_t which, std::string bytes, Expects expects);
  void end_members(Company& company);

  // router_list.cpp
  net::Task<void> handle_list(Incoming& in, const gateway::InFlight& flight);
  net::Task<void> ask(std::shared_ptr<Company> company, std::shared_ptr<Questions> all, std::size_t which, std::string request);
  net::Task<void> read_pages(std::shared_ptr<Company> company, Question& question, const std::string& request, mcp::ListShape shape, std::shared_ptr<const bool> over);
  net::Task<std::shared_ptr<Questions>> ask_all(std::shared_ptr<Company> company, mcp::MethodId list, std::string request, Origin origin, gateway::Channel* client);
  void give_up(const std::shared_ptr<Company>& company, Questions& all, const std::string& request);
  net::Task<void> stop_asking(std::shared_ptr<Company> company, std::string server, std::string id_text);
  static net::Task<void> tell_when_gone(gateway::Channel& channel, std::shared_ptr<Questions> all, bool& gone);
  std::shared_ptr<Questions> begin_asking(const std::shared_ptr<Company>& company, mcp::MethodId list, const std::string& request, const Origin& origin);
  net::Task<void> read_introduction(std::shared_ptr<Company> company, Question& question, std::string request, std::shared_ptr<const bool> over);
  net::Task<void> answer_none(Incoming& in, std::span<const Missing> missing);
  static constexpr std::string_view too_slow = "it did not answer in time";
  static std::string items_of(Company& company, mcp::MethodId list, const Question& question);

  // router_silent.cpp
  /// A server that did not answer in time what it was asked.
  struct Silent {
    std::string whose;  ///< a caller's, or one session's
    std::string server;
    mcp::MethodId method = mcp::MethodId::unknown;
    auto operator<=>(const Silent&) const = default;
  };
  enum class Silence : std::uint8_t {
    doubted,  ///< one request of its caller's was not answered: the others are still waited for
    known,    ///< nobody waits
  };
  static Silent silent_key(const Company& company, std::string_view server, mcp::MethodId method);
  bool is_silent(const Company& company, std::string_view server, mcp::MethodId method) const;
  void note_silent(const std::shared_ptr<Company>& company, const std::string& server, mcp::MethodId method);
  void know_silent(const Silent& key);
  net::Task<void> look_again(std::shared_ptr<Company> company, std::string server, mcp::MethodId method);
  net::Task<bool> answers_the_gate(std::shared_ptr<Company> company, std::string server, mcp::MethodId list);
  void tell_back(std::string_view grant, mcp::Lists of);
  void forget_silent(const std::function<bool(std::string_view grant)>& may_stay);

  // router_session.cpp
  std::string_view no_room(std::string_view grant);
  void enter(const std::shared_ptr<Company>& company, std::string id);
  net::Task<void> keep(std::shared_ptr<Company> company);
  enum class Ending : std::uint8_t { for_all, heard, here };
  void close(const std::shared_ptr<Company>& company, Ending ending);

  const gateway::Parts parts_;
  gateway::Gates& gates_;
  const Shelf shelf_ = std::make_shared<Room>(shelf_bytes, shelf_bytes_of_one);
  std::unordered_map<std::string, std::shared_ptr<Company>> companies_;  ///< by the id of the session
  std::unordered_map<std::string, std::shared_ptr<Company>> stateless_;  ///< by grant
  net::ListNode listening_;  ///< subscriptions under way
  std::map<Silent, Silence> silent_;
  bool stopping_ = false;
  net::TaskGroup tasks_;
};

}  // namespace callgate::aggregate
