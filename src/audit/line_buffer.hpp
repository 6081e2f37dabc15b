#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "audit/line.hpp"

namespace callgate::audit {

/// Where journal lines are put together: bytes at the end of one block of memory
/// that is kept. Every call writes some forty members twice, so this appends
/// without looking at its room more than once a member. Threads: one.
class LineBuffer {
 public:
  explicit LineBuffer(std::size_t capacity) : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  std::string_view view() const { return {bytes_.get(), size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void drop_last() { --size_; }

  /// Bytes as they are.
  void raw(std::string_view bytes) { bytes.copy(room(bytes.size()), bytes.size()); }
  /// The same for words of ours, whose length the compiler knows.
  template <std::size_t size>
  void raw(const char (&text)[size]) { std::memcpy(room(size - 1), text, size - 1); }
  template <std::size_t size>
  void raw(const std::array<char, size>& bytes) { std::memcpy(room(size), bytes.data(), size); }
  void raw(char byte) { *room(1) = byte; }
  void number(std::uint64_t number) {
    char* first = room(20);
    size_ = static_cast<std::size_t>(std::to_chars(first, first + 20, number).ptr - bytes_.get());
  }
  /// A JSON string, cut at `max_text` bytes (at a character).
  void text(std::string_view text);
  /// `,"key":"text"`; `quoted_key` is `,"key":` ready to be copied.
  template <std::size_t size>
  void member(const char (&quoted_key)[size], std::string_view value) {
    constexpr std::size_t key_size = size - 1;
    if (value.size() > max_text) [[unlikely]] {
      raw(quoted_key);
      return text(value);
    }
    char* first = room(key_size + value.size() + 2);
    std::memcpy(first, quoted_key, key_size);
    first += key_size;
    *first = '"';
    first[value.size() + 1] = '"';
    if (!copy_plain(first + 1, value)) [[unlikely]] again(value);
  }

 private:
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    char* first = bytes_.get() + size_;
    size_ += bytes;
    return first;
  }
  void grow(std::size_t bytes);
  /// Whether all of it was its own JSON form.
  static bool copy_plain(char* to, std::string_view text);
  /// Instead of what copy_plain() wrote last, with its quotes.
  [[gnu::cold]] void again(std::string_view text);
  [[gnu::cold]] void escaped(std::string_view text);

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace callgate::audit
