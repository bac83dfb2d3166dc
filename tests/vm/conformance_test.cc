// SPDX-License-Identifier: Apache-2.0
// One suite for every driver: each row of the storage model, each promise, each refusal. Drivers differ by
// their capabilities and by nothing else. The tests are in conformance/; here is who conforms.
#include <algorithm>
#include <string>

#include "support/conformance_fixture.h"

namespace cowshed::test {
namespace {

Subject of(const std::string& driver, const std::string& file_system = "") {
  return {driver + (file_system.empty() ? "" : " on " + file_system),
          [driver]() -> const pools::Driver& { return pools::find_driver(driver); }, file_system};
}

const pools::Driver& example() { return pools::load_plugin(COWSHED_PLUGINS "/copies.so"); }

const auto subjects = testing::Values(of("file"), of("file-reflink", "xfs"), of("file-reflink", "btrfs"),
                                      Subject{"copies (plug-in)", example, ""}, of("linux-kernel"));

std::string subject_name(const testing::TestParamInfo<Subject>& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return c == '(' || c == ')'; });
  std::ranges::replace_if(
      name, [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Drivers, ConformanceTest, subjects, subject_name);
INSTANTIATE_TEST_SUITE_P(Drivers, SessionConformance, subjects, subject_name);

}  // namespace
}  // namespace cowshed::test
