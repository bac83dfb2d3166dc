// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "support/own_memory.h"

namespace cowshed {
namespace {

using test::disguised;
using test::disguised_hex;
using test::own_memory_holds;

TEST(SecretTest, ItIsNeverTheSameTwice) {
  EXPECT_NE(Secret::random(64).hex(), Secret::random(64).hex());
  EXPECT_EQ(Secret::random(64).bytes().size(), 64u);
}

TEST(SecretTest, NothingOfItIsLeftInMemory) {
  std::string known;
  {
    Secret secret = Secret::random(64);
    known = disguised(secret.bytes());
    EXPECT_TRUE(own_memory_holds(known)) << "the search finds what is there";
    const Secret moved = std::move(secret);
    EXPECT_TRUE(own_memory_holds(known));
  }
  EXPECT_FALSE(own_memory_holds(known));
}

TEST(SecretTest, NoTextThatHeldItIsLeftInMemory) {
  std::string known;
  {
    const Secret secret = Secret::random(64);
    known = disguised_hex(disguised(secret.bytes()));
    SecretText text = "cipher ";
    text += secret.hex();
    const SecretText copy = text;
    for (int i = 0; i < 1000; ++i) text += "it grows, and moves";
    EXPECT_TRUE(own_memory_holds(known)) << "the search finds what is there";
  }
  EXPECT_FALSE(own_memory_holds(known));
}

TEST(SecretTest, AsHexItIsItsBytes) {
  const Secret secret = Secret::random(3);
  const auto byte = [&](std::size_t i) {
    return static_cast<std::byte>(std::stoul(std::string(secret.hex().substr(2 * i, 2)), nullptr, 16));
  };
  EXPECT_EQ(secret.hex().size(), 6u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(byte(i), secret.bytes()[i]);
}

TEST(SecretTest, AChildDoesNotGetIt) {
  const Secret secret = Secret::random(64);
  const std::byte* const at = secret.bytes().data();
  const pid_t child = ::fork();
  if (child == 0) {
    // The kernel refuses to write from memory that is not there.
    int ends[2];
    const bool is_there = ::pipe(ends) == 0 && ::write(ends[1], at, 64) == 64;
    ::_exit(is_there ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cowshed
