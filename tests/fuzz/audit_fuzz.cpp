// The readers of journals, which somebody may have damaged or forged: they end,
// stay inside their bytes, and accept only what hashes.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "audit/reader.hpp"
#include "audit/search.hpp"
#include "audit/signer.hpp"
#include "audit/verify.hpp"
#include "limits/memory_counters.hpp"

namespace {

using namespace callgate;

std::string folder() {
  std::string path = (std::filesystem::temp_directory_path() / "callgate-fuzz-audit-").string() + std::to_string(::getpid());
  std::filesystem::create_directories(path);
  return path;
}

/// A line with its hash made right, so that the bytes behind the hash are read too.
std::string hashed(std::string_view body) {
  std::string line(body.substr(0, body.find_last_of('}')));
  const std::string digest = sha256_hex(line + "}");
  return line + std::string(audit::hash_key) + digest + "\"}";
}

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = folder();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  audit::LinkReader reader;
  for (const std::string& line : {std::string(bytes), hashed(bytes)}) {
    const auto link = reader.read(line);
    if (!link) continue;
    must(link->seq > 0 && link->hash.size() == 64);
    must(sha256_hex(line.substr(0, line.size() - audit::hash_tail_size) + "}") == link->hash);
  }

  for (const char* form : {"callgate-counters-1\n", "callgate-counters-2\n"}) {
    limits::MemoryCounters counters;
    (void)counters.restore(form + std::string(bytes), {BootTime(std::chrono::hours(1)), 1'000'000, "boot"});
    const policy::RateLimit limit{.max = 3, .window = std::chrono::seconds(60), .pointer = "/x", .id = "/x"};
    const policy::RateLimit* const all[] = {&limit};
    (void)counters.take_now(all, {"server", "grant", "session"}, BootTime(std::chrono::hours(2)));
  }

  std::ofstream(path + "/" + audit::segment_name(1), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
  const auto report = audit::verify_chain(path);
  must(report.has_value());
  // Whatever was not written by a journal is refused, torn or empty.
  must(report->fault || !report->torn.empty() || report->records > 0 || bytes.empty());
  must(audit::search(path, {.everything = true}).has_value());

  const std::size_t half = size / 2;
  must(!audit::signature_holds({"one", 1, "t", "h", "close"}, bytes.substr(0, half), bytes.substr(half)));
  return 0;
}
