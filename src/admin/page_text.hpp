#pragma once

#include <string>
#include <string_view>

#include "admin/http.hpp"
#include "approval/question.hpp"

/// What a person reads at `/approve/<id>`: whole pages without a script, which
/// work in any browser. Pure.
namespace callgate::admin {

/// Asks for the operator's token. It says nothing of the question, not even
/// whether there is one.
ApiResponse sign_in_page(int status, std::string_view id, std::string_view note);

/// The question with all that would run, and the two buttons as long as it waits.
/// `proof` goes along with the answer; `note` says what became of one.
ApiResponse question_page(int status, const approval::Approval& approval, std::string_view proof, std::string_view note);

/// A page that says one sentence.
ApiResponse message_page(int status, std::string_view text);

/// To `target`, fetched anew: a reload answers nothing twice.
ApiResponse see_other(std::string target);

}  // namespace callgate::admin
