#include "store/store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "store/connection.hpp"
#include "store/migrations.hpp"

namespace callgate::store {
namespace {

Error folder_error(const std::filesystem::path& folder, const std::string& why) {
  return {ErrorKind::unavailable,
          fmt::format("cannot use the data folder `{}`: {}; give another with `--data`", folder.string(), why),
          {}};
}

Result<void> make_private_folder(const std::filesystem::path& given) {
  // `DATA/` names an empty file in DATA; the folder itself is meant.
  const std::filesystem::path folder = given.has_filename() ? given : given.parent_path();
  std::error_code problem;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), problem);
  if (problem) return std::unexpected(folder_error(folder, problem.message()));
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return std::unexpected(folder_error(folder, std::generic_category().message(errno)));
  }
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    return std::unexpected(folder_error(folder, std::generic_category().message(errno)));
  }
  if (!S_ISDIR(status.st_mode)) return std::unexpected(folder_error(folder, "it is not a folder"));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(ErrorKind::refused,
                fmt::format("others may write to the data folder `{}`; run `chmod 700` on it", folder.string()));
  }
  return {};
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<Database> database) { connection_.database = std::move(database); }

  Servers& servers() override { return *servers_; }
  Grants& grants() override { return *grants_; }
  Pins& pins() override { return *pins_; }
  Answers& answers() override { return *answers_; }
  Meta& meta() override { return *meta_; }

  void wait_at_most(std::chrono::milliseconds busy) override {
    const std::scoped_lock lock(connection_.mutex);
    connection_.database->wait_at_most(busy);
  }

  Result<Version> version() override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "PRAGMA data_version");
    if (auto row = query.step(); !row) return std::unexpected(row.error());
    return Version{.others = query.number(0), .own = connection_.database->own_changes()};
  }

 private:
  Connection connection_;
  std::unique_ptr<Servers> servers_ = sqlite_servers(connection_);
  std::unique_ptr<Grants> grants_ = sqlite_grants(connection_);
  std::unique_ptr<Pins> pins_ = sqlite_pins(connection_);
  std::unique_ptr<Answers> answers_ = sqlite_answers(connection_);
  std::unique_ptr<Meta> meta_ = sqlite_meta(connection_);
};

Result<std::unique_ptr<Store>> open_file(const std::filesystem::path& file, const OpenOptions& options) {
  auto database = Database::open(file, options.busy);
  if (!database) return std::unexpected(database.error());
  if (auto ready = migrate(**database, options.now_ms); !ready) return std::unexpected(ready.error());
  return std::make_unique<SqliteStore>(std::move(*database));
}

}  // namespace

Result<bool> Store::changed(Version& seen) {
  const auto now = version();
  if (!now) return std::unexpected(now.error());
  const bool differs = *now != seen;
  seen = *now;
  return differs;
}

Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, const OpenOptions& options) {
  if (auto made = make_private_folder(folder); !made) return std::unexpected(made.error());
  return open_file(folder / "callgate.db", options);
}

Result<std::unique_ptr<Store>> open_in_memory() { return open_file(":memory:", {}); }

}  // namespace callgate::store
