// SPDX-License-Identifier: Apache-2.0
// tree, status and the lists over what really runs. The oracle is what dmsetup, losetup and du say.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "support/cowshed_fixture.h"

namespace cowshed::test {
namespace {

using Names = std::set<std::string>;

class ViewsTest : public CowshedTest {
 protected:
  /// debian: commits under mail, which is outdated from then on; work starts afterwards and writes its
  /// private volume; web is a disposable of work's. debian runs a third session.
  void run_them_all() {
    create_template("debian");
    create_app("mail", "debian");
    create_app("work", "debian");
    must({"vm", "create", "web", "--disposable-of", "work", "--size", "volatile=2M"});
    must({"vm", "start", "mail"});
    put("mail", "root", kibibytes(512), 'm');
    session('a');
    must({"vm", "start", "work"});
    put("work", "private", kibibytes(64), 'w');
    must({"vm", "start", "web"});
    must({"vm", "start", "debian"});
    put("debian", "root", kibibytes(64), 'b');
  }
  /// Of the template: writes, and with the stop commits.
  void session(char value) {
    must({"vm", "start", "debian"});
    put("debian", "root", kibibytes(128), value);
    must({"vm", "stop", "debian"});
  }

  Names words(const std::string& command) {
    const auto lines = lines_of(shell(command).out);
    return {lines.begin(), lines.end()};
  }
  Names dm_devices() { return words("dmsetup ls | cut -f1 | grep ^cowshed: || true"); }
  Names loop_devices() { return words("losetup -nO NAME | sed s,^/dev/,,"); }

