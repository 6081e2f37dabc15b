#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.hpp"
#include "base/json.hpp"

/// What an expression computes with. Values are small and never own anything:
/// texts and containers stay where they are, in the call's bytes, in the
/// expression or with the caller. Threads: plain values.
namespace callgate::cel {

/// The types of CEL that JSON has. Its three types of numbers are one here: a
/// number is the exact decimal that it spells, so nothing is ever rounded.
enum class Kind : std::uint8_t { null, boolean, number, text, list, map, fault };

/// "a number", "text", … as messages say it.
std::string_view called(Kind kind);

/// Why an expression has no value. A fault is a value that passes upwards,
/// except where `&&` and `||` are decided by their other side.
enum class Reason : std::uint8_t {
  absent,        ///< a member that is not there
  not_known,     ///< a variable that the caller cannot tell
  wrong_kind,    ///< the operator does not take what it got
  no_condition,  ///< neither true nor false where that is asked for
  not_alike,     ///< an order between different kinds
  no_such_item,  ///< an index outside its list
  too_much_work,
  odd_number,    ///< a number whose exponent no number has
};

struct Constant;

class Value {
 public:
  /// A stretch of the values that an evaluation made.
  struct Made {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct Fault {
    Reason reason = Reason::absent;
    Kind left = Kind::fault;   ///< kinds of what was looked at; `fault` where there was nothing
    Kind right = Kind::fault;
    std::uint32_t node = 0;    ///< which part of the expression
  };
  enum class Source : std::uint8_t { own, constant, document, made };

  Value() : text_() {}  ///< null
  static Value boolean(bool truth) { Value v(Kind::boolean); v.truth_ = truth; return v; }
  static Value count(std::int64_t number) { Value v(Kind::number); v.number_ = number; return v; }
  static Value text(std::string_view text) { Value v(Kind::text); v.text_ = text; return v; }
  static Value constant(const Constant& constant);
  static Value document(json::Value value);
  static Value made(Made items) { Value v(Kind::list, Source::made); v.made_ = items; return v; }
  static Value fault(Fault fault) { Value v(Kind::fault); v.fault_ = fault; return v; }

  Kind kind() const { return kind_; }
  Source source() const { return source_; }
  bool is_fault() const { return kind_ == Kind::fault; }
  bool is(bool truth) const { return kind_ == Kind::boolean && truth_ == truth; }
  bool truth() const { return truth_; }          ///< pre: boolean
  const Fault& fault() const { return fault_; }  ///< pre: fault
  json::Value json() const { return json_; }     ///< pre: source is document
  const Constant& constant() const { return *constant_; }  ///< pre: source is constant
  Made made() const { return made_; }            ///< pre: source is made
  std::string_view own_text() const { return text_; }   ///< pre: text of source own
  std::int64_t own_number() const { return number_; }   ///< pre: number of source own

 private:
  explicit Value(Kind kind, Source source = Source::own) : kind_(kind), source_(source), text_() {}

  Kind kind_ = Kind::null;
  Source source_ = Source::own;
  bool truth_ = false;
  union {
    std::string_view text_;
    json::Value json_;
    const Constant* constant_;
    std::int64_t number_;
    Made made_;
    Fault fault_;
  };
};

/// A value that stands in the expression itself.
struct Constant {
  Kind kind = Kind::null;
  bool truth = false;
  Decimal number;
  std::string text;
  std::vector<Value> items;  ///< constants of the same expression
};

}  // namespace callgate::cel
