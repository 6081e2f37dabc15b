#include "config/run_flags.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "config/fake_environment.hpp"
#include "config/text_file.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::config::run_flags_test {
namespace {

/// Splits at blanks; `_` stands for a blank within an argument.
ParsedFlags parse(Command command, const std::string& line) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; in >> word;) {
    std::ranges::replace(word, '_', ' ');
    words.push_back(word);
  }
  const std::vector<std::string_view> views(words.begin(), words.end());
  return parse_run_flags(command, views, FakeEnvironment());
}

std::string faults_of(const ParsedFlags& parsed) {
  std::string text;
  for (const Error& each : parsed.faults) text += each.message + "\n";
  return text;
}

TEST(RunFlagsTest, AChildOnStdio) {
  const auto parsed = parse(Command::run, "--policy valkey.yaml -- uvx awslabs.valkey-mcp-server --flag -- x");
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  const Config& config = parsed.flags->config;
  ASSERT_EQ(config.servers.size(), 1U);
  EXPECT_EQ(config.servers[0].name, "default");
  EXPECT_EQ(config.servers[0].policy, "valkey.yaml");
  EXPECT_EQ(config.servers[0].command, (std::vector<std::string>{"uvx", "awslabs.valkey-mcp-server", "--flag", "--", "x"}));
  EXPECT_TRUE(config.listen.empty());
  EXPECT_EQ(config.auth, Auth::none);
  EXPECT_EQ(config.data, "/home/me/.local/share/callgate");
  EXPECT_EQ(config.audit.folder, "/home/me/.local/share/callgate/journal");
}

TEST(RunFlagsTest, AServerOverHttpWithASecretHeader) {
  const auto parsed =
      parse(Command::run, "--policy=b.yaml --upstream https://host/mcp --header Authorization:_Bearer_${env:TOKEN} --name billing --audit /j");
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  const Server& server = parsed.flags->config.servers.at(0);
  EXPECT_EQ(server.name, "billing");
  EXPECT_EQ(server.url, "https://host/mcp");
  ASSERT_EQ(server.headers.size(), 1U);
  EXPECT_EQ(server.headers[0].first, "Authorization");
  EXPECT_EQ(server.headers[0].second.reveal(), "Bearer s3cret");
  EXPECT_EQ(parsed.flags->config.audit.folder, "/j");
  EXPECT_FALSE(parsed.flags->config.audit.shapes);
}

TEST(RunFlagsTest, ShapesOfArgumentsOnRecordAreAskedFor) {
  for (const Command command : {Command::run, Command::serve}) {
    const auto parsed = parse(command, "--policy p --audit-shapes -- x");
    ASSERT_TRUE(parsed.flags) << faults_of(parsed);
    EXPECT_TRUE(parsed.flags->config.audit.shapes);
  }
}

TEST(RunFlagsTest, HowTheServersToolsAreJudged) {
  const auto file = std::filesystem::temp_directory_path() / ("callgate-classes-" + std::to_string(::getpid()) + ".yaml");
  ASSERT_TRUE(write_text(file, "classes: {echo: {risk: High, reason: it leaks, definition: \"sha256:" + std::string(64, 'a') + "\"}}\n"));
  const auto parsed = parse(Command::run, "--policy p --trust-hints --classes " + file.string() + " -- x");
  ASSERT_TRUE(parsed.flags);
  EXPECT_TRUE(parsed.flags->config.servers[0].trust_hints);
  ASSERT_EQ(parsed.flags->config.servers[0].classes.size(), 1U);
  EXPECT_EQ(parsed.flags->config.servers[0].classes[0].risk, "High");
  ASSERT_TRUE(write_text(file, "clases: {}\n"));
  EXPECT_FALSE(parse(Command::run, "--policy p --classes " + file.string() + " -- x").flags) << "a key that nobody reads is a fault";
  std::filesystem::remove(file);
  const auto missing = parse(Command::run, "--policy p --classes " + file.string() + " -- x");
  EXPECT_FALSE(missing.flags);
  EXPECT_TRUE(missing.unreadable);
}

