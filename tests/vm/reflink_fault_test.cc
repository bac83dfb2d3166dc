// SPDX-License-Identifier: Apache-2.0
// Over a file-reflink pool each call of a start, a stop and an import is made to fail in turn: a clear error,
// and a volume is as it was or as it should be.
#include <fcntl.h>

#include "support/fault_sweep.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
/// As many points as are of use in a short run.
constexpr unsigned long stride = 3;

class ReflinkFaultTest : public OnFileSystem<FaultTest> {
 protected:
  void create_vms() {
    create_template("debian");
    create_app("work", "debian");
    must({"vm", "start", "work"});
    put("work", "private", first_block, next_value());
    must({"vm", "stop", "work"});
  }
  /// A new value in each round, so that what was lost is noticed.
  char next_value() { return value_ = static_cast<char>(value_ == 'z' ? 'a' : value_ + 1); }
  [[nodiscard]] char value() const { return value_; }

  char committed(const std::string& file) {
    return read_block(open_file(state() / file, O_RDONLY), first_block);
  }
  void expect_nothing_runs(const std::string& what) {
    EXPECT_TRUE(eventually([&] { return picture_of_kernel(control()).empty(); })) << what;
  }

 private:
  char value_ = 'a';
};

TEST_P(ReflinkFaultTest, OfAStart) {
  create_vms();
  const Everything stopped = everything();
  fail_each_call(
      {.command = {"vm", "start", "work"},
       .prepare = [] {},
       .failed = [&](const Everything& before, const std::string& what) { expect_as(before, what); },
       .done =
           [&](const std::string& what) {
             EXPECT_EQ(get("work", "private", first_block), value()) << what;
             must({"vm", "stop", "work"});
             expect_as(stopped, what);
           },
       .stride = stride});
}

TEST_P(ReflinkFaultTest, OfAStop) {
  create_vms();
  const auto expect_committed = [&](const std::string& what) {
    expect_nothing_runs(what);
    EXPECT_EQ(committed("appvms/work/private.img"), value()) << what;
    must({"recover"});
    EXPECT_EQ(json({"volume", "revisions", "work:private"}).size(), 1u) << what;
  };
  fail_each_call({.command = {"vm", "stop", "work"},
                  .prepare =
                      [&] {
                        must({"vm", "start", "work"});
                        put("work", "private", first_block, next_value());
                      },
                  .failed =
                      [&](const Everything&, const std::string& what) {
                        must({"vm", "stop", "work"});
                        expect_committed(what);
                      },
                  .done = expect_committed,
                  .next = {"vm", "stop", "work"},
                  .stride = stride});
}

TEST_P(ReflinkFaultTest, OfAnImport) {
  create_vms();
  const Path input = scratch() / "input";
  char before = 0;
  fail_each_call(
      {.command = {"volume", "import", "work:private", input.native()},
       .prepare =
           [&] {
             before = committed("appvms/work/private.img");
             unlink_if_exists(input);
             write_all(open_file(input, O_WRONLY | O_CREAT | O_EXCL), std::string(1 << 20, next_value()),
                       input);
           },
       .failed =
           [&](const Everything&, const std::string& what) {
             must({"recover"});
             const char now = committed("appvms/work/private.img");
             EXPECT_TRUE(now == before || now == value()) << what << ": " << now;
             EXPECT_FALSE(path_exists(state() / "appvms/work/private-import.img")) << what;
             EXPECT_EQ(json({"volume", "revisions", "work:private"}).size(), 1u) << what;
           },
       .done =
           [&](const std::string& what) { EXPECT_EQ(committed("appvms/work/private.img"), value()) << what; },
       .stride = stride});
}

INSTANTIATE_TEST_SUITE_P(On, ReflinkFaultTest, testing::Values("xfs"), file_system_name);

}  // namespace
}  // namespace cowshed::test
