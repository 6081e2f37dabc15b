#pragma once

#include <ostream>
#include <span>
#include <string>

#include "audit/search.hpp"
#include "audit/verify.hpp"
#include "cli/approvals_view.hpp"

/// How records and proofs are shown. All recorded text is shown with its
/// invisible characters written out: agents and servers chose some of it.
namespace callgate::cli {

/// A line each: time, verdict, server, tool, how it ended, rule or reason, id.
void write_records(std::ostream& out, std::span<const audit::Entry> entries, const Showing& showing);

/// The lines of the journal themselves, an outcome behind its record.
void write_record_lines(std::ostream& out, std::span<const audit::Entry> entries);

/// Every member of one record and its outcome, a line each.
void write_record(std::ostream& out, const audit::Entry& entry);

/// A line for each chain, then one that sums up.
void write_proofs(std::ostream& out, std::span<const audit::ChainReport> chains, const Showing& showing);
std::string proofs_json(std::span<const audit::ChainReport> chains);

}  // namespace callgate::cli
