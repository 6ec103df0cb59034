#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/random.h"
#include "trace/workload_program.h"

namespace rmem {

/** A block of a generated trace that is alive: its number, size and the thread that made it. */
class GeneratedBlock {
 public:
  GeneratedBlock(std::uint64_t id, std::uint64_t bytes, std::uint32_t thread)
      : id_(id), packed_(bytes << kThreadBits | thread) {}

  std::uint64_t id() const { return id_; }
  std::uint64_t bytes() const { return packed_ >> kThreadBits; }
  std::uint32_t thread() const { return packed_ & ((1u << kThreadBits) - 1); }

 private:
  static constexpr int kThreadBits = 10;  // kMostThreads of workload_program.cc
  std::uint64_t id_;
  std::uint64_t packed_;
};

/** The members of one population that die by their order: any, the oldest, or the oldest epoch's. */
class GeneratedPopulation {
 public:
  explicit GeneratedPopulation(const PopulationProgram& program) : program_(program) {}

  const PopulationProgram& program() const { return program_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t size() const { return any_.size() + ordered_.size(); }

  /** @param epoch transactions begun so far */
  void Join(const GeneratedBlock& block, std::uint64_t epoch) {
    bytes_ += block.bytes();
    if (program_.death == Death::kRandom) {
      any_.push_back(block);
    } else {
      ordered_.push_back({block, epoch});
    }
  }

  /** Takes the member whose turn it is to die. The population has one. */
  GeneratedBlock Take(Random& random) {
    if (program_.death == Death::kRandom) {
      const std::size_t index = random.Below(static_cast<std::uint32_t>(any_.size()));
      const GeneratedBlock block = any_[index];
      any_[index] = any_.back();
      any_.pop_back();
      bytes_ -= block.bytes();
      return block;
    }
    const GeneratedBlock block = ordered_.front().block;
    ordered_.pop_front();
    bytes_ -= block.bytes();
    return block;
  }

  /** Of an ordered population that has a member. */
  const GeneratedBlock& oldest() const { return ordered_.front().block; }

  /** How many of the oldest, at most `most`, joined before `horizon` and lie above `targetBytes`. */
  std::size_t Collectable(std::uint64_t horizon, std::uint64_t targetBytes, std::size_t most) const {
    std::size_t count = 0;
    std::uint64_t left = bytes_;
    while (count < most && count < ordered_.size() && left > targetBytes && ordered_[count].epoch < horizon) {
      left -= ordered_[count++].block.bytes();
    }
    return count;
  }

 private:
  struct Ordered {
    GeneratedBlock block;
    std::uint64_t epoch;
  };

  const PopulationProgram& program_;
  std::uint64_t bytes_ = 0;
  std::vector<GeneratedBlock> any_;
  std::deque<Ordered> ordered_;
};

}  // namespace rmem