  static std::vector<nlohmann::json> volumes_in(const nlohmann::json& tree) {
    std::vector<nlohmann::json> result;
    for (const auto& vm : tree)
      for (const auto& volume : vm.at("volumes")) result.push_back(volume);
    return result;
  }
  nlohmann::json volume(const std::string& name) { return json({"volume", "info", name}); }
  static nlohmann::json view(const nlohmann::json& volume, std::uint64_t generation) {
    for (const auto& layer : volume.at("layers"))
      if (layer.at("generation") == generation) return layer;
    return {};
  }
  /// Its other volumes are no more.
  void only_root(const std::string& vm) {
    const Path definition = state() / "vms" / (vm + ".json");
    auto text = nlohmann::json::parse(read_file(definition, mebibytes(1)));
    text["volumes"] = {{"root", text.at("volumes").at("root")}};
    replace_file(definition, text.dump());
  }
  unsigned long ioctls(const Command& command, const std::string& calls) {
    const auto faulted = cowshed_with({.calls = calls}, command);
    EXPECT_TRUE(faulted.outcome.ok()) << faulted.outcome.text();
    return faulted.report.count;
  }
};

TEST_F(ViewsTest, the_tree_names_exactly_the_devices_that_there_are) {
  run_them_all();
  Names dm, loops;
  for (const auto& volume : volumes_in(json({"tree"})))
    for (const auto& layer : volume.at("layers")) {
      const std::string device = layer.at("device");
      (device.starts_with("loop") ? loops : dm).insert(device);
    }
  EXPECT_EQ(dm, dm_devices());
  EXPECT_EQ(loops, loop_devices());
  EXPECT_GE(dm.size(), 15U);
  // And so does the text, with room enough.
  const std::string text = shell("COLUMNS=400 cowshed tree").out;
  for (const Names* names : {&dm, &loops})
    for (const auto& name : *names) EXPECT_NE(text.find(name), std::string::npos) << name << "\n" << text;
}

TEST_F(ViewsTest, every_layer_has_the_node_of_its_device) {
  run_them_all();
  for (const auto& volume : volumes_in(json({"tree"})))
    for (const auto& layer : volume.at("layers")) {
      const std::string device = layer.at("device"), node = layer.at("node");
      if (device.starts_with("loop")) {
        EXPECT_EQ(node, "/dev/" + device);
      } else {
        EXPECT_EQ(shell("dmsetup info -c --noheadings -o blkdevname '" + device + "'").out,
                  node.substr(5) + "\n");
      }
    }
}

TEST_F(ViewsTest, what_a_layer_stands_on_is_what_the_kernel_says) {
  run_them_all();
  for (const auto& volume : volumes_in(json({"tree"})))
    for (const auto& layer : volume.at("layers")) {
      const std::string device = layer.at("device");
      if (layer.at("stands_on").empty()) continue;
      Names under;
      for (const auto& name : layer.at("stands_on"))
        under.insert(name.get<std::string>().starts_with("loop")
                         ? name.get<std::string>()
                         : shell("dmsetup info -c --noheadings -o blkdevname '" + name.get<std::string>() +
                                 "' | tr -d '\\n'")
                               .out);
      EXPECT_EQ(under, words("dmsetup deps -o blkdevname '" + device + "' | grep -o '([^)]*)' | tr -d '()'"))
          << device;
    }
}

TEST_F(ViewsTest, generations_sharers_and_marks_are_those_of_the_sessions) {
  run_them_all();
  const auto tree = json({"tree"});
  const auto root = tree.at(0).at("volumes").at(0);
  ASSERT_EQ(root.at("vm"), "debian");
  const auto older = view(root, 2), newest = view(root, 3);
  EXPECT_EQ(older.at("shared_by"), nlohmann::json::array({"mail:root"}));
  EXPECT_EQ(newest.at("shared_by"), nlohmann::json::array({"web:root", "work:root"}));
  EXPECT_EQ(newest.at("marks"), nlohmann::json::array({"newest", "committed"}));
  EXPECT_EQ(older.at("marks"), nlohmann::json::array());
  // The one chunk that the commit replaced, and the store's header and table.
  EXPECT_EQ(older.at("used"), kibibytes(192).count);
  EXPECT_EQ(newest.at("used"), nullptr);
  EXPECT_TRUE(volume("debian:root").at("is_dirty"));
  EXPECT_TRUE(volume("work:private").at("is_dirty"));
  EXPECT_TRUE(volume("mail:root").at("is_outdated"));
  EXPECT_FALSE(volume("work:root").at("is_outdated"));
  // One chunk of 32 KiB.
  EXPECT_EQ(volume("mail:root").at("usage"), kibibytes(32).count);
}

/// Characters, as a terminal counts them.
std::ptrdiff_t columns_of(const std::string& line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

TEST_F(ViewsTest, no_line_is_wider_than_eighty_columns) {
  run_them_all();
  for (const char* command : {"tree", "status", "volume list", "pool list"})
    for (const char* locale : {"C", "C.UTF-8"})
      for (const auto& line : lines_of(shell(fmt::format("LC_ALL={} cowshed {}", locale, command)).out))
        EXPECT_LE(columns_of(line), 80) << command << ": " << line;
}

TEST_F(ViewsTest, status_tells_what_runs_and_what_needs_a_hand) {
  run_them_all();
  auto status = json({"status"});
  EXPECT_EQ(status.at("running_vms"), nlohmann::json::array({"debian", "mail", "web", "work"}));
  EXPECT_EQ(status.at("outdated"), 1);
  EXPECT_EQ(status.at("dirty"), 2);
  ASSERT_EQ(status.at("attention").size(), 1U);
  EXPECT_EQ(status.at("attention").at(0).at("about"), "volume 'mail:root'");
  must({"vm", "stop", "web", "work", "mail", "debian"});
  status = json({"status"});
  EXPECT_EQ(status.at("running"), 0);
  EXPECT_EQ(status.at("dirty"), 0);
  EXPECT_TRUE(status.at("attention").empty());
}

TEST_F(ViewsTest, what_a_pool_takes_is_what_du_counts) {
  run_them_all();
  must({"vm", "stop", "web", "work", "mail", "debian"});
  const auto usage = json({"pool", "info", "varlib"}).at("usage_details");
  const auto counted = [&](const std::string& pattern) {
    return std::stoull(shell("find '" + state().native() + "' -name '" + pattern +
                             "' -printf '%b\\n' | awk '{ sum += $1 * 512 } END { print sum + 0 }'")
                           .out);
  };
  EXPECT_GT(counted("*.old"), 0U);
  EXPECT_EQ(usage.at("revisions"), counted("*.old"));
  EXPECT_EQ(usage.at("images"), counted("root.img") + counted("private.img"));
  EXPECT_EQ(usage.at("cows"), 0);
  EXPECT_EQ(usage.at("data_size"),
            std::stoull(shell("df -B1 --output=size '" + state().native() + "' | tail -1").out));
}

TEST_F(ViewsTest, an_invalid_layer_is_seen_where_it_is) {
  create_template("debian");
  create_app("work", "debian");
  must({"vm", "start", "work"});
  const std::string device = volume("work:root").at("layers").at(0).at("device");
  // A cow of two chunks overflows with the third, and the kernel gives the snapshot up.
  const std::string origin = volume("work:root").at("layers").at(1).at("node");
  const auto small = disk(kibibytes(64));
  ASSERT_TRUE(
      shell(fmt::format("dmsetup suspend '{0}' && dmsetup load '{0}' --table '0 8192 snapshot {1} {2} N 64' "
                        "&& dmsetup resume '{0}'",
                        device, origin, small.path().native()))
          .ok());
  EXPECT_FALSE(volume("work:root").at("is_invalid"));
  shell("dd if=/dev/zero of=" + node("work", "root").native() + " bs=64k count=8 oflag=direct 2>&1");
  EXPECT_TRUE(volume("work:root").at("is_invalid"));
  const std::string tree = must({"tree", "work"});
  EXPECT_NE(tree.find("invalid"), std::string::npos) << tree;
  EXPECT_EQ(json({"status"}).at("invalid"), 1);
  must({"vm", "stop", "work"});
}

TEST_F(ViewsTest, the_graph_has_a_node_for_each_device) {
  run_them_all();
  const std::string graph = must({"tree", "--dot"});
  for (const auto& devices : {dm_devices(), loop_devices()})
    for (const auto& device : devices) EXPECT_NE(graph.find(device), std::string::npos) << device;
}

TEST_F(ViewsTest, a_pool_whose_directory_is_away_does_not_hide_the_others) {
  create_template("debian");
  must({"vm", "start", "debian"});
  const Path other = scratch() / "other";
  must({"pool", "add", "other", "--driver", "file", "-o", "dir_path=" + other.native()});
  must({"vm", "create", "lost", "-P", "other", "--size", "root=1M", "--size", "private=1M"});
  std::filesystem::rename(other, scratch() / "away");
  for (const Command& command : {Command{"tree"}, {"status"}, {"volume", "list"}, {"pool", "list"}}) {
    const Outcome outcome = cowshed(command);
    EXPECT_EQ(outcome.status, 1) << outcome.text();
    EXPECT_NE(outcome.out.find(command[0] == "pool" ? "varlib" : "debian"), std::string::npos)
        << outcome.text();
    EXPECT_NE(outcome.err.find(other.native()), std::string::npos) << outcome.text();
  }
  std::filesystem::rename(scratch() / "away", other);
}

/// Once, and again with a larger buffer while the answer does not fit. Each question of each volume asking
/// for the list of all devices would be the square of their number.
TEST_F(ViewsTest, the_kernel_is_asked_once_for_its_devices_however_many_vms_run) {
  create_template("debian");
  Command start{"vm", "start"};
  for (int i = 0; i < 12; ++i) {
    start.push_back(fmt::format("app{}", i));
    create_app(start.back(), "debian");
  }
  must(start);
  for (const Command& command : {Command{"tree"}, {"status"}, {"volume", "list"}, {"vm", "list"}})
    EXPECT_LE(ioctls(command, "DM_LIST_DEVICES"), 4U) << command.back();
  // And otherwise a number of calls for each volume that does not rise with that of the VMs.
  const auto all = ioctls({"volume", "list"}, "ioctl");
  start.erase(start.begin() + 2, start.begin() + 8);
  start[1] = "stop";
  must(start);
  const auto half = ioctls({"volume", "list"}, "ioctl");
  RecordProperty("ioctls_of_volume_list_with_12_VMs", std::to_string(all));
  EXPECT_LE(all, 2 * half + 10);
}

/// The kernel goes through all of its devices for a list.
TEST_F(ViewsTest, a_stop_beside_others_of_its_template_asks_for_no_list_of_devices) {
  create_template("debian");
  const Names names{"app0", "app1", "app2", "app3"};
  Command start{"vm", "start"};
  for (const auto& name : names) {
    create_app(name, "debian");
    only_root(name);
    start.push_back(name);
  }
  must(start);
  EXPECT_EQ(ioctls({"vm", "stop", "app0"}, "DM_LIST_DEVICES"), 0U);
  EXPECT_EQ(ioctls({"vm", "stop", "app1"}, "DM_LIST_DEVICES"), 0U);
  // From here on the one that is left may be an older view, alone on this one.
  EXPECT_GE(ioctls({"vm", "stop", "app2"}, "DM_LIST_DEVICES"), 1U);
  must({"vm", "stop", "app3"});
  EXPECT_EQ(dm_devices(), Names{});
}

/// The shim has the program see two processors, so that its removals wait.
TEST_F(ViewsTest, few_stops_are_answered_before_their_layers_are_gone_and_many_at_once_after) {
  constexpr int many = 16;
  create_template("debian");
  Command start{"vm", "start"}, stop{"vm", "stop"};
  for (int i = 0; i < many; ++i) {
    const auto name = "app" + std::to_string(i);
    create_app(name, "debian");
    only_root(name);
    start.push_back(name);
    stop.push_back(name);
  }
  must(start);
  EXPECT_EQ(ioctls(stop, "DM_DEV_RENAME"), 0U);
  EXPECT_EQ(dm_devices(), Names{});
  must({"vm", "start", "app0", "app1"});
  EXPECT_EQ(ioctls({"vm", "stop", "app0", "app1"}, "DM_DEV_RENAME"), 2U);
  EXPECT_EQ(dm_devices(), Names{});
}

}  // namespace
}  // namespace cowshed::test
