#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/links.hpp"
#include "mcp/methods.hpp"
#include "mcp/tool_list.hpp"
#include "mcp/unknown_tool.hpp"

namespace callgate::gateway {

/// What a server lists when the gateway itself asks, with all client
/// capabilities declared (policy-language section 2.1).
struct ServerList {
  /// An answer to tools/list, read whole; what was read points into its text.
  struct Page {
    std::string text;
    json::Document document;
    mcp::ListPage list;
  };
  std::vector<std::unique_ptr<const Page>> pages;  ///< in order; none where it has no tools
  std::optional<mcp::UnknownToolAnswer> unknown_tool;  ///< nothing where it was not probed
  mcp::Revision revision = mcp::latest_legacy;         ///< that the server spoke
  std::string server_info;  ///< what the server says of itself, as JSON; empty: nothing, or too much to keep
};

/// How far one list may go: more is a fault, not a shorter list.
struct ListBounds {
  std::size_t pages = 1000;
  std::size_t bytes = 64 * 1024 * 1024;
};

/// Opens a conversation of the gateway's own, reads every page of tools/list
/// and, when `probe` is set, learns how the server answers for an unknown tool. It
/// declares all capabilities, for lists may depend on them, and answers with an error
/// whatever the server asks: no client is there.
class Lister {
 public:
  Lister(const Parts& parts, Links& links, mcp::Era era);
  Lister(const Lister&) = delete;
  Lister& operator=(const Lister&) = delete;
  ~Lister() { use({}); }
  enum class Probe : std::uint8_t { no, yes };
  net::Task<Result<ServerList>> read(Probe probe);
  /// A message of the gateway's own could not be put on record, so it was not sent:
  /// whatever `read` failed by, it is no fault of the server.
  bool unrecorded() const { return unrecorded_; }
  /// How long the loop stood still while the pages were looked at.
  net::Duration spent() const { return spent_; }

 private:
  class SaysNo;

  net::Task<Result<ServerList>> read_once(Probe probe);
  void use(std::shared_ptr<upstream::Link> link);
  net::Task<void> say_no(std::string id_text);
  Result<std::shared_ptr<upstream::Link>> own_link();
  net::Task<Result<void>> open();
  net::Task<Result<bool>> open_legacy();
  net::Task<Result<std::string>> handshake();
  void keep_info(json::Value server_info);
  net::Task<Result<void>> read_pages(ServerList& list);
  net::Task<Result<void>> probe(ServerList& list);
  net::Task<void> close();
  net::Task<Result<policy::Permit>> permit_for(audit::Internal kind);
  net::Task<Result<std::string>> ask(audit::Internal kind, std::string message);
  net::Task<Result<void>> send(audit::Internal kind, upstream::Outbound out);

  const Parts& parts_;
  Links& links_;
  mcp::Era era_;
  mcp::Revision revision_ = mcp::latest_legacy;
  std::shared_ptr<upstream::Link> link_;
  std::string server_info_;
  bool has_tools_ = true;
  bool bridged_ = false;
  bool unrecorded_ = false;
  bool forgotten_ = false;  ///< the server knew the session no longer
  net::Duration spent_{};
  int next_id_ = 1;
  std::unique_ptr<upstream::Sink> says_no_;
  std::size_t refused_ = 0;  ///< requests of the server
  net::TaskGroup refusing_;
};

}  // namespace callgate::gateway
