#pragma once

#include <span>

#include "admin/api.hpp"

/// What the files of the API share; nobody else includes it.
namespace callgate::admin {

struct Api::Route {
  std::string_view method;
  std::vector<std::string_view> path;  ///< `*` stands for one segment, handed on in order
  std::vector<std::string_view> query; ///< the keys it knows; any other is refused
  Answering (Api::*answer)(const Call&);
};

struct Api::Call {
  const ApiRequest& request;
  const Target& target;
  std::vector<std::string_view> segments;  ///< what the `*` of the route stood for

  std::string_view query(std::string_view key) const;  ///< empty where absent
};

/// A JSON object body that holds strings under known keys and nothing else; an
/// empty body is `{}`. Answers the values in the order of `keys`, empty where absent.
Result<std::vector<std::string>> read_text_members(std::string_view body, std::span<const std::string_view> keys);

}  // namespace callgate::admin
