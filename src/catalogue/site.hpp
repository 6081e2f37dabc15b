#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "catalogue/facts.hpp"

namespace callgate::catalogue {

/// Takes one file: its path below the catalogue's folder, and its bytes.
using Sink = std::function<void(const std::string& path, std::string_view bytes)>;

/// Writes the whole catalogue: `index.html index.json llms.txt page.js search.js style.css`, for each
/// server `<server>/index.html index.json policy.yaml`, for each tool `<tool>.html .json .yaml`.
/// Pure: the same input gives the same bytes. Paths never lead out of the folder.
void write_site(std::span<const ServerInput> servers, std::string_view classifier, const Sink& sink);

}  // namespace callgate::catalogue
