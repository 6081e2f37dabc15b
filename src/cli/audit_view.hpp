#pragma once

#include <array>
#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "audit/search.hpp"
#include "audit/verify.hpp"
#include "cli/approvals_view.hpp"

/// How records and proofs are shown. All recorded text is shown with its
/// invisible characters written out: agents and servers chose some of it.
namespace callgate::cli {

/// A line each: time, verdict, server, tool or method, how it ended, rule or
/// reason, id. A long cell is cut, so that columns stand apart; ids never are.
class RecordTable {
 public:
  static constexpr std::size_t columns = 7;

  /// `open` is said of an allowed call that has no outcome.
  RecordTable(std::ostream& out, const Showing& showing, std::string_view open = "no outcome")
      : out_(out), showing_(showing), open_(open) {}
  /// The header stands before the first lines; columns only grow.
  void write(std::span<const audit::Entry> entries);

 private:
  std::ostream& out_;
  const Showing& showing_;
  std::string_view open_;
  std::array<std::size_t, columns> widths_{};
};

/// The lines of the journal themselves, an outcome behind its record; an empty
/// line is left out.
void write_record_lines(std::ostream& out, std::span<const audit::Entry> entries);

/// Every member of one record and its outcome, a line each.
void write_record(std::ostream& out, const audit::Entry& entry);

/// A line for each chain, then one that sums up, and what was not proved.
/// `missing_key`: the file that would have held the key to check signatures
/// against; empty where they were checked.
void write_proofs(std::ostream& out, std::span<const audit::ChainReport> chains, std::string_view missing_key, const Showing& showing);
std::string proofs_json(std::span<const audit::ChainReport> chains, std::string_view missing_key);

}  // namespace callgate::cli
