#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cli/offline.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::cli {

/// A data folder, a clock and streams around the commands that work offline.
struct OfflineWorld {
  using Command = Exit (*)(std::span<const std::string_view>, const Offline&, std::ostream&, std::ostream&);

  /// HOME is a folder of the test's own.
  class Home final : public config::Environment {
   public:
    explicit Home(std::string folder) : folder_(std::move(folder)) {}
    std::optional<std::string> variable(std::string_view name) const override {
      return name == "HOME" ? std::optional(folder_) : std::nullopt;
    }
    Result<std::string> file(const std::filesystem::path& path) const override {
      return fail(ErrorKind::not_found, path.string());
    }

   private:
    std::string folder_;
  };

  TemporaryFolder folder;
  Home home{folder.path().string()};
  FakeClock clock;
  std::string out;  ///< of the last command
  std::string err;

  Exit run(Command command, std::vector<std::string_view> args) {
    std::ostringstream to_out;
    std::ostringstream to_err;
    const Exit exit = command(args, {home, clock}, to_out, to_err);
    out = to_out.str();
    err = to_err.str();
    return exit;
  }

  /// The same store as the commands', as a gateway would open it.
  std::unique_ptr<store::Store> store() const { return store::open(folder.path() / ".local/share/callgate").value(); }

  /// A policy that allows everything, owned and writable by this user alone.
  std::string policy(std::string_view text = "callgate: 1\ndefault: allow\n") const {
    const std::string file = folder.write("policy.yaml", text);
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    return file;
  }
};

}  // namespace callgate::cli
