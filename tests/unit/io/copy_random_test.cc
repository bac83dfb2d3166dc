// SPDX-License-Identifier: Apache-2.0
#include "copy_fixture.h"
#include "io/copy.h"
#include "support/seed.h"

namespace cowshed::io {
namespace {

using test::between;
using test::modelled;
using test::random_content;

constexpr Bytes file_size{3 * (1 << 20) + 777};

class RandomCopyTest : public test::CopyTest {
 protected:
  /// Extents that do not overlap in the target, in random order; their beginnings and lengths are whole
  /// `unit`s.
  std::vector<Extent> random_extents(std::uint64_t unit, std::uint64_t longest) {
    std::vector<Extent> extents;
    const std::uint64_t units = file_size.count / unit;
    for (std::uint64_t at = between(random_, 0, 8); at < units;) {
      const std::uint64_t length = std::min(between(random_, 1, longest), units - at);
      const bool follows = !extents.empty() && between(random_, 0, 2) == 0;
      const Bytes next = follows ? extents.back().source + extents.back().length
                                 : Bytes{between(random_, 0, units - length) * unit};
      const Bytes source = next + Bytes{length * unit} <= file_size ? next : Bytes{0};
      extents.push_back({source, {at * unit}, {length * unit}});
      at += length + (between(random_, 0, 1) == 0 ? 0 : between(random_, 1, longest));
    }
    if (between(random_, 0, 1) == 0) std::shuffle(extents.begin(), extents.end(), random_);
    return extents;
  }

  void random_options() {
    source_is_direct_ = between(random_, 0, 1) == 0;
    target_is_direct_ = between(random_, 0, 1) == 0;
    options_.depth = static_cast<unsigned>(between(random_, 0, 20));
    options_.memory = kibibytes(between(random_, 256, 8192));
    options_.zeroes = std::array{Zeroes::write, Zeroes::punch}[between(random_, 0, 1)];
    options_.zero_search = std::array{ZeroSearch::content, ZeroSearch::holes}[between(random_, 0, 1)];
  }

  /// Requests cut short and refused for the time being.
  void random_trouble() {
    watch_.meddle = [this](Request& request, std::size_t) -> std::optional<Completion> {
      if (request.op == Op::sync) return std::nullopt;
      switch (between(random_, 0, 5)) {
        case 0:
          return test::refusal(request, EAGAIN);
        case 1:
          return test::refusal(request, EINTR);
        case 2:
          if (request.op != Op::punch) request.length = {between(random_, 1, request.length.count)};
          return std::nullopt;
        default:
          return std::nullopt;
      }
    };
  }

  /// Zeros here and there.
  std::string patchy_content() {
    std::string content = random_content(file_size, random_());
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t at = between(random_, 0, content.size() - 1);
      const std::uint64_t length = std::min(between(random_, 1, 100'000), content.size() - at);
      content.replace(at, length, length, '\0');
    }
    return content;
  }

  /// Where it has whole blocks of zeros, some of them.
  void make_holes(const Path& file, const std::string& content) {
    constexpr std::uint64_t block = 4096;
    const Fd fd = open_file(file, O_RDWR);
    for (std::uint64_t at = 0; at + block <= content.size(); at += block)
      if (content.find_first_not_of('\0', at) >= at + block && between(random_, 0, 3) != 0)
        ::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), block);
  }

  void run_round() {
    const std::uint64_t unit = std::array{1U, 512U, 4096U}[between(random_, 0, 2)];
    const auto extents = random_extents(unit, (between(random_, 0, 1) == 0 ? 65'536 : 400'000) / unit + 1);
    const std::string from = patchy_content();
    const std::string to = random_content(file_size, random_());
    fill(source(), from);
    make_holes(source(), from);
    fill(target(), to);
    random_options();
    const auto report = copy(extents);
    ASSERT_TRUE(content(target()) == modelled(from, to, extents))
        << extents.size() << " extents of whole " << unit << ", source direct " << source_is_direct_
        << ", target direct " << target_is_direct_ << ", depth " << options_.depth;
    ASSERT_LE(report.memory, options_.memory);
  }

  std::mt19937_64 random_{test::seed()};
};

TEST_P(RandomCopyTest, LeavesWhatAPlainLoopLeaves) {
  for (int round = 0; round < 30; ++round) ASSERT_NO_FATAL_FAILURE(run_round()) << "round " << round;
}

TEST_P(RandomCopyTest, LeavesTheSameWhenRequestsAreCutShortAndRefusedForATime) {
  random_trouble();
  for (int round = 0; round < 20; ++round) ASSERT_NO_FATAL_FAILURE(run_round()) << "round " << round;
}

COWSHED_OVER_BOTH(RandomCopyTest);

}  // namespace
}  // namespace cowshed::io
