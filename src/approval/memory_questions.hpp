#pragma once

#include "approval/desk.hpp"
#include "approval/questions.hpp"
#include "base/random.hpp"

namespace callgate::approval {

/// The questions of one gateway, at a desk in its memory: every answer is there
/// at once, and they go when the gateway goes. So do seals, unless `seal_with` is
/// given a key that stays. Threads: those of the desk.
class MemoryQuestions final : public Questions {
 public:
  explicit MemoryQuestions(Desk& desk) : desk_(desk) { random_bytes(seal_key_); }
  void seal_with(const SealKey& key) { seal_key_ = key; }

  net::Task<Result<Asked>> ask(Question question, Listener listener, Moment now) override {
    return net::Task<Result<Asked>>::ready(desk_.ask(std::move(question), std::move(listener), now));
  }
  net::Task<Result<Approval>> use(Waiter& waiter, Binding binding, Moment now) override {
    return net::Task<Result<Approval>>::ready(desk_.use(waiter, binding, now));
  }
  net::Task<Result<Approval>> answer(std::string id, Answer answer, std::string by, std::string reason, Moment now) override {
    return net::Task<Result<Approval>>::ready(desk_.answer(id, answer, std::move(by), std::move(reason), now));
  }
  net::Task<Result<std::optional<Approval>>> find(std::string id, Moment now) override {
    desk_.expire(now);
    const Approval* found = desk_.find(id);
    return net::Task<Result<std::optional<Approval>>>::ready(found == nullptr ? std::nullopt : std::optional(*found));
  }
  net::Task<Result<std::vector<Approval>>> list(std::optional<State> state, Moment now) override {
    desk_.expire(now);
    std::vector<Approval> all;
    for (const Approval* each : desk_.list(state)) all.push_back(*each);
    return net::Task<Result<std::vector<Approval>>>::ready(std::move(all));
  }
  net::Task<Result<std::size_t>> waiting(Moment now) override {
    desk_.expire(now);
    return net::Task<Result<std::size_t>>::ready(desk_.waiting());
  }
  net::Task<Result<SealKey>> seal_key(Moment /*now*/) override { return net::Task<Result<SealKey>>::ready(seal_key_); }
  void expire(Moment now) override { desk_.expire(now); }
  bool outlive_gateway() const override { return false; }

 private:
  Desk& desk_;
  SealKey seal_key_{};
};

}  // namespace callgate::approval
