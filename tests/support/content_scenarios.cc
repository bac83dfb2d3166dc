// SPDX-License-Identifier: Apache-2.0
#include "support/content_scenarios.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <set>

namespace cowshed::test {

namespace {

constexpr Bytes first_block{0};
constexpr Bytes far_block = kibibytes(3 << 10);
constexpr std::array both_blocks{first_block, far_block};

Picture without(const Picture& all, const Picture& some) {
  Picture rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

/// Revisions of the driver file-reflink without number and time.
Picture ContentScenarios::files() {
  Picture files = picture_of_files(state(), Detail::names);
  for (std::string& line : files) {
    const auto at = line.find(".img."), number = at == std::string::npos ? at : at + 5;
    const auto time = number == std::string::npos ? number : line.find_first_not_of("0123456789", number);
    if (time == std::string::npos || time == number || line[time] != '@') continue;
    const auto end = line.find_first_not_of("0123456789-:TZ", time + 1);
    line.replace(number, end == std::string::npos ? end : end - number, "REVISION");
  }
  // As it was, sorted.
  std::ranges::sort(files);
  return files;
}

void ContentScenarios::create_template_with_revision() {
  create_template("debian");
  commit('a');
  commit('b');
  remember_files();
}

void ContentScenarios::create_vms() {
  create_template_with_revision();
  create_app("work", "debian");
  remember_files();
  must({"vm", "start", "work"});
  session_files_ = without(files(), files_);
}

void ContentScenarios::create_vms_with_policy(const std::string& policy) {
  create_vms();
  must({"volume", "set", "debian:root", "write_policy", policy});
}

void ContentScenarios::create_draft() {
  create_app("draft", "debian");
  must({"volume", "set", "draft:root", "keep_changes", "true"});
  remember_files();
}

void ContentScenarios::keep_no_revision() {
  must({"volume", "set", "debian:root", "revisions_to_keep", "0"});
  commit('n');
  remember_files();
}

void ContentScenarios::remember_files() { files_ = without(files(), session_files_); }

void ContentScenarios::write_all_of(const std::string& vm, char value) {
  for (const Bytes at : both_blocks) put(vm, "root", at, value);
}

void ContentScenarios::commit(char value) {
  must({"vm", "start", "debian"});
  write_all_of("debian", value);
  must({"vm", "stop", "debian"});
}

char ContentScenarios::committed(const std::string& vm) {
  must({"vm", "start", vm});
  const char value = get(vm, "root", first_block);
  EXPECT_EQ(get(vm, "root", far_block), value);
  must({"vm", "stop", vm});
  return value;
}

void ContentScenarios::expect_work_unchanged(const std::string& what) {
  if (session_files_.empty()) return;
  for (const Bytes at : both_blocks) EXPECT_EQ(get("work", "root", at), 'b') << what;
}

void ContentScenarios::expect_nothing_else(const std::string& what) {
  expect_work_unchanged(what);
  expect_order(what);
  EXPECT_EQ(without(files(), session_files_), files_) << what;
}

void ContentScenarios::expect_revert_to(char value, const std::string& what) {
  must({"volume", "revert", "debian:root"});
  EXPECT_EQ(committed(), value) << what;
}

ContentScenarios::Scenario ContentScenarios::commit_session() {
  return {.command = {"vm", "stop", "debian"},
          .prepare =
              [this] {
                must({"vm", "start", "debian"});
                write_all_of("debian", 'c');
                sync_path(node("debian", "root"));
              },
          .check =
              [this](const std::string& what) {
                EXPECT_EQ(committed(), 'c') << what;
                expect_revert_to('b', what);
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::commit_session_keeping_none() {
  Scenario scenario = commit_session();
  scenario.check = [this](const std::string& what) {
    EXPECT_EQ(committed(), 'c') << what;
    expect_nothing_else(what);
  };
  return scenario;
}

ContentScenarios::Scenario ContentScenarios::revert() {
  return {.command = {"volume", "revert", "debian:root"},
          .prepare = [] {},
          .check =
              [this](const std::string& what) {
                const char now = committed();
                must({"volume", "revert", "debian:root"});
                const std::set<char> both{now, committed()};
                EXPECT_EQ(both, (std::set<char>{'a', 'b'})) << what;
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::import() {
  const Path file = scratch() / "new";
  write_all(open_file(file, O_WRONLY | O_CREAT, 0600), std::string(mebibytes(5).count, 'n'), file);
  return {.command = {"volume", "import", "debian:root", file.native()},
          .prepare = [this] { commit('o'); },
          .check =
              [this, file](const std::string& what) {
                const char now = committed();
                EXPECT_TRUE(now == 'o' || now == 'n') << what << ": " << now;
                if (now == 'o') must({"volume", "import", "debian:root", file.native()});
                EXPECT_EQ(committed(), 'n') << what;
                expect_revert_to('o', what);
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::clone() {
  const Command command{"vm", "clone", "debian", "copy"};
  return {.command = command,
          .prepare = [] {},
          .check =
              [this, command](const std::string& what) {
                retry(command, "exists already", what);
                EXPECT_EQ(committed("copy"), 'b') << what;
                must({"vm", "remove", "copy"});
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::grow() {
  const Command command{"volume", "resize", "debian:root", "5M"};
  return {.command = command,
          .prepare =
              [this] {
                must({"volume", "resize", "debian:root", "4M", "--shrink"});
                must({"vm", "start", "debian"});
                write_all_of("debian", 'c');
              },
          .check =
              [this, command](const std::string& what) {
                must(command);
                put("debian", "root", kibibytes(4608), 'c');
                must({"vm", "stop", "debian"});
                EXPECT_EQ(committed(), 'c') << what;
                EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 5u << 20) << what;
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::shrink() {
  const Command command{"volume", "resize", "debian:root", "1M", "--shrink"};
  return {.command = command,
          .prepare = [] {},
          .check =
              [this, command](const std::string& what) {
                must(command);
                EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 1u << 20) << what;
                expect_revert_to('b', what);
                EXPECT_EQ(json({"volume", "info", "debian:root"}).at("size"), 4u << 20) << what;
                expect_nothing_else(what);
              }};
}

/// It sees 'n' in both blocks and has written the first itself; then its template gets another state.
void ContentScenarios::write_in_outdated_draft() {
  commit('n');
  must({"vm", "start", "draft"});
  put("draft", "root", first_block, 'n');
  commit('o');
}

void ContentScenarios::discard_draft() {
  must({"vm", "start", "draft"});
  must({"vm", "stop", "draft", "--discard"});
}

void ContentScenarios::check_promoted(const std::string& what) {
  const char now = committed();
  EXPECT_TRUE(now == 'o' || now == 'n') << what << ": " << now;
  if (now == 'o') must({"volume", "promote", "draft:root"});
  EXPECT_EQ(committed(), 'n') << what;
  expect_revert_to('o', what);
}

ContentScenarios::Scenario ContentScenarios::promote_stopped() {
  return {.command = {"volume", "promote", "draft:root"},
          .prepare =
              [this] {
                commit('o');
                must({"vm", "start", "draft"});
                write_all_of("draft", 'n');
                must({"vm", "stop", "draft"});
              },
          .check =
              [this](const std::string& what) {
                check_promoted(what);
                discard_draft();
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::promote_running() {
  return {.command = {"volume", "promote", "draft:root"},
          .prepare = [this] { write_in_outdated_draft(); },
          .check =
              [this](const std::string& what) {
                check_promoted(what);
                for (const Bytes at : both_blocks) EXPECT_EQ(get("draft", "root", at), 'n');
                must({"vm", "stop", "draft", "--discard"});
                expect_nothing_else(what);
              }};
}

ContentScenarios::Scenario ContentScenarios::keep() {
  return {.command = {"vm", "stop", "draft"},
          .prepare = [this] { write_in_outdated_draft(); },
          .check =
              [this](const std::string& what) {
                must({"vm", "stop", "draft"});
                check_promoted(what);
                discard_draft();
                expect_nothing_else(what);
              }};
}

}  // namespace cowshed::test
