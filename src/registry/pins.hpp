#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "registry/listing.hpp"
#include "registry/pin_file.hpp"
#include "registry/tool_table.hpp"
#include "store/pins.hpp"

namespace callgate::registry {

enum class NewTools : std::uint8_t {
  refuse,         ///< a new name is unknown until `server pin` accepts it
  follow_policy,  ///< a new name is pinned at once
};

/// Says of the definitions of one list what they are: one after the other, by whoever has the time.
class Judging {
 public:
  virtual ~Judging() = default;
  /// Goes on by about one definition. False: there is nothing left to do.
  virtual bool go_on() = 0;
  /// One answer for each definition, in their order, once go_on() said false.
  virtual std::vector<ToolClass> answer() = 0;
};
/// `definitions` outlive what is made of them.
using ClassesOf = std::function<std::unique_ptr<Judging>(std::span<const json::Value> definitions)>;
/// All at once.
std::vector<ToolClass> answer_of(Judging& judging);

/// Whose list it is, and under which rules it is read.
struct ListSource {
  store::ListKey key;                 ///< server, address, era
  NewTools new_tools = NewTools::refuse;
  const PinFile* reviewed = nullptr;  ///< pins in version control instead of the store's
  std::vector<Drift> unreadable = {};  ///< entries that are not among the definitions
};

/// What a list is, held against its pins.
struct Compared {
  std::vector<Tool> tools;
  std::vector<Drift> drift;
  std::map<std::string, std::string, std::less<>> refused;  ///< fingerprints of new tools, by name
  /// Tools of which no schema is there yet, and the definitions that hold them.
  std::vector<std::pair<std::size_t, json::Value>> uncompiled;
};

/// Compares the list that the gateway itself read with the pins and makes the
/// table that calls are judged by (S10, policy-language section 2.1). The first
/// list of a server and address pins. A name that its own era's pins do not hold is
/// judged by the other era's, where those hold it. What is new or changed is put
/// beside the pins as an offer, for `server pin` to show and accept.
/// What cannot be called stands beside the pins, for people to see.
///
/// A long list takes seconds, so it is done a little at a time: `read_on` until it says false,
/// `compare`, `compile_on` until it says false, `table`. INVARIANT: there is no table before all of that is done, so
/// nothing is judged by a part of one; what the pins say is asked once, by `compare`.
class Observation {
 public:
  /// `definitions` are the elements of `result.tools` of all pages in order; a
  /// non-object is reported and left out. `classes_of` may be empty: nobody says.
  /// `previous` lends its compiled schemas and may be null. All outlive it.
  Observation(std::span<const json::Value> definitions, ClassesOf classes_of, const ToolTable* previous)
      : reader_(definitions), classes_of_(std::move(classes_of)), previous_(previous) {}
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  /// Reads or judges about one more definition. False: all are.
  bool read_on();
  /// Errors: those of the store; nothing may be judged by an older list then. It may be tried again.
  Result<void> compare(store::Pins& pins, const ListSource& source, std::int64_t now_ms);
  /// Compiles the schema of about one more tool that may be called. False: all are.
  bool compile_on();
  std::shared_ptr<const ToolTable> table() &&;

 private:
  ListingReader reader_;
  ClassesOf classes_of_;
  const ToolTable* previous_;
  std::optional<Listing> listing_;          ///< once all definitions were read
  std::vector<json::Value> listed_;         ///< the definitions of its tools
  std::unique_ptr<Judging> judging_;        ///< while they are judged
  std::vector<ToolClass> classes_;          ///< of its tools, in their order; empty: nobody says
  Compared compared_;
  std::size_t compiled_ = 0;                ///< of `compared_.uncompiled`
};

/// The whole of it at once.
Result<std::shared_ptr<const ToolTable>> observe(store::Pins& pins, const ListSource& source,
                                                 std::span<const json::Value> definitions, std::int64_t now_ms,
                                                 const ToolTable* previous = nullptr);

/// Takes credentials out of the addresses that lists of the server were kept under
/// by versions that did not mask them: their pins go on. Errors: those of the store.
Result<void> mask_addresses(store::Pins& pins, std::string_view server);

}  // namespace callgate::registry
