#include "net/redis_protocol.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <new>

namespace callgate::net {

namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

RedisReply value_of(const redisReply& reply) {
  using Kind = RedisReply::Kind;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER: return {.kind = Kind::integer, .integer = reply.integer};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return {.kind = Kind::text, .text = {reply.str, reply.len}};
    case REDIS_REPLY_ERROR: return {.kind = Kind::error, .text = {reply.str, reply.len}};
    case REDIS_REPLY_ARRAY: break;
    default: return {};
  }
  RedisReply list{.kind = Kind::list};
  list.items.reserve(reply.elements);
  // Not deep: the reader refuses replies of more than seven levels.
  for (std::size_t i = 0; i < reply.elements; ++i) list.items.push_back(value_of(*reply.element[i]));
  return list;
}

}  // namespace

void append_redis_command(std::string& out, std::span<const std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  texts.reserve(words.size());
  sizes.reserve(words.size());
  for (const std::string_view word : words) {
    texts.push_back(word.data() == nullptr ? "" : word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();  // the one way for it to fail
  out.append(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
}

RedisReplies::RedisReplies() : reader_(redisReaderCreate()) {
  if (reader_ == nullptr) throw std::bad_alloc();
}

RedisReplies::~RedisReplies() { redisReaderFree(reader_); }

void RedisReplies::feed(std::span<const char> bytes) {
  unread_ += bytes.size();
  redisReaderFeed(reader_, bytes.data(), bytes.size());
}

Result<std::optional<RedisReply>> RedisReplies::next() {
  void* object = nullptr;
  if (redisReaderGetReply(reader_, &object) != REDIS_OK)
    return fail(ErrorKind::malformed, fmt::format("the server's reply cannot be read: {}", reader_->errstr));
  if (object == nullptr) {
    if (unread_ > max_bytes) return fail(ErrorKind::too_large, "the server's reply is too large");
    return std::optional<RedisReply>();
  }
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(object));
  unread_ = reader_->len - reader_->pos;
  return value_of(*reply);
}

}  // namespace callgate::net
