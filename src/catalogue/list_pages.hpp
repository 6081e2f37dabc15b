#pragma once

#include <span>
#include <string>
#include <vector>

#include "catalogue/blocks.hpp"
#include "catalogue/tool_page.hpp"

namespace callgate::catalogue {

/// A server with the files of its tools, in the order of its list.
struct ServerView {
  const ServerInput* input = nullptr;
  std::string folder;              ///< name below the catalogue's
  std::vector<std::string> files;  ///< of each tool, without ending; empty: its name is no name
  std::vector<std::string> hashes;  ///< of each definition
  std::string classifier;
};

Page server_page(const ServerView& server);
std::string server_json(const ServerView& server);

Page index_page(std::span<const ServerView> servers);
std::string index_json(std::span<const ServerView> servers);
/// The whole as one text for models (llmstxt.org): no text of a server but names.
std::string llms_text(std::span<const ServerView> servers);

}  // namespace callgate::catalogue
