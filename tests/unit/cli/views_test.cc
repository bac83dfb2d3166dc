// SPDX-License-Identifier: Apache-2.0
// How tree, status and the lists look: at 80 columns, with and without UTF-8 and colours.
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "cli/dot.h"
#include "cli/pool_view.h"
#include "cli/status_view.h"
#include "cli/tree_view.h"
#include "cli/volume_view.h"
#include "support/process.h"

namespace cowshed::cli {
namespace {

constexpr Terminal plain{.utf8 = false, .colour = false, .width = 80};
constexpr Terminal drawn{.utf8 = true, .colour = false, .width = 80};
constexpr Terminal coloured{.utf8 = true, .colour = true, .width = 80};

api::LayerInfo layer(const std::string& role, const std::string& device, const std::string& node) {
  api::LayerInfo info;
  info.role = role;
  info.device = device;
  info.node = node;
  return info;
}

api::VolumeInfo volume(const std::string& vm, const std::string& name, const std::string& kind) {
  api::VolumeInfo info;
  info.vm = vm;
  info.name = name;
  info.kind = kind;
  info.pool = "varlib";
  info.size = gibibytes(10);
  info.usage = mebibytes(1234);
  info.is_running = true;
  return info;
}

api::VmInfo vm(const std::string& name, const std::string& kind, const std::string& above = "") {
  api::VmInfo info;
  info.name = name;
  info.kind = kind;
  info.state = "running";
  if (!above.empty()) info.template_name = above;
  return info;
}

/// A template with two views of its root, and an app VM on the older one.
std::vector<api::VmInfo> two_vms() {
  auto root = volume("debian", "root", "origin");
  root.is_dirty = true;
  auto newest = layer("view", "cowshed:varlib:vm-templates:debian:root:view3@1d2a44", "/dev/dm-6");
  newest.generation = 3;
  newest.size = gibibytes(10);
  newest.stands_on = {"loop0"};
  newest.marks = {"newest", "committed"};
  auto image = layer("image", "loop0", "/dev/loop0");
  image.file = "/var/lib/cowshed/vm-templates/debian/root.img";
  image.used = mebibytes(1234);
  auto older = layer("view", "cowshed:varlib:vm-templates:debian:root:view2@1d2a44", "/dev/dm-0");
  older.generation = 2;
  older.size = gibibytes(10);
  older.used = kibibytes(768);
  older.stands_on = {newest.device, "loop5"};
  older.shared_by = {"mail:root"};
  auto cow = layer("cow", "loop5", "/dev/loop5");
  cow.used = kibibytes(708);
  root.layers = {newest, image, older, cow};
  root.revisions = {{"old", std::chrono::system_clock::from_time_t(1'700'000'000)}};
  auto debian = vm("debian", "template");
  debian.volumes = {root};

  auto snapshot_volume = volume("mail", "root", "snapshot");
  snapshot_volume.source = "debian:root";
  snapshot_volume.usage = kibibytes(192);
  snapshot_volume.is_outdated = true;
  auto snapshot = layer("snapshot", "cowshed:varlib:appvms:mail:root:snapshot@1d2a44", "/dev/dm-1");
  snapshot.size = gibibytes(10);
  snapshot.used = kibibytes(192);
  snapshot.stands_on = {older.device, "loop1"};
  auto below = layer("view", older.device, older.node);
  below.generation = 2;
  snapshot_volume.layers = {snapshot, below, layer("cow", "loop1", "/dev/loop1")};
  auto mail = vm("mail", "app", "debian");
  mail.volumes = {snapshot_volume};
  return {debian, mail};
}

/// Lines of a text that are wider than `columns`.
std::vector<std::string> wider_than(std::size_t columns, const std::string& text) {
  auto lines = test::lines_of(text);
  std::erase_if(lines, [&](const auto& line) { return columns_of(line) <= columns; });
  return lines;
}

/// Without the sequences that begin with ESC and end in m.
std::string without_colours(std::string text) {
  for (std::size_t at = 0; (at = text.find("\033[", at)) != std::string::npos;)
    text.erase(at, text.find('m', at) - at + 1);
  return text;
}

TEST(TreeViewTest, ShowsVmsUnderTheirTemplatesAndLayersUnderVolumes) {
  EXPECT_EQ(tree_text(two_vms(), drawn), R"(debian                               running, template
├─root                      1.2 GiB  dirty, origin rw, 10.0 GiB, pool varlib
│ ├─view 3         dm-6              newest, committed, cowshed:var…view3@1d2a44
│ │ └─image        loop0    1.2 GiB  /var/lib/cowshed/vm-t…lates/debian/root.img
│ ├─view 2         dm-0   768.0 KiB  cowshed:varlib:vm-tem…ian:root:view2@1d2a44
│ │ ├─shared by 1                    mail:root
│ │ └─cow          loop5  708.0 KiB  a file without a name
│ └─revision old                     2023-11-14 22:13:20 UTC
└─mail                               running, app
  └─root                  192.0 KiB  outdated, snapshot rw, 10.0 GiB, of d…:root
    └─snapshot     dm-1   192.0 KiB  on view 2, cowshed:varlib:…:snapshot@1d2a44
      └─cow        loop1             a file without a name)");
}

TEST(TreeViewTest, IsTypedWhereTheLocaleHasNoUtf8) {
  const std::string text = tree_text(two_vms(), plain);
  EXPECT_EQ(text, R"(debian                               running, template
|-root                      1.2 GiB  dirty, origin rw, 10.0 GiB, pool varlib
| |-view 3         dm-6              newest, committed, cowshed:va...iew3@1d2a44
| | `-image        loop0    1.2 GiB  /var/lib/cowshed/vm-...ates/debian/root.img
| |-view 2         dm-0   768.0 KiB  cowshed:varlib:vm-te...an:root:view2@1d2a44
| | |-shared by 1                    mail:root
| | `-cow          loop5  708.0 KiB  a file without a name
| `-revision old                     2023-11-14 22:13:20 UTC
`-mail                               running, app
  `-root                  192.0 KiB  outdated, snapshot rw, 10.0 GiB, of ...root
    `-snapshot     dm-1   192.0 KiB  on view 2, cowshed:varlib...snapshot@1d2a44
      `-cow        loop1             a file without a name)");
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) > 0; }));
}

TEST(TreeViewTest, IsTheSameTextInColour) {
  const std::string text = tree_text(two_vms(), coloured);
  EXPECT_EQ(without_colours(text), tree_text(two_vms(), drawn));
  EXPECT_NE(text.find("\033[33mdirty\033[0m"), std::string::npos) << text;
  EXPECT_NE(text.find("\033[1mdebian\033[0m"), std::string::npos) << text;
  EXPECT_EQ(tree_text(two_vms(), drawn).find('\033'), std::string::npos);
}

TEST(TreeViewTest, LongNamesLoseTheirMiddleAndNoLineIsTooWide) {
  auto vms = two_vms();
  const std::string name(64, 'x');
  auto child = vm("a-" + name, "app", "mail");
  child.volumes = {volume(child.name, std::string(32, 'v'), "snapshot")};
  child.volumes[0].source = name + ":" + std::string(32, 'v');
  child.volumes[0].pool = std::string(32, 'p');
  vms.push_back(child);
  auto disposable = vm(name, "disposable", child.name);
  disposable.volumes = vms[0].volumes;
  disposable.volumes[0].layers[1].file = "/" + std::string(300, 'f') + "/root.img";
  vms.push_back(disposable);
  const auto lines = test::lines_of(tree_text(vms, plain)).size();
  for (const std::size_t width : {40U, 80U, 133U})
    for (const bool utf8 : {false, true}) {
      const auto text = tree_text(vms, {.utf8 = utf8, .colour = false, .width = width});
      EXPECT_TRUE(wider_than(width, text).empty()) << width << "\n" << text;
      EXPECT_EQ(test::lines_of(text).size(), lines);
    }
}

TEST(TreeViewTest, WithRoomEnoughEveryNameIsWhole) {
  const auto text = tree_text(two_vms(), {.utf8 = true, .colour = false, .width = 200});
  for (const auto& vm : two_vms())
    for (const auto& volume : vm.volumes)
      for (const auto& layer : volume.layers) {
        EXPECT_NE(text.find(layer.file), std::string::npos) << layer.file << "\n" << text;
        EXPECT_NE(text.find(layer.device), std::string::npos) << layer.device << "\n" << text;
      }
}

TEST(TreeViewTest, WhatIsWrongComesFirst) {
  auto vms = two_vms();
  auto& broken = vms[0].volumes[0];
  broken.is_invalid = broken.is_commit_pending = true;
  broken.error = Error(ErrorKind::corrupt_image, "broken");
  broken.layers[2].marks = {"invalid"};
  broken.layers[2].used.reset();
  const auto text = tree_text(vms, plain);
  EXPECT_NE(text.find("  error, invalid, commit pending, origin rw"), std::string::npos) << text;
  EXPECT_NE(text.find("  invalid, cowshed:"), std::string::npos) << text;
}

TEST(TreeViewTest, VmsInACycleAndWithoutTheirTemplateAreShown) {
  const auto text =
      tree_text({vm("one", "app", "two"), vm("two", "app", "one"), vm("lost", "app", "gone")}, plain);
  const auto lines = test::lines_of(text);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[0].starts_with("lost ") && lines[0].ends_with("running, app, of gone")) << text;
  EXPECT_TRUE(lines[1].starts_with("one ")) << text;
  EXPECT_TRUE(lines[2].starts_with("`-two ")) << text;
}

TEST(TreeViewTest, ControlCharactersOfPathsDoNotReachTheTerminal) {
  auto vms = two_vms();
  vms[0].volumes[0].layers[1].file = "/a\033[31m\nb/root.img";
  const auto text = tree_text(vms, plain);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(test::lines_of(text).size(), test::lines_of(tree_text(two_vms(), plain)).size());
}

// --- Graphviz

bool has_dot() { return test::run_program({"sh", "-c", "command -v dot"}).ok(); }

/// What `dot` makes of it.
std::string drawn_by_dot(const std::string& graph) {
  const Path file = Path(testing::TempDir()) / "cowshed-views.dot";
  std::ofstream(file) << graph;
  const auto outcome = test::run_program({"dot", "-Tplain", file.native()});
  std::filesystem::remove(file);
  EXPECT_TRUE(outcome.ok()) << outcome.text() << graph;
  EXPECT_EQ(outcome.err, "") << graph;
  return outcome.out;
}

/// Strings end where they should: outside of them only what the grammar has.
void expect_closed_strings(const std::string& graph) {
  std::string outside;
  bool is_inside = false;
  for (std::size_t at = 0; at < graph.size(); ++at) {
    if (graph[at] == '"')
      is_inside = !is_inside;
    else if (!is_inside)
      outside += graph[at];
    else if (graph[at] == '\\')
      ++at;
  }
  EXPECT_FALSE(is_inside) << "a string is not closed";
  EXPECT_EQ(outside.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-> \n[]{}=,;TB"),
            std::string::npos)
      << outside;
}

TEST(DotTest, IsAGraphWithANodeForEachDeviceAndFile) {
  const auto graph = dot_text(two_vms());
  expect_closed_strings(graph);
  if (!has_dot()) GTEST_SKIP() << "dot (graphviz) is not installed";
  const auto drawing = drawn_by_dot(graph);
  const auto lines = test::lines_of(drawing);
  const auto count = [&](const std::string& what) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const auto& line) { return line.starts_with(what); });
  };
  // 2 volumes, 3 dm devices, 3 loop devices, 1 file.
  EXPECT_EQ(count("node "), 9) << drawing;
  // Volume to device: 2; stands on: 1 + 2 + 2; loop to file: 1.
  EXPECT_EQ(count("edge "), 8) << drawing;
}

TEST(DotTest, HostileNamesAreShownAsTheyAre) {
  EXPECT_EQ(dot_label("a\"];b"), R"re("a\"];b")re");
  EXPECT_EQ(dot_label("a\\"), R"re("a\\")re");
  EXPECT_EQ(dot_label("\\N \\G"), R"re("\\N \\G")re");
  EXPECT_EQ(dot_label("<b>&lt;"), "\"<b>&amp;lt;\"");
  EXPECT_EQ(dot_label("a\nb\x01"), "\"a b \"");
  EXPECT_EQ(dot_label("\xff\xc3(\xc3\xa4\xe2\x82"), "\"?\?(\xc3\xa4?\?\"");
}

TEST(DotTest, HostileFileNamesDoNotBreakTheGraph) {
  auto vms = two_vms();
  vms[0].volumes[0].layers[1].file = "/x\"]; evil [label=\"\\\n\xff\xfe&lt;<b>/root.img\\";
  const auto graph = dot_text(vms);
  expect_closed_strings(graph);
  const auto sound = dot_text(two_vms());
  EXPECT_EQ(std::count(graph.begin(), graph.end(), '\n'), std::count(sound.begin(), sound.end(), '\n'));
  if (!has_dot()) GTEST_SKIP() << "dot (graphviz) is not installed";
  EXPECT_EQ(drawn_by_dot(graph).find("node evil"), std::string::npos);
}

// --- Lists

api::PoolInfo pool(const std::string& name, unsigned percent) {
  api::PoolInfo info;
  info.name = name;
  info.driver = "file";
  info.size = gibibytes(100);
  info.usage = gibibytes(percent);
  return info;
}

TEST(ListsTest, PoolsShowHowFullTheyAreAndWhereTheyLie) {
  auto outer = pool("varlib", 42), inner = pool("inner", 95);
  outer.default_for = {"default_pool (not set, falls back to it)",
                       "default_pool_root (not set, falls back to it)", "default_pool_private"};
  inner.included_in = "varlib";
  api::PoolInfo unknown;
  unknown.name = "lost";
  unknown.driver = "file";
  EXPECT_EQ(pool_table({outer, inner, unknown}, plain),
            R"(POOL    DRIVER      USED       SIZE               IN POOL  DEFAULT
varlib  file    42.0 GiB  100.0 GiB  ###..  42 %  -        private others
inner   file    95.0 GiB  100.0 GiB  #####  95 %  varlib
lost    file           -          -               -)");
  EXPECT_NE(pool_table({outer, inner}, coloured).find("\033[33m█████  95 %\033[0m"), std::string::npos);
}

TEST(ListsTest, AFullPoolHasAFullBarAndAnEmptyOneNone) {
  EXPECT_EQ(usage_bar(pool("p", 0), plain), ".....   0 %");
  EXPECT_EQ(usage_bar(pool("p", 1), plain), "#....   1 %");
  EXPECT_EQ(usage_bar(pool("p", 100), plain), "##### 100 %");
}

TEST(ListsTest, VolumesShowSizeUseAndMarks) {
  auto root = volume("debian", "root", "origin"), mail = volume("mail", "root", "snapshot");
  root.is_dirty = true;
  root.is_running = false;
  mail.is_outdated = mail.is_invalid = true;
  api::VolumeInfo unreadable;
  unreadable.vm = "broken";
  EXPECT_EQ(volume_table({root, mail, unreadable}, plain),
            R"(VOLUME       KIND      RW      SIZE     USED  POOL    STATE
debian:root  origin    rw  10.0 GiB  1.2 GiB  varlib  stopped, dirty
mail:root    snapshot  rw  10.0 GiB  1.2 GiB  varlib  running, invalid, outdated
broken:?                          -        -          unknown)");
}

TEST(ListsTest, ASessionThatIsHeldSaysSo) {
  auto held = volume("mail", "root", "snapshot");
  held.is_held = true;
  EXPECT_NE(volume_table({held}, plain).find("running, held"), std::string::npos);
}

TEST(ListsTest, LongNamesLoseTheirMiddleAtEightyColumns) {
  auto long_volume = volume(std::string(64, 'x'), std::string(32, 'y'), "origin-snapshot");
  long_volume.pool = std::string(32, 'p');
  long_volume.is_dirty = true;
  const auto text = volume_table({long_volume}, plain);
  EXPECT_TRUE(wider_than(80, text).empty()) << text;
  EXPECT_NE(text.find("x...y"), std::string::npos) << text;
  EXPECT_NE(text.find("running, dirty"), std::string::npos) << text;
}

TEST(StatusViewTest, SaysWhatRunsHowFullPoolsAreAndWhatToDo) {
  api::Status::Answer status;
  status.state = "/var/lib/cowshed";
  status.run = "/run/cowshed";
  status.vms = 3;
  status.running_vms = {"mail", "work"};
  status.running = 2;
  status.outdated = 1;
  status.pool_list = {pool("varlib", 42)};
  status.attention = {{"volume 'mail:root'", "runs on an older state", "cowshed vm stop mail"}};
  EXPECT_EQ(status_text(status, plain), R"(state     /var/lib/cowshed
devices   /run/cowshed/dev
running   2 of 3 VMs
          mail work
volumes   1 outdated

POOL    DRIVER      USED       SIZE               IN POOL  DEFAULT
varlib  file    42.0 GiB  100.0 GiB  ###..  42 %  -

! volume 'mail:root' runs on an older state
    cowshed vm stop mail)");
}

TEST(StatusViewTest, OfManyVmsAsManyAreNamedAsFit) {
  api::Status::Answer status;
  for (int i = 0; i < 500; ++i) status.running_vms.push_back("app-vm-" + std::to_string(i));
  const auto text = status_text(status, plain);
  EXPECT_TRUE(wider_than(80, text).empty()) << text;
  EXPECT_NE(text.find(" more\n"), std::string::npos) << text;
}

TEST(ShortenTest, KeepsBothEndsAndWholeCharacters) {
  EXPECT_EQ(shorten("abcdefghij", 10, plain), "abcdefghij");
  EXPECT_EQ(shorten("abcdefghijk", 10, plain), "abc...hijk");
  EXPECT_EQ(shorten("abcdefghijk", 10, drawn), "abcd…ghijk");
  EXPECT_EQ(shorten("äöüäöüäöüäö", 5, drawn), "äö…äö");
  EXPECT_EQ(shorten("abcdef", 2, plain), "ab");
}

}  // namespace
}  // namespace cowshed::cli
