// SPDX-License-Identifier: Apache-2.0
// Each call of creating and removing is made to fail in turn: a clear error, nothing left behind, and the
// next try works.
#include <fcntl.h>

#include "support/fault_sweep.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};

class FaultCreateTest : public FaultTest {};

const Command create_work{"vm",     "create",     "work",   "--template", "debian",
                          "--size", "private=2M", "--size", "volatile=2M"};

TEST_F(FaultCreateTest, OfCreate) {
  create_template("debian");
  const auto remove = [&](const std::string&) { must({"vm", "remove", "work"}); };
  fail_each_call({.command = create_work,
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        must(create_work);
                        remove(what);
                      },
                  .done = remove});
}

TEST_F(FaultCreateTest, OfCreateWithARootImage) {
  const Path image = scratch() / "image";
  create_sparse(image, mebibytes(2));
  write_all(open_file(image, O_WRONLY), "root image", image);
  const Command create{"vm", "create", "debian", "--root-image", image.native(), "--size", "private=2M"};
  create_template("other");
  const auto remove = [&](const std::string& what) {
    const std::string content = read_file(state() / "vm-templates/debian/root.img", mebibytes(4));
    EXPECT_EQ(content.substr(0, 10), "root image") << what;
    EXPECT_EQ(content.size(), mebibytes(2).count) << what;
    must({"vm", "remove", "debian"});
  };
  fail_each_call({.command = create,
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        must(create);
                        remove(what);
                      },
                  .done = remove});
}

TEST_F(FaultCreateTest, OfRemove) {
  create_template("debian");
  const Everything without = everything();
  const auto expect_removed = [&](const std::string& what) { expect_as(without, what); };
  fail_each_call({.command = {"vm", "remove", "work"},
                  .prepare =
                      [&] {
                        if (!path_exists(state() / "vms/work.json")) must(create_work);
                      },
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        // It is still there, or the removal is finished by the next command that changes
                        // something.
                        if (everything() == before) return;
                        must({"recover"});
                        expect_removed(what);
                      },
                  .done = expect_removed});
}

TEST_F(FaultCreateTest, OfRunThrowaway) {
  create_template("debian");
  must(create_work);
  must({"vm", "start", "work"});
  put("work", "private", first_block, 'p');
  must({"vm", "stop", "work"});
  const Everything before_all = everything();
  const auto stop = [&](const std::string& what) {
    EXPECT_EQ(get("once", "private", first_block), 'p') << what;
    must({"vm", "stop", "once"});
    expect_as(before_all, what);
  };
  const Command run{"vm", "run-throwaway", "work", "once", "--quiet"};
  fail_each_call({.command = run,
                  .prepare = [] {},
                  .failed =
                      [&](const Everything& before, const std::string& what) {
                        expect_as(before, what);
                        must(run);
                        stop(what);
                      },
                  .done = stop});
}

TEST_F(FaultCreateTest, OfStoppingAThrowaway) {
  create_template("debian");
  must(create_work);
  const Everything before_all = everything();
  fail_each_call(
      {.command = {"vm", "stop", "once"},
       .prepare =
           [&] {
             must({"vm", "run-throwaway", "work", "once", "--quiet"});
           },
       .failed =
           [&](const Everything&, const std::string& what) {
             // Where its data is gone in part, the next command that changes something removes the rest, and
             // then does not find it.
             const Outcome again = cowshed({"vm", "stop", "once"});
             EXPECT_TRUE(again.ok() || again.err.find("there is no vm 'once'") != std::string::npos)
                 << what << ": " << again.text();
             expect_as(before_all, what);
           },
       .done = [&](const std::string& what) { expect_as(before_all, what); }});
}

}  // namespace
}  // namespace cowshed::test
