#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/attacks.hpp"
#include "catalogue/blocks.hpp"
#include "catalogue/facts.hpp"
#include "catalogue/parameters.hpp"
#include "generate/mode_verdicts.hpp"

namespace callgate::catalogue {

/// A tool of the same list.
struct Sibling {
  const classify::Classification* tool = nullptr;
  std::string file;  ///< without ending
  bool same_work = false;  ///< its name is about the same thing, with another verb
};

/// Everything that a tool's page and its twins say, before it is any form.
struct ToolView {
  const ServerFacts* server = nullptr;
  const classify::Classification* tool = nullptr;
  const generate::Rule* rule = nullptr;  ///< null: it can have none
  const KeptFacts* kept = nullptr;       ///< null: nothing is known of pins
  std::string title;
  std::string description;
  std::string hash;         ///< `sha256:…` of the definition
  std::string annotations;  ///< as sent
  bool has_output_schema = false;
  std::vector<ParameterRow> parameters;
  std::size_t arguments = 0;  ///< how many its input schema names
  std::size_t required = 0;   ///< of them
  std::vector<const Attack*> attacks;
  std::optional<generate::ModeVerdicts> mode_verdicts;  ///< where the tool has modes and a rule
  std::string policy;       ///< YAML that holds the rule and its tests, loadable as it is
  std::string file;         ///< without ending
  std::vector<Sibling> siblings;   ///< the nearest; those of the same work first, then by category
  std::size_t listed = 0;          ///< tools of the list
  std::vector<std::string> servers;  ///< all that list this name
  std::string classifier;
};

/// The page of one tool: a pure function.
Page tool_page(const ToolView& view);

/// Its JSON twin: everything that the page says.
std::string tool_json(const ToolView& view);

/// `confident, 0.93`
std::string confidence_words(const classify::Classification& tool);
/// Whether too little is known to say what it does.
bool is_unknown(const classify::Classification& tool);
/// Whether its texts or its name may be there to mislead: whoever reads them, or a model.
bool is_suspicious(const classify::Classification& tool);
/// What a name is about: itself without its verb, as far as the evidence shows that. Empty where nothing is left.
std::string subject_of(const classify::Classification& tool);
/// The first sentence of a description.
std::string first_sentence(std::string_view description);
Line badges_of(const classify::Classification& tool);

}  // namespace callgate::catalogue