TEST(RunFlagsTest, ServingOverHttp) {
  const auto parsed = parse(Command::serve,
                            "--policy p.yaml --listen 127.0.0.1:0 --listen [::1]:0 --upstream http://127.0.0.1:9000/mcp --data /d "
                            "--auth grants --ready-file /r --ready-fd 3 --admin 127.0.0.1:8809 --public-url https://g/");
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  const RunFlags& flags = *parsed.flags;
  EXPECT_EQ(flags.config.listen.size(), 2U);
  EXPECT_EQ(flags.config.auth, Auth::grants);
  EXPECT_EQ(flags.config.data, "/d");
  EXPECT_EQ(flags.config.audit.folder, "/d/journal");
  EXPECT_EQ(flags.config.admin_listen->port, 8809);
  EXPECT_EQ(flags.config.public_url, "https://g");
  EXPECT_EQ(flags.ready_file, "/r");
  EXPECT_EQ(flags.ready_fd, 3);
  EXPECT_FALSE(flags.from_store);
}

TEST(RunFlagsTest, ServingListensOnLoopbackUnlessToldOtherwise) {
  const auto parsed = parse(Command::serve, "--policy p -- x");
  ASSERT_TRUE(parsed.flags);
  EXPECT_EQ(parsed.flags->config.listen.at(0).text(), "127.0.0.1:8808");
  EXPECT_EQ(parsed.flags->config.auth, Auth::none);
  const auto outside = parse(Command::serve, "--policy p --listen 0.0.0.0:80 --public-url https://g --host g.lan --host Other:81 -- x");
  ASSERT_TRUE(outside.flags) << faults_of(outside);
  EXPECT_EQ(outside.flags->config.auth, Auth::grants);
  EXPECT_EQ(outside.flags->config.hosts, (std::vector<std::string>{"g.lan", "other:81"}));
}

TEST(RunFlagsTest, ServingWithoutAServerMeansThoseOfTheStore) {
  const auto parsed = parse(Command::serve, "--data /d");
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  EXPECT_TRUE(parsed.flags->from_store);
  EXPECT_TRUE(parsed.flags->config.servers.empty());
}

TEST(RunFlagsTest, HelpLooksAtNothingElse) {
  for (const char* line : {"--help --listen", "-h --listen", "--policy p -h"}) {
    const auto parsed = parse(Command::run, line);
    ASSERT_TRUE(parsed.flags) << line;
    EXPECT_TRUE(parsed.flags->help) << line;
  }
  EXPECT_FALSE(parse(Command::run, "--policy p -- x -h").flags->help);
}

struct Fault {
  const char* name;
  Command command;
  const char* line;
  const char* faults;
};

class UsageFault : public testing::TestWithParam<Fault> {};

constexpr Command run = Command::run;
constexpr Command serve = Command::serve;

