#include "replay/touch.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace rmem {
namespace {

constexpr std::size_t kPage = 4096;

/** Offsets of the bytes that were written to. */
std::vector<std::size_t> Touched(TouchKind kind, std::size_t offset, std::size_t bytes, bool zeroed = false) {
  alignas(kPage) static unsigned char memory[80 * kPage];
  std::memset(memory, 0, sizeof(memory));
  const Touch touch(kind);
  zeroed ? touch.NewZeroed(memory + offset, bytes) : touch.New(memory + offset, bytes);
  std::vector<std::size_t> touched;
  for (std::size_t i = 0; i < sizeof(memory); ++i) {
    if (memory[i] != 0) touched.push_back(i - offset);
  }
  return touched;
}

TEST(TouchTest, NoBytesAreNeverTouched) {
  for (const TouchKind kind : {TouchKind::kFirst, TouchKind::kPage, TouchKind::kAll, TouchKind::kNone}) {
    EXPECT_TRUE(Touched(kind, 16, 0).empty());
    EXPECT_TRUE(Touched(kind, 16, 0, /*zeroed=*/true).empty());
  }
}

TEST(TouchTest, NoneTouchesNothing) {
  EXPECT_TRUE(Touched(TouchKind::kNone, 16, 10'000).empty());
}

TEST(TouchTest, FirstTouchesOneByte) {
  EXPECT_EQ(Touched(TouchKind::kFirst, 16, 10'000), std::vector<std::size_t>{0});
}

TEST(TouchTest, AllTouchesEveryByte) {
  EXPECT_EQ(Touched(TouchKind::kAll, 100, 10'000).size(), 10'000u);
  EXPECT_EQ(Touched(TouchKind::kAll, 100, 1).size(), 1u);
}

TEST(TouchTest, PageTouchesTheFirstByteAndEachFurtherPageOnce) {
  for (const std::size_t offset : {std::size_t{0}, std::size_t{16}, kPage - 1, kPage / 2}) {
    for (const std::size_t bytes :
         {std::size_t{1}, std::size_t{2}, kPage - 1, kPage, kPage + 1, 10 * kPage, 70 * kPage + 5}) {
      const std::vector<std::size_t> touched = Touched(TouchKind::kPage, offset, bytes);
      std::set<std::size_t> pages;
      for (const std::size_t at : touched) {
        EXPECT_LT(at, bytes);
        pages.insert((offset + at) / kPage);
      }
      EXPECT_EQ(touched.front(), 0u);
      EXPECT_EQ(pages.size(), touched.size());
      EXPECT_EQ(pages.size(), (offset + bytes - 1) / kPage - offset / kPage + 1);
    }
  }
}

TEST(TouchTest, PageTouchesAnotherCacheLineInEachPage) {
  const std::vector<std::size_t> touched = Touched(TouchKind::kPage, 0, 65 * kPage);
  std::set<std::size_t> lines;
  for (std::size_t i = 1; i < touched.size(); ++i) lines.insert(touched[i] % kPage / 64);
  EXPECT_EQ(lines.size(), 64u);
}

TEST(TouchTest, WhatCameZeroedIsTouchedAtItsFirstByteOnly) {
  EXPECT_EQ(Touched(TouchKind::kPage, 16, 10'000, /*zeroed=*/true), std::vector<std::size_t>{0});
  EXPECT_EQ(Touched(TouchKind::kAll, 16, 10'000, /*zeroed=*/true).size(), 10'000u);
}

}  // namespace
}  // namespace rmem
