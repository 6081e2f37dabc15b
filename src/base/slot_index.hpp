#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace callgate {

/// Finds slots of a table by hash: open addressing with linear probing, no
/// allocation but for growing. The table keeps the keys and compares them.
class SlotIndex {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// The slot under `hash` for which `is_it(slot)`; else none.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    if (entries_.empty()) return none;
    for (std::size_t i = home(hash);; i = next(i)) {
      const Entry& entry = entries_[i];
      if (entry.slot == none) return none;
      if (entry.hash == hash && is_it(entry.slot)) return entry.slot;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t slot) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    put({hash, slot});
    ++size_;
  }

  /// pre: it is there.
  void erase(std::uint64_t hash, std::uint32_t slot) {
    std::size_t hole = home(hash);
    while (entries_[hole].slot != slot || entries_[hole].hash != hash) hole = next(hole);
    // Entries behind the hole that may stand in it move up, so that no probe ends early.
    for (std::size_t i = next(hole); entries_[i].slot != none; i = next(i)) {
      const std::size_t from_home = (i - home(entries_[i].hash)) & mask();
      const std::size_t from_hole = (i - hole) & mask();
      if (from_home < from_hole) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole] = {};
    --size_;
  }

  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t slot = none;
  };

  std::size_t mask() const { return entries_.size() - 1; }
  std::size_t home(std::uint64_t hash) const { return static_cast<std::size_t>(hash ^ (hash >> 32U)) & mask(); }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }

  void put(Entry entry) {
    std::size_t i = home(entry.hash);
    while (entries_[i].slot != none) i = next(i);
    entries_[i] = entry;
  }

  void grow() {
    std::vector<Entry> old(entries_.empty() ? 16 : entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.slot != none) put(entry);
    }
  }

  std::vector<Entry> entries_;  ///< a power of two
  std::size_t size_ = 0;
};

}  // namespace callgate
