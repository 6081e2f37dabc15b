#include "cli/source_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/suggest.hpp"
#include "config/address.hpp"
#include "config/load_server.hpp"

namespace callgate::cli {
namespace {

constexpr std::array<std::string_view, 9> valued{"--tools", "--upstream", "--header", "--client-config", "--server", "--config", "--name", "--data", "--timeout"};
constexpr std::array<std::string_view, 2> plain{"--trust-hints", "--help"};

bool has_word(std::span<const std::string_view> list, std::string_view word) { return std::ranges::find(list, word) != list.end(); }

std::unexpected<Error> unfit_source(std::string message) { return fail(ErrorKind::invalid, std::move(message)); }

class Parser {
 public:
  Parser(const SourceGrammar& grammar, const config::Environment& environment) : grammar_(grammar), environment_(environment) {}

  Result<SourceFlags> parse(std::span<const std::string_view> args) {
    while (!args.empty()) {
      const std::string_view word = args.front();
      args = args.subspan(1);
      if (word == "--") {
        server_.command.assign(args.begin(), args.end());
        server_.environment = config::ChildEnvironment::whole;
        if (args.empty()) return unfit_source("nothing stands behind `--`; name the server's command, as in `-- npx -y some-server`");
        break;
      }
      if (const auto taken = take(word, args); !taken) return std::unexpected(taken.error());
    }
    return finish();
  }

 private:
  Result<void> take(std::string_view word, std::span<const std::string_view>& args) {
    const std::string_view flag = word.substr(0, word.find('='));
    if (has_word(plain, word) || has_word(grammar_.switches, word) || word == "-h") return take_plain(word);
    if (has_word(valued, flag) || has_word(grammar_.values, flag)) {
      std::string_view value = flag.size() < word.size() ? word.substr(flag.size() + 1) : std::string_view{};
      if (flag.size() == word.size() && !args.empty()) {
        value = args.front();
        args = args.subspan(1);
      }
      if (value.empty()) return unfit_source(fmt::format("`{}` needs a value", flag));
      last_ = flag;
      return take_value(flag, value);
    }
    if (!word.starts_with('-') && last_ == "--tools") {
      flags_.files.emplace_back(word);
      return {};
    }
    std::vector<std::string_view> known(valued.begin(), valued.end());
    known.insert(known.end(), plain.begin(), plain.end());
    known.insert(known.end(), grammar_.values.begin(), grammar_.values.end());
    known.insert(known.end(), grammar_.switches.begin(), grammar_.switches.end());
    return unfit_source(fmt::format("`callgate {}` does not understand `{}`{}", grammar_.command, word, did_you_mean(flag, known)));
  }

  Result<void> take_plain(std::string_view word) {
    last_ = word;
    if (has_word(grammar_.switches, word)) flags_.switches.push_back(word);
    if (word == "--trust-hints") flags_.hinting = classify::Hinting::trusted;
    if (word == "--help" || word == "-h") flags_.help = true;
    return {};
  }

  Result<void> take_value(std::string_view flag, std::string_view value) {
    if (has_word(grammar_.values, flag)) flags_.values[flag] = value;
    if (flag == "--tools") flags_.files.emplace_back(value);
    if (flag == "--client-config") flags_.client_config = value;
    if (flag == "--server") flags_.kept = value;
    if (flag == "--config") flags_.config = value;
    if (flag == "--data") {
      flags_.data = value;
      flags_.names_data = true;
    }
    if (flag == "--upstream") {
      server_.url = value;
      return config::check_url(value);
    }
    if (flag == "--name") {
      server_.name = value;
      flags_.named = true;
      if (!config::is_server_name(value)) return unfit_source(fmt::format("`--name`: `{}` is no server name; write up to 64 of A-Z a-z 0-9 _ . -", value));
    }
    if (flag == "--header") return take_header(value);
    if (flag == "--timeout") return take_timeout(value);
    return {};
  }

  Result<void> take_header(std::string_view value) {
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos) return unfit_source("`--header` is written 'NAME: VALUE'");
    const std::string_view name = value.substr(0, colon);
    std::string_view text = value.substr(colon + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (const auto good = config::check_header_name(name); !good) return good;
    auto read = config::read_header_value(name, text, {.folder = ".", .environment = environment_});
    if (!read) return std::unexpected(read.error());
    server_.headers.emplace_back(std::string(name), std::move(*read));
    return {};
  }

  Result<void> take_timeout(std::string_view value) {
    int seconds = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (problem != std::errc{} || end != value.data() + value.size() || seconds < 1 || seconds > 3600)
      return unfit_source(fmt::format("`--timeout` is a number of seconds from 1 to 3600, not `{}`", value));
    flags_.timeout = std::chrono::seconds(seconds);
    return {};
  }

  Result<SourceFlags> finish() {
    if (flags_.help) return flags_;
    const bool has_server = !server_.command.empty() || !server_.url.empty();
    const int sources = (server_.command.empty() ? 0 : 1) + (server_.url.empty() ? 0 : 1) + (flags_.client_config ? 1 : 0) + (flags_.files.empty() ? 0 : 1) + (flags_.kept ? 1 : 0);
    if (sources != 1) return unfit_source(fmt::format("say what to {}, one of: `-- CMD…`, `--upstream URL`, `--client-config FILE`, `--server NAME`, `--tools FILE…`", grammar_.verb));
    if (!server_.headers.empty() && server_.url.empty()) return unfit_source("`--header` goes with `--upstream`");
    if (flags_.named && flags_.client_config) return unfit_source("`--name` does not go with `--client-config`, which names its servers");
    if (flags_.named && flags_.kept) return unfit_source("`--server` is the server's name already: leave `--name` out");
    if (server_.name.empty()) server_.name = "default";
    flags_.server = server_;
    if (flags_.data.empty() && flags_.files.empty()) {
      auto folder = config::default_data_folder(environment_);
      if (!folder) return std::unexpected(folder.error());
      flags_.data = std::move(*folder);
    }
    if (!has_server && !flags_.named) flags_.server.reset();
    return flags_;
  }

  const SourceGrammar& grammar_;
  const config::Environment& environment_;
  SourceFlags flags_;
  config::Server server_;
  std::string_view last_;
};

}  // namespace

bool SourceFlags::has(std::string_view name) const { return has_word(switches, name); }

const std::string* SourceFlags::value(std::string_view flag) const {
  const auto found = values.find(flag);
  return found == values.end() ? nullptr : &found->second;
}

Result<SourceFlags> read_source_flags(const SourceGrammar& grammar, std::span<const std::string_view> args, const config::Environment& environment) {
  return Parser(grammar, environment).parse(args);
}

}  // namespace callgate::cli
