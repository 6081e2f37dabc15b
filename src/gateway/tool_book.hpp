#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "config/file_stamp.hpp"
#include "gateway/lister.hpp"
#include "mcp/tool_list.hpp"
#include "mcp/unknown_tool.hpp"
#include "registry/pin_file.hpp"
#include "registry/tool_table.hpp"

namespace callgate::gateway {

/// A file of reviewed definitions is at most this large.
inline constexpr std::size_t max_reviewed_bytes = std::size_t{64} << 20U;

/// What is known of one server's tools in one era at one moment.
struct KnownTools {
  std::shared_ptr<const registry::ToolTable> table;  ///< null until the first list was read
  mcp::UnknownToolAnswer unknown_tool;
  bool mirrors = false;     ///< a tool of the table wants arguments mirrored into headers, or says the word
  std::string fault;        ///< why the last reading failed; empty where it did not
  std::string detail;       ///< what else an operator may read of that, and no client
  bool unrecorded = false;  ///< it failed by the gateway's own journal

  /// The whole of that, for operators.
  std::string told() const { return detail.empty() ? fault : fault + ": " + detail; }
  /// Why there is no table, or none that is current, also for whoever waited no longer.
  std::string_view why() const { return fault.empty() ? std::string_view("the server did not answer in time") : fault; }
};

/// The tools of one server, read by the gateway itself and compared with the
/// pins; read again when the server says that they changed, shows a client other
/// ones or had to be opened anew, and after a failure.
class ToolBook {
 public:
  ToolBook(const Parts& parts, Links& links);

  /// Starts reading an era's list if that has not begun.
  void want(mcp::Era era);
  /// The server said that its list changed: it is read again, and that of the other era, where known, with it.
  void want_again(mcp::Era era);
  /// A list that the server answered a client. Where it shows a definition that the gateway's own
  /// did not, that is read again, or was a moment ago without finding it: such a server lists by
  /// who asks. True: it shows one.
  bool heed(mcp::Era era, std::span<const mcp::ListItem> shown);
  /// What answered so far is gone, and what takes its place may be of another version. Where a
  /// reading of the gateway's own met that, it is reading the list of the new one.
  void server_opened_anew(upstream::Reader met_by);
  /// How often that was.
  std::uint64_t openings() const { return openings_; }
  /// Hears that a list is another one and that no server has said so.
  void on_found_changed(std::function<void()> hear) { found_changed_ = std::move(hear); }
  /// Others than this book changed pins, or may have: eras that were read are read again.
  void pins_changed();
  /// The same if the reviewed file changed, and is not being written.
  void look_at_reviewed();
  /// Until the list was read, or `time` is over.
  net::Task<void> settled(mcp::Era era, net::Duration time);
  /// Until the list as it stands now was read: a call that comes after the server
  /// said that its tools changed is not judged by the older list. False when
  /// `time` is over or the reading failed.
  net::Task<bool> current(mcp::Era era, net::Duration time);
  bool is_current(mcp::Era era) const { return eras_[index(era)].read == eras_[index(era)].wanted && known(era).table; }
  const KnownTools& known(mcp::Era era) const { return eras_[index(era)].known; }
  bool started(mcp::Era era) const { return eras_[index(era)].reading || eras_[index(era)].known.table != nullptr; }

 private:
  struct EraState {
    explicit EraState(net::Loop& loop) : changed(loop), again(loop) {}
    KnownTools known;
    bool reading = false;
    std::uint64_t wanted = 0;  ///< how often the list was asked for; `read` stands behind it until it was read anew
    std::uint64_t read = 0;
    net::Instant began{};      ///< the last reading
    net::Instant ended{};
    net::Duration spent{};     ///< how long nobody else was served for it
    std::shared_ptr<const registry::ToolTable> seen;  ///< the last that was taken
    bool probed = false;
    bool look_closely = false;  ///< whether it became another one without a word of the server
    std::map<std::string, net::Instant> asked_for;  ///< when it was read for what a client was shown, by that
    /// The last list that a client was shown, against this table.
    struct Shown {
      std::string digest;  ///< of the definitions that are not the table's, as written
      std::string others;  ///< those of them that nothing accounts for
    };
    Shown shown;
    bool ours = false;  ///< the last reading failed by the gateway's own journal or store, or by what it made of the list
    net::Broadcast changed;
    net::Signal again;
  };
  static const std::string& others_of(EraState& state, std::span<const mcp::ListItem> shown);
  static std::size_t index(mcp::Era era) { return era == mcp::Era::modern ? 1 : 0; }
  void read_again(EraState& state, mcp::Era era);
  net::Task<void> keep_reading(mcp::Era era);
  struct Read;
  net::Task<Result<void>> take(mcp::Era era, const ServerList& list);
  net::Task<void> in_turns(EraState& state, registry::Observation& list, bool (registry::Observation::*go_on)());
  void spend(EraState& state, net::Instant since);
  Result<void> compare(mcp::Era era, const ServerList& list, const Read& read, registry::Observation& found);
  void publish(mcp::Era era, const ServerList& list, std::shared_ptr<const registry::ToolTable> table);
  void log_drift(mcp::Era era, std::span<const registry::Drift> drift);
  net::Instant next_reading(const EraState& state) const;
  Result<void> load_reviewed();
  bool reviewed_is_to_be_read();
  store::ListKey key(mcp::Era era) const;
  void recall_unknown_tool(mcp::Era era);

  const Parts& parts_;
  Links& links_;
  std::array<EraState, 2> eras_;
  std::optional<registry::PinFile> reviewed_;
  config::FileWatch reviewed_watch_;
  std::function<void()> found_changed_;
  std::uint64_t openings_ = 0;
  net::TaskGroup tasks_;
};

}  // namespace callgate::gateway
