// SPDX-License-Identifier: Apache-2.0
#include "io/stream.h"

#include <unistd.h>

#include <csignal>
#include <thread>

#include "files_fixture.h"
#include "io/data_extents.h"

namespace cowshed::io {
namespace {

class StreamTest : public test::FilesTest {
 protected:
  StreamTest() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) throw Error::from_errno(errno, "pipe2");
    out_ = Fd(ends[0]);
    in_ = Fd(ends[1]);
    // As the program does.
    ::signal(SIGPIPE, SIG_IGN);
  }
  ~StreamTest() override { ::signal(SIGPIPE, SIG_DFL); }

  /// What comes out of the pipe while `write` puts it in.
  template <typename Write>
  std::string piped(Write write) {
    std::string got;
    std::thread reader([&] {
      char buffer[8192];
      for (ssize_t n; (n = ::read(out_.get(), buffer, sizeof buffer)) > 0;)
        got.append(buffer, static_cast<std::size_t>(n));
    });
    write();
    in_ = Fd();
    reader.join();
    return got;
  }
  Bytes read_into_target(const std::string& content, const CopyProgress& progress = nullptr) {
    std::thread writer([this, content] {
      // In odd pieces.
      for (std::size_t at = 0; at < content.size();) {
        const ssize_t n =
            ::write(in_.get(), content.data() + at, std::min<std::size_t>(777, content.size() - at));
        if (n <= 0) break;
        at += static_cast<std::size_t>(n);
      }
      in_ = Fd();
    });
    const Fd to = create_sparse(target(), Bytes{0});
    Bytes size;
    try {
      size = read_stream(out_.get(), "pipe", End(to, target()), progress);
    } catch (...) {
      out_ = Fd();
      writer.join();
      throw;
    }
    writer.join();
    return size;
  }

  Fd out_, in_;
};

TEST_F(StreamTest, data_and_the_zeros_between_come_out_in_order) {
  const std::string a = test::random_content(Bytes{5000}, 1), b = test::random_content(Bytes{70'001}, 2);
  std::string expected(3'000'000, '\0');
  expected.replace(4096, a.size(), a).replace(2'000'000, b.size(), b);
  fill(source(), expected);
  const Fd from = open_file(source(), O_RDONLY);
  const auto extents = [] {
    return stream_of(
        {{Bytes{4096}, Bytes{4096}, Bytes{5000}}, {Bytes{2'000'000}, Bytes{2'000'000}, Bytes{70'001}}});
  };
  EXPECT_EQ(piped([&] {
              write_stream(extents(), End(from, source()), Bytes{expected.size()}, in_.get(), "pipe",
                           nullptr);
            }),
            expected);
}

TEST_F(StreamTest, what_lies_behind_the_end_is_left_out) {
  fill(source(), std::string(10'000, 'x'));
  const Fd from = open_file(source(), O_RDONLY);
  EXPECT_EQ(piped([&] {
              write_stream(stream_of({{Bytes{0}, Bytes{0}, Bytes{10'000}}}), End(from, source()), Bytes{1234},
                           in_.get(), "pipe", nullptr);
            }),
            std::string(1234, 'x'));
}

TEST_F(StreamTest, a_source_that_ends_too_early_is_an_error) {
  fill(source(), std::string(1000, 'x'));
  const Fd from = open_file(source(), O_RDONLY);
  piped([&] {
    test::expect_error(ErrorKind::corrupt_image, [&] {
      write_stream(stream_of({{Bytes{0}, Bytes{0}, Bytes{2000}}}), End(from, source()), Bytes{2000},
                   in_.get(), "pipe", nullptr);
    });
  });
}

TEST_F(StreamTest, a_reader_that_has_gone_away_is_an_error) {
  fill(source(), std::string(1000, 'x'));
  const Fd from = open_file(source(), O_RDONLY);
  out_ = Fd();
  const auto failure = test::error_of([&] {
    write_stream(stream_of({{Bytes{0}, Bytes{0}, Bytes{1000}}}), End(from, source()), Bytes{1000}, in_.get(),
                 "pipe", nullptr);
  });
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error_number(), EPIPE);
}

TEST_F(StreamTest, what_is_read_is_what_was_given_and_zeros_are_holes) {
  std::string content(8 << 20, '\0');
  const std::string data = test::random_content(Bytes{100'000}, 3);
  content.replace(5'000'000, data.size(), data);
  content += "end";
  EXPECT_EQ(read_into_target(content), Bytes{content.size()});
  EXPECT_EQ(FilesTest::content(target()), content);
  EXPECT_LE(allocated(target()), mebibytes(3));
}

TEST_F(StreamTest, nothing_given_is_an_empty_file) {
  EXPECT_EQ(read_into_target(""), Bytes{0});
  EXPECT_EQ(FilesTest::content(target()), "");
}

TEST_F(StreamTest, what_the_progress_throws_ends_it) {
  test::expect_error(ErrorKind::interrupted, [&] {
    read_into_target(std::string(4 << 20, 'x'), [](Bytes) { throw Error(ErrorKind::interrupted, "enough"); });
  });
}

TEST_F(StreamTest, progress_reaches_all_of_it) {
  Bytes last;
  read_into_target(std::string(3'000'001, 'x'), [&](Bytes done) { last = done; });
  EXPECT_EQ(last, Bytes{3'000'001});
}

}  // namespace
}  // namespace cowshed::io
