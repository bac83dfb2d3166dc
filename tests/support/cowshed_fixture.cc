// SPDX-License-Identifier: Apache-2.0
#include "support/cowshed_fixture.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cstdlib>

namespace cowshed::test {

namespace {

Path program(const std::string& name = "cowshed") {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace

void CowshedTest::SetUp() {
  VmTest::SetUp();
  if (IsSkipped()) return;
  ASSERT_TRUE(path_exists(program())) << program() << " is not built";
}

void CowshedTest::TearDown() {
  if (IsSkipped()) return;
  if (path_exists(state())) {
    Command stop{"vm", "stop"};
    for (const auto& vm : json({"vm", "list"}))
      if (vm.at("state") != "stopped") stop.push_back(vm.at("name"));
    if (stop.size() > 2) must(stop);
  }
  VmTest::TearDown();
}

Environment CowshedTest::environment() {
  return {{"COWSHED_STATE", state().native()}, {"COWSHED_RUN", run_directory().native()}};
}

Outcome CowshedTest::cowshed(const Command& command, const Environment& more) {
  const bool is_other = command.at(0).starts_with("./");
  std::vector<std::string> words{program(is_other ? command[0].substr(2) : "cowshed").native()};
  words.insert(words.end(), command.begin() + (is_other ? 1 : 0), command.end());
  Environment variables = environment();
  variables.insert(more.begin(), more.end());
  return run_program(words, variables);
}

Outcome CowshedTest::shell(const std::string& line) {
  Environment variables = environment();
  variables["PATH"] = program().parent_path().native() + ":" + std::getenv("PATH");
  return run_program({"bash", "-o", "pipefail", "-c", line}, variables);
}

std::string CowshedTest::must(const Command& command) {
  const Outcome outcome = cowshed(command);
  std::string text = "cowshed";
  for (const auto& word : command) text += " " + word;
  EXPECT_TRUE(outcome.ok()) << text << ": " << outcome.text();
  return outcome.out;
}

nlohmann::json CowshedTest::json(Command command) {
  command.insert(command.begin(), "--json");
  return nlohmann::json::parse(must(command));
}

CowshedTest::Faulted CowshedTest::cowshed_with(const Fault& fault, const Command& command) {
  const Path report = scratch() / "fault-report";
  unlink_if_exists(report);
  Faulted result{cowshed(command, environment_for(fault, report)), {}};
  result.report = read_report(report);
  return result;
}

void CowshedTest::create_template(const std::string& name) {
  must({"vm", "create", name, "--size", "root=4M", "--size", "private=2M", "--size", "volatile=2M"});
}
void CowshedTest::create_app(const std::string& name, const std::string& template_name) {
  must({"vm", "create", name, "--template", template_name, "--size", "private=2M", "--size", "volatile=2M"});
}
void CowshedTest::create_standalone(const std::string& name) {
  must({"vm", "create", name, "--standalone", "--size", "root=4M", "--size", "private=2M", "--size",
        "volatile=2M"});
}

Path CowshedTest::node(const std::string& vm, const std::string& volume) {
  return std::filesystem::read_symlink(run_directory() / "dev" / vm / volume);
}

void CowshedTest::lose_devices(const std::string& vm) {
  for (const auto& device : json({"vm", "devices", vm})) {
    const auto gone = shell(
        fmt::format("dmsetup remove --force $(dmsetup info -c --noheadings -o name --major {} --minor {})",
                    device.at("major").get<unsigned>(), device.at("minor").get<unsigned>()));
    ASSERT_TRUE(gone.ok()) << gone.text();
  }
}

void CowshedTest::put(const std::string& vm, const std::string& volume, Bytes at, char value) {
  write_block(open_direct(node(vm, volume), O_RDWR), at, value);
}

char CowshedTest::get(const std::string& vm, const std::string& volume, Bytes at) {
  return read_block(open_direct(node(vm, volume), O_RDONLY), at);
}

CowshedTest::Everything CowshedTest::everything(Detail detail) {
  return {picture_of_kernel(control()), picture_of_files(state(), detail),
          picture_of_files(run_directory(), Detail::names)};
}

void CowshedTest::expect_as(const Everything& before, const std::string& what, Detail detail) {
  Everything now;
  if (eventually([&] { return (now = everything(detail)) == before; })) return;
  EXPECT_EQ(now.kernel, before.kernel) << what;
  EXPECT_EQ(now.files, before.files) << what;
  EXPECT_EQ(now.links, before.links) << what;
  // So that the next comparison shows what comes next.
  cowshed({"recover"});
}

void expect_one_error_line(const Outcome& outcome, const std::string& what) {
  const auto lines = lines_of(outcome.err);
  EXPECT_EQ(lines.size(), 1U) << what << ": " << outcome.text();
  if (lines.empty()) return;
  EXPECT_TRUE(lines.front().starts_with("cowshed: ")) << what << ": " << outcome.text();
}

}  // namespace cowshed::test
