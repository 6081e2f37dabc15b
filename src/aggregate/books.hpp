#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

/// What a client was shown of several servers and may name later. Bounded: what
/// finds no place is shown in a form that needs none. Pure; one thread.
namespace callgate::aggregate {

/// A URI and the server that has it.
struct Held {
  std::string server;
  std::string uri;  ///< as the server knows it
};

/// Which server a URI is of (protocol item 89). Servers choose URIs by themselves,
/// so two may choose one: it stays as it is for the server that it was seen at
/// first, and the other's is shown as `callgate://<slug>/<URI>`.
class UriBook {
 public:
  static constexpr std::size_t most = 10'000;
  static constexpr std::string_view scheme = "callgate://";

  /// The URI by which the client knows that server's.
  std::string shown(std::string_view server, std::string_view slug, std::string_view uri);
  /// The same for a template (RFC 6570).
  std::string shown_template(std::string_view server, std::string_view slug, std::string_view uri_template);
  /// The client named that server's URI in the wrapped form: unless the server holds
  /// it, it is told of it in that form.
  void keep_wrapped(std::string_view server, std::string_view uri);
  /// The server that has this URI, by itself or by a template of its own.
  std::optional<std::string> server_of(std::string_view uri) const;
  /// The slug and the server's own URI of a wrapped one.
  struct Wrapped {
    std::string_view slug;
    std::string_view uri;
  };
  static std::optional<Wrapped> unwrap(std::string_view uri);

 private:
  using Holders = std::map<std::string, std::string, std::less<>>;
  static std::string show(Holders& holders, std::string_view server, std::string_view slug, std::string_view text);

  Holders uris_;
  std::set<std::string, std::less<>> wrapped_;  ///< server and URI, a line each
  Holders templates_;
};

/// Whether a URI can come of a template: its literal parts stand in it, in order.
bool may_come_of(std::string_view uri, std::string_view uri_template);

/// What cut names of prompts stand for.
class CutNames {
 public:
  static constexpr std::size_t most = 10'000;

  void remember(const std::string& shown, std::string_view name) {
    if (names_.size() < most) names_.emplace(shown, name);
  }
  /// Null where it is not known.
  const std::string* find(std::string_view shown) const {
    const auto found = names_.find(shown);
    return found == names_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> names_;
};

}  // namespace callgate::aggregate