INSTANTIATE_TEST_SUITE_P(
    RunFlags, UsageFault,
    testing::Values(
        Fault{"nothing", run, "",
              "`callgate run` needs a server: `--upstream URL`, or its command behind `--`\n"},
        Fault{"no_server", serve, "--policy p", "`callgate serve` needs a server: `--upstream URL`, or its command behind `--`\n"},
        Fault{"no_command", run, "--policy p --", "nothing stands behind `--`; name the server's command, as in `-- npx -y some-server`\n"},
        Fault{"both", run, "--policy p --upstream http://h/ -- x", "both `--upstream` and a command behind `--` are given; keep one\n"},
        Fault{"unknown", run, "--polcy p --policy p -- x", "`callgate run` has no flag `--polcy`; did you mean `--policy`?\n"},
        Fault{"of_serve", run, "--policy p --listen 127.0.0.1:1 -- x", "`--listen` is a flag of `callgate serve`\n"},
        Fault{"word", run, "--policy p x", "`x` is not understood; the server's command stands behind `--`\n"},
        Fault{"no_value", run, "--policy -- x", "`--policy` needs a value: `--policy FILE`\n"},
        Fault{"twice", run, "--policy p --policy q -- x", "`--policy` stands twice; keep one\n"},
        Fault{"literal_authorization", run, "--policy p --upstream http://h/ --header Authorization:_Bearer_pw",
              "`--header`: a literal `Authorization` can be read by others; put the secret into a variable or file and write "
              "`Bearer ${env:NAME}` or `Bearer ${file:PATH}`\n"},
        Fault{"literal_authorization_folded", run, "--policy p --upstream http://h/ --header aUTHORIZATION:x",
              "`--header`: a literal `Authorization` can be read by others; put the secret into a variable or file and write "
              "`Bearer ${env:NAME}` or `Bearer ${file:PATH}`\n"},
        Fault{"header_shape", run, "--policy p --upstream http://h/ --header X-A",
              "`--header` must be `NAME: VALUE`, as in `--header 'Authorization: Bearer ${env:TOKEN}'`\n"},
        Fault{"header_twice", run, "--policy p --upstream http://h/ --header X-A:b --header x-a:c",
              "`--header`: `x-a` is given twice; header names ignore case, keep one\n"},
        Fault{"header_of_child", run, "--policy p --header X-A:b -- x", "`--header` goes with `--upstream` only\n"},
        Fault{"header_unset", run, "--policy p --upstream http://h/ --header X-A:${env:NOPE}",
              "`--header`: the environment variable `NOPE` is not set\n"},
        Fault{"url", run, "--policy p --upstream h/mcp",
              "`--upstream`: a URL begins with `http://` or `https://`, as in `https://host.example/mcp`\n"},
        Fault{"name", run, "--policy p --name a/b -- x", "`--name`: `a/b` is no server name; write up to 64 of A-Z a-z 0-9 _ . -\n"},
        Fault{"fd", run, "--policy p --ready-fd x -- x", "`--ready-fd` must be the number of an open file descriptor, not `x`\n"},
        Fault{"fd_of_the_client", run, "--policy p --ready-fd 1 -- x", "`--ready-fd`: 0 and 1 belong to the client of `callgate run`; open another\n"},
        Fault{"listen", serve, "--policy p --listen x -- x",
              "`--listen`: `x` is no address; write HOST:PORT, as in `127.0.0.1:8808` or `[::1]:8808`\n"},
        Fault{"auth", serve, "--policy p --auth all -- x", "`--auth` must be `none` or `grants`, not `all`\n"},
        Fault{"oauth", serve, "--policy p --auth oauth -- x", "`--auth oauth` is not supported yet by this version; use `grants`\n"},
        Fault{"host", serve, "--policy p --host *.example -- x",
              "`--host`: `*.example` is no host; write `gate.example` or `gate.example:8808`, without wildcards\n"},
        Fault{"no_public_url", serve, "--policy p --listen 127.0.0.1:80 --listen [::]:80 -- x",
              "off loopback `public_url` (`--public-url URL`) is needed: the address that clients see, as in `https://gate.example`\n"},
        Fault{"auth_none_outside", serve, "--policy p --auth none --listen 0.0.0.0:80 --public-url https://g -- x",
              "`auth: none` is for loopback only, and `0.0.0.0:80` can be reached from elsewhere; use `auth: grants` (`--auth grants`)\n"},
        Fault{"one_port", serve, "--policy p --listen 127.0.0.1:80 --admin 127.0.0.1:80 -- x",
              "administration and agents never share a port; give `admin.listen` another than 80\n"},
        Fault{"config_and_policy", serve, "--config c --policy p --upstream http://h/",
              "`--policy` does not go with `--config`; the file says it\n"
              "`--upstream` does not go with `--config`; the file says it\n"},
        Fault{"config_and_command", run, "--config c -- x", "a command behind `--` does not go with `--config`; the file names the servers\n"}),
    [](const auto& row) { return row.param.name; });

TEST_P(UsageFault, IsNamedWithItsRemedy) {
  const auto parsed = parse(GetParam().command, GetParam().line);
  EXPECT_EQ(faults_of(parsed), GetParam().faults);
  EXPECT_TRUE(parsed.usage);
  EXPECT_FALSE(parsed.flags);
}

/// A config file with two servers that the flags point to.
class ConfigFlag : public testing::Test {
 protected:
  ParsedFlags parse_with_file(Command command, const std::string& text, std::vector<std::string_view> more = {}) {
    const std::string file = folder_.write("callgate.yaml", text);
    EXPECT_EQ(::chmod(file.c_str(), 0644), 0);
    std::vector<std::string_view> args{"--config", file};
    args.insert(args.end(), more.begin(), more.end());
    return parse_run_flags(command, args, FakeEnvironment());
  }

  static constexpr auto two = "servers:\n  a: {url: http://h, policy: a.yaml}\n  b: {url: http://h, policy: b.yaml}\n";
  TemporaryFolder folder_;
};

TEST_F(ConfigFlag, FlagsStandOverTheFile) {
  const auto parsed = parse_with_file(serve, two, {"--listen", "127.0.0.1:0", "--data", "/d", "--auth", "grants"});
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  EXPECT_EQ(parsed.flags->config.servers.size(), 2U);
  EXPECT_EQ(parsed.flags->config.listen.at(0).port, 0);
  EXPECT_EQ(parsed.flags->config.data, "/d");
  EXPECT_EQ(parsed.flags->config.audit.folder, "/d/journal");
  EXPECT_EQ(parsed.flags->config.auth, Auth::grants);
  EXPECT_TRUE(parsed.flags->from_store);
  EXPECT_EQ(parsed.flags->config.servers[0].policy, folder_.path() / "a.yaml");
}

