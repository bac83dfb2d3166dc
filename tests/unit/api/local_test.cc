// SPDX-License-Identifier: Apache-2.0
#include "api/local.h"

#include <nlohmann/json.hpp>

#include "api/json.h"
#include "unit/app/app_fixture.h"

namespace cowshed::api {
namespace {

using nlohmann::json;
using test::error_of;

class LocalTest : public test::AppTest {
 protected:
  Local& api() {
    if (!local_) local_ = std::make_unique<Local>(options());
    return *local_;
  }
  ~LocalTest() override { local_.reset(); }

  static VmCreate creation_of(const std::string& name) {
    VmCreate request;
    request.vm = name;
    return request;
  }

  void create_two() {
    api().call(creation_of("t"));
    VmCreate work = creation_of("work");
    work.template_name = "t";
    api().call(work);
  }

 private:
  std::unique_ptr<Local> local_;
};

/// A request that changes something keeps the lock; one that reads must not wait for its own process.
TEST_F(LocalTest, ReadingAfterWritingWorks) {
  create_two();
  EXPECT_EQ(api().call(VmList{}).size(), 2u);
}

TEST_F(LocalTest, DevicesHaveThePromisedShape) {
  create_two();
  const auto results = api().call(VmStart{.vms = {"work"}});
  ASSERT_EQ(results.size(), 1u);
  ASSERT_FALSE(results[0].error) << results[0].error->message();
  const auto devices = json::parse(to_json(results[0].devices));
  const auto path = (locations_.run / "dev/work/root").native();
  EXPECT_EQ(devices[0],
            json::parse(R"({"vm":"work","name":"root","node":"/dev/fake/appvms/work/root","major":254,
      "minor":7,"rw":true,"devtype":"disk","domain":null,"path":")" +
                        path + "\"}"));
}

TEST_F(LocalTest, AVmThatIsNotThereDoesNotHoldTheOthers) {
  create_two();
  const auto results = api().call(VmStart{.vms = {"nosuch", "work", "a b", "work"}});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].error->kind(), ErrorKind::not_found);
  EXPECT_FALSE(results[1].error);
  EXPECT_EQ(results[2].error->kind(), ErrorKind::invalid_argument);
}

TEST_F(LocalTest, BadSizesAreRefusedAndChangeNothing) {
  for (const char* size : {"0", "-5", "1.5G", "10X", "513", "", "99999999999G"}) {
    VmCreate request = creation_of("t");
    request.sizes["root"] = size;
    const auto error = error_of([&] { api().call(request); });
    ASSERT_TRUE(error) << size;
    EXPECT_EQ(error->kind(), ErrorKind::invalid_argument) << error->message();
  }
  EXPECT_TRUE(names_in(directory_).empty());
}

TEST_F(LocalTest, ErrorsAreJsonWithKindMessageAndErrno) {
  const Error error = Error(ErrorKind::in_use, "line\n\"two\"", 16).at("/a");
  EXPECT_EQ(
      json::parse(to_json(error)),
      json::parse(R"({"error":{"kind":"in_use","message":"line\n\"two\"","errno":16,"pointer":"/a"}})"));
}

TEST_F(LocalTest, BytesThatAreNoUtf8DoNotBreakTheJson) {
  EXPECT_TRUE(json::accept(to_json(Error(ErrorKind::not_found, "file \xff\xfe"))));
}

TEST_F(LocalTest, AVolumeNameWithoutAVmIsRefused) {
  test::expect_error(ErrorKind::invalid_argument, [&] { api().call(VolumeInfoRequest{.volume = "root"}); });
  test::expect_error(ErrorKind::invalid_argument,
                     [&] { api().call(VolumeInfoRequest{.volume = "../x:root"}); });
}

}  // namespace
}  // namespace cowshed::api
