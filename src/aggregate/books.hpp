#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/steps.hpp"

/// What a client was shown of several servers and may name later. Bounded in
/// bytes, with a share for each server, and for all clients together: what finds no place is shown in a form that
/// needs none. Pure; one thread.
namespace callgate::aggregate {

/// Room for entries of several. What one fills, it fills for itself.
class Room {
 public:
  Room(std::size_t most, std::size_t most_of_one) : most_(most), most_of_one_(most_of_one) {}
  bool has(std::string_view whose, std::size_t bytes) const;
  /// False: there is none, and nothing was taken.
  bool take(std::string_view whose, std::size_t bytes);
  void give_back(std::string_view whose, std::size_t bytes);

  static constexpr std::size_t beside = 64;  ///< what an entry takes beside its text, about
  std::size_t taken() const { return taken_; }

 private:
  std::size_t most_;
  std::size_t most_of_one_;
  std::size_t taken_ = 0;
  std::map<std::string, std::size_t, std::less<>> of_one_;
};

/// The room of all books of the process, by whose client they are for; null: there is
/// no bound beside the book's own.
using Shelf = std::shared_ptr<Room>;
inline constexpr std::size_t shelf_bytes = std::size_t{64} << 20U;
inline constexpr std::size_t shelf_bytes_of_one = std::size_t{16} << 20U;

/// Room in one book, which takes its part of the shelf and gives it back with the book.
class BookRoom {
 public:
  BookRoom(std::size_t most, std::size_t most_of_one, Shelf shelf, std::string whose)
      : room_(most, most_of_one), shelf_(std::move(shelf)), whose_(std::move(whose)) {}
  BookRoom(const BookRoom&) = delete;
  BookRoom& operator=(const BookRoom&) = delete;
  ~BookRoom() {
    if (shelf_) shelf_->give_back(whose_, room_.taken());
  }
  bool has(std::string_view server, std::size_t bytes) const { return room_.has(server, bytes) && (!shelf_ || shelf_->has(whose_, bytes)); }
  /// False: there is none, and nothing was taken.
  bool take(std::string_view server, std::size_t bytes);

 private:
  Room room_;
  Shelf shelf_;
  std::string whose_;
};

/// Which server a URI is of (protocol item 89). Servers choose URIs by themselves,
/// so two may choose one: it stays as it is for the server that it was seen at
/// first, and the other's is shown as `callgate://<slug>/<URI>`. So is one that may
/// come of another server's template: no server takes reads from another.
class UriBook {
 public:
  explicit UriBook(Shelf shelf = {}, std::string whose = {}) : room_(most_bytes, most_bytes_of_one, std::move(shelf), std::move(whose)) {}

  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;
  static constexpr std::size_t most_bytes_of_one = std::size_t{1} << 20U;
  static constexpr std::size_t most_templates_of_one = 200;  ///< each unknown URI is held against all of them
  static constexpr std::size_t longest_template = 1024;
  static constexpr std::size_t most_expressions = 16;  ///< of a template; with more it is shown wrapped
  /// For holding the URIs of one answer against templates: servers choose both, and how many. Some ten milliseconds.
  static constexpr std::size_t most_steps = std::size_t{1} << 21U;
  static constexpr std::string_view scheme = "callgate://";

  /// The URI by which the client knows that server's. `steps`: those of the answer that it stands in; where they
  /// are used up, one that is not known yet is shown wrapped.
  std::string shown(std::string_view server, std::string_view slug, std::string_view uri, Steps& steps);
  /// The same for one that stands alone.
  std::string shown(std::string_view server, std::string_view slug, std::string_view uri) {
    Steps steps(most_steps);
    return shown(server, slug, uri, steps);
  }
  /// The same for a template (RFC 6570).
  std::string shown_template(std::string_view server, std::string_view slug, std::string_view uri_template);
  /// The server took its URI from a client that named it in the wrapped form: unless
  /// the server holds it, the client is told of it in that form.
  void keep_wrapped(std::string_view server, std::string_view uri);
  /// The server that has this URI, by itself or by a template of its own; nothing
  /// where templates of two servers may mean it.
  std::optional<std::string> server_of(std::string_view uri) const;
  /// The slug and the server's own URI of a wrapped one.
  struct Wrapped {
    std::string_view slug;
    std::string_view uri;
  };
  static std::optional<Wrapped> unwrap(std::string_view uri);

 private:
  using Holders = std::map<std::string, std::string, std::less<>>;
  bool may_be_anothers(std::string_view server, std::string_view uri, Steps& steps) const;

  Holders uris_;
  std::set<std::string, std::less<>> wrapped_;  ///< server and URI, a line each
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> templates_;  ///< of each server
  BookRoom room_;
};

/// Whether a URI can come of a template: its literal parts stand in it, in order.
/// Takes time in the length of both, whatever they hold, and steps by it. True where they are used up.
bool may_come_of(std::string_view uri, std::string_view uri_template, Steps& steps);

/// What cut names of prompts stand for.
class CutNames {
 public:
  explicit CutNames(Shelf shelf = {}, std::string whose = {}) : room_(std::size_t{1} << 20U, std::size_t{256} << 10U, std::move(shelf), std::move(whose)) {}

  /// A name that no request could carry, or for which there is no room, is not kept.
  void remember(const std::string& shown, std::string_view name);
  /// Null where it is not known.
  const std::string* find(std::string_view shown) const {
    const auto found = names_.find(shown);
    return found == names_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> names_;
  BookRoom room_;
};

}  // namespace callgate::aggregate