TEST_F(ConfigFlag, AFlagCannotOpenWhatTheFileClosed) {
  const std::string closed = std::string("auth: none\npublic_url: https://g\n") + two;
  const auto parsed = parse_with_file(serve, closed, {"--listen", "0.0.0.0:80"});
  EXPECT_FALSE(parsed.flags);
  EXPECT_TRUE(parsed.usage);
  EXPECT_EQ(faults_of(parsed), "`auth: none` is for loopback only, and `0.0.0.0:80` can be reached from elsewhere; use `auth: grants` (`--auth grants`)\n");
  EXPECT_EQ(parsed.faults.at(0).where, "");
}

TEST_F(ConfigFlag, TheDefaultOfAuthFollowsTheAddressThatIsListenedOn) {
  const std::string open = std::string("public_url: https://g\n") + two;
  const auto outside = parse_with_file(serve, open, {"--listen", "0.0.0.0:80"});
  ASSERT_TRUE(outside.flags) << faults_of(outside);
  EXPECT_EQ(outside.flags->config.auth, Auth::grants);
  const auto inside = parse_with_file(serve, "listen: 0.0.0.0:80\n" + open, {"--listen", "127.0.0.1:80"});
  ASSERT_TRUE(inside.flags) << faults_of(inside);
  EXPECT_EQ(inside.flags->config.auth, Auth::none);
}

TEST_F(ConfigFlag, AFlagMendsWhatTheFileAloneWouldLack) {
  const auto parsed = parse_with_file(serve, std::string("listen: 0.0.0.0:80\n") + two, {"--public-url", "https://g"});
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  EXPECT_EQ(parsed.flags->config.public_url, "https://g");
}

TEST_F(ConfigFlag, AnAddressOffLoopbackIsJudgedAlsoWhenAFlagGivesIt) {
  const auto parsed = parse_with_file(serve, two, {"--listen", "0.0.0.0:80"});
  EXPECT_FALSE(parsed.flags);
  EXPECT_TRUE(parsed.usage);
  EXPECT_EQ(faults_of(parsed),
            "off loopback `public_url` (`--public-url URL`) is needed: the address that clients see, as in `https://gate.example`\n");
}

TEST_F(ConfigFlag, HostsOfFlagsStandBesideThoseOfTheFile) {
  const auto parsed = parse_with_file(serve, std::string("hosts: [a]\n") + two, {"--host", "b"});
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  EXPECT_EQ(parsed.flags->config.hosts, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ConfigFlag, RunTakesOneServerOfTheFile) {
  const auto one = parse_with_file(run, two, {"--name", "b"});
  ASSERT_TRUE(one.flags) << faults_of(one);
  ASSERT_EQ(one.flags->config.servers.size(), 1U);
  EXPECT_EQ(one.flags->config.servers[0].name, "b");
  EXPECT_TRUE(one.flags->config.listen.empty());
  EXPECT_NE(faults_of(parse_with_file(run, two)).find("choose one with `--name NAME`"), std::string::npos);
  EXPECT_NE(faults_of(parse_with_file(run, two, {"--name", "c"})).find("has no server `c`"), std::string::npos);
}

TEST_F(ConfigFlag, FaultsOfTheFileAreNoUsageFaults) {
  const auto parsed = parse_with_file(serve, "auth: x\nfoo: 1\n");
  EXPECT_FALSE(parsed.flags);
  EXPECT_FALSE(parsed.usage);
  ASSERT_EQ(parsed.faults.size(), 2U);
  EXPECT_TRUE(parsed.faults[0].where.ends_with("callgate.yaml:1:7")) << parsed.faults[0].where;
}

TEST_F(ConfigFlag, AFileThatIsNotThereIsNoUsageFault) {
  const std::vector<std::string_view> args{"--config", "/nonexistent/callgate.yaml"};
  const auto parsed = parse_run_flags(serve, args, FakeEnvironment());
  EXPECT_FALSE(parsed.usage);
  EXPECT_TRUE(parsed.unreadable);
  EXPECT_FALSE(parse_with_file(serve, "auth: x\n").unreadable);
}

TEST_F(ConfigFlag, AServerOfTheFileMayHaveNoPolicyYet) {
  const auto parsed = parse_with_file(serve, "servers:\n  a: {url: http://h}\n");
  ASSERT_TRUE(parsed.flags) << faults_of(parsed);
  EXPECT_EQ(parsed.flags->config.servers.at(0).policy, "");
}

}  // namespace
}  // namespace callgate::config::run_flags_test
