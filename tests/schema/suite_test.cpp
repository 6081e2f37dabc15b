// The official JSON-Schema-Test-Suite (tests/schema/suite, see its README).

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

#include "schema/schema.hpp"

namespace callgate::schema::suite_test {
namespace {

struct SkippedFile {
  std::string_view file;
  std::string_view reason;
};

constexpr std::array<SkippedFile, 4> skipped_files = {{
    {"draft2020-12/vocabulary.json", "custom vocabularies are not supported"},
    {"draft2020-12/dynamicRef.json", "`$dynamicRef` is refused when compiling"},
    {"draft2020-12/refRemote.json", "schemas are never fetched"},
    {"draft7/refRemote.json", "schemas are never fetched"},
}};

// Groups in other files that need a schema which stands outside: each must be
// refused when compiling, with `$ref` named.
constexpr std::string_view outside_reason = "`$ref` to the metaschema or another file, which is never fetched";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Tally {
  int files = 0;
  int cases = 0;
  int outside = 0;
  std::set<std::string> skipped;
};

void run_group(json::Value group, Dialect dialect, const std::string& file, Tally& tally) {
  const std::string title = file + ": " + group.find("description")->string();
  const json::Value tests = *group.find("tests");
  const auto schema = Schema::compile(*group.find("schema"), {.default_dialect = dialect});
  if (!schema) {
    EXPECT_TRUE(schema.error().message.starts_with("`$ref` leads outside")) << title << ": " << schema.error().message << " at "
                                                                                << schema.error().where;
    tally.outside += static_cast<int>(tests.size());
    tally.skipped.insert(fmt::format("{} ({} cases): {}", title, tests.size(), outside_reason));
    return;
  }
  for (const json::Value test : tests.elements()) {
    ++tally.cases;
    const auto failure = (*schema)->validate(*test.find("data"));
    EXPECT_EQ(!failure.has_value(), test.find("valid")->boolean())
        << title << ": " << test.find("description")->string()
        << (failure ? " -- " + failure->keyword + " at " + failure->schema_path : "");
  }
}

Tally run_folder(const std::string& name, Dialect dialect) {
  Tally tally;
  const auto folder = std::filesystem::path(CALLGATE_SOURCE_DIR) / "tests/schema/suite" / name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string file = name + "/" + entry.path().filename().string();
    const auto* skip = std::ranges::find(skipped_files, file, &SkippedFile::file);
    if (skip != skipped_files.end()) {
      tally.skipped.insert(fmt::format("{}: {}", file, skip->reason));
      continue;
    }
    ++tally.files;
    const auto document = json::OwnedDocument::parse(read(entry.path()), {.check_number_range = false});
    EXPECT_TRUE(document.has_value()) << file;
    if (!document) continue;
    for (const json::Value group : (*document)->root().elements()) run_group(group, dialect, file, tally);
  }
  fmt::print("{}: {} cases in {} files judged, {} cases need an outside schema\n", name, tally.cases, tally.files,
             tally.outside);
  for (const std::string& skipped : tally.skipped) fmt::print("  skipped {}\n", skipped);
  return tally;
}

struct Folder {
  const char* name;
  const char* path;
  Dialect dialect;
  int files;    // judged
  int cases;    // judged
  int outside;  // not judged: an outside schema is needed
};

class OfficialSuite : public testing::TestWithParam<Folder> {};

/// Protocol item 30.
TEST_P(OfficialSuite, IsJudgedRightInEveryCase) {
  const Tally tally = run_folder(GetParam().path, GetParam().dialect);
  EXPECT_EQ(tally.files, GetParam().files);
  EXPECT_EQ(tally.cases, GetParam().cases);
  EXPECT_EQ(tally.outside, GetParam().outside);
}

INSTANTIATE_TEST_SUITE_P(Schema, OfficialSuite, testing::Values(
    Folder{"draft_2020_12", "draft2020-12", Dialect::draft2020_12, 45, 1087, 21},
    Folder{"draft_2020_12_optional", "draft2020-12/optional", Dialect::draft2020_12, 8, 139, 1},
    Folder{"draft_07", "draft7", Dialect::draft7, 38, 836, 4},
    Folder{"draft_07_optional", "draft7/optional", Dialect::draft7, 5, 96, 0}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace callgate::schema::suite_test
