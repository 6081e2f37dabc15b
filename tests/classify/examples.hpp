#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "classify/world.hpp"

namespace callgate::classify {

/// The rows of a table beside the tests, as columns; missing ones are empty.
inline std::vector<std::vector<std::string>> rows_of(const std::string& name) {
  std::ifstream file(CALLGATE_SOURCE_DIR "/tests/classify/" + name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> columns;
    std::istringstream in(line);
    for (std::string column; std::getline(in, column, '\t');) columns.push_back(column);
    columns.resize(5);
    rows.push_back(columns);
  }
  return rows;
}

inline std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

/// `name:type`, `name=a|b` or `name*what it is` as a member of `properties`.
inline std::string property(const std::string& written) {
  const std::size_t mark = written.find_first_of(":=*");
  const std::string name = json::quoted(written.substr(0, mark));
  const std::string rest = written.substr(mark + 1);
  if (written[mark] == ':') return name + R"(:{"type":")" + rest + "\"}";
  if (written[mark] == '*') return name + R"(:{"type":"string","description":)" + json::quoted(rest) + "}";
  std::string values;
  for (const std::string& each : split(rest, '|')) values += (values.empty() ? "" : ",") + json::quoted(each);
  return name + R"(:{"type":"string","enum":[)" + values + "]}";
}

/// The answer for a tool of a table: parameters and siblings as the tables write them.
inline Classification judged(const std::string& name, const std::string& description, const std::string& parameters, const std::string& siblings = "") {
  std::string properties;
  for (std::string each : split(parameters, ' ')) {
    // A described parameter holds blanks: it is the last and takes the rest.
    const bool described = each.find('*') != std::string::npos;
    if (described) each = parameters.substr(parameters.find(each));
    properties += (properties.empty() ? "" : ",") + property(each);
    if (described) break;
  }
  std::string list = "[" + tool(name, description, properties);
  // `@readOnlyHint`: an annotation of a server that is trusted.
  if (siblings.starts_with('@')) {
    list.insert(list.size() - 1, R"(,"annotations":{")" + siblings.substr(1, siblings.find('=') - 1) + "\":" + siblings.substr(siblings.find('=') + 1) + "}");
    return first_of(list + "]", Hinting::trusted);
  }
  for (const std::string& sibling : split(siblings, ',')) list += "," + tool(sibling, "");
  return first_of(list + "]");
}

}  // namespace callgate::classify
