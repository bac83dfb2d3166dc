// SPDX-License-Identifier: Apache-2.0
// Who may call what: each method of the interface, asked for by each kind of user.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "unit/service/counting_api.h"
#include "unit/service/sample_request.h"
#include "unit/service/service_fixture.h"

namespace cowshed {
namespace {

using api::Role;
using nlohmann::json;
using test::refusal_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr uid_t stranger = 65534;
constexpr const char* denied = "org.varlink.service.PermissionDenied";

/// Debian has these users on every system.
const std::map<Role, std::string> members{
    {Role::observe, "daemon"}, {Role::operate, "bin"}, {Role::admin, "sys"}};

// --- The dispatcher, with peers made up

class RightsTest : public ::testing::Test {
 protected:
  static uid_t uid_of(Role role) {
    if (role == Role::none) return stranger;
    const passwd* const entry = ::getpwnam(members.at(role).c_str());
    if (entry == nullptr) throw Error(ErrorKind::not_found, "no user " + members.at(role));
    return entry->pw_uid;
  }

  /// The reply to a call of `method` by a user who has `role`.
  template <typename Request>
  json reply_to(const api::Method<Request>& method, Role role) {
    return reply_to(method, role, test::sample_parameters<Request>("t"));
  }
  template <typename Request>
  json reply_to(const api::Method<Request>& method, Role role, const json& parameters) {
    api.calls.clear();
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
      throw Error::from_errno(errno, "socketpair");
    const Fd peer(ends[0]);
    const auto connection = std::make_shared<varlink::Connection>(
        Fd(ends[1]), varlink::Peer{.pid = 4711, .uid = uid_of(role), .gid = stranger, .groups = {}},
        varlink::ConnectionLimits{}, [] {}, [] {});
    const varlink::CallFlags flags{.more = api::is_stream<Request>, .oneway = false};
    const auto answer = std::make_shared<varlink::Answer>(connection);
    answer->expect(flags);
    EXPECT_TRUE(dispatch_.call(method.name, {method.name, parameters, flags}, answer)) << method.name;
    std::string text(1U << 16U, '\0');
    const auto size = ::recv(peer.get(), text.data(), text.size(), 0);
    // One message and its NUL.
    return size > 0 ? json::parse(text.substr(0, static_cast<std::size_t>(size) - 1)) : json();
  }

  /// Each method that wants more than `role`.
  void expect_refused_beyond(Role role) {
    api::for_each_method([&](const auto& method) {
      if (method.role <= role) return;
      CaptureStderr();
      EXPECT_EQ(reply_to(method, role), json({{"error", denied}, {"parameters", json::object()}}))
          << method.name;
      EXPECT_THAT(GetCapturedStderr(),
                  HasSubstr(fmt::format("uid {} (pid 4711): {} {{", uid_of(role), method.name)));
      EXPECT_THAT(api.calls, ElementsAre()) << method.name;
      EXPECT_EQ(events_.subscribers(), 0u);
      EXPECT_THAT(
          metrics_.calls_text(),
          HasSubstr(fmt::format("failures_total{{method=\"{}\",kind=\"not_permitted\"}} 1\n", method.name)));
      ++refused;
    });
  }

  test::CountingApi api;
  int refused = 0;

 private:
  static std::map<std::string, app::RoleMembers> roles() {
    std::map<std::string, app::RoleMembers> result;
    result["observe"].users = {members.at(Role::observe)};
    result["operate"].users = {members.at(Role::operate)};
    result["admin"].users = {members.at(Role::admin)};
    return result;
  }

  service::Access access_{roles()};
  service::Events events_;
  service::Metrics metrics_;
  service::Dispatch dispatch_{api, access_, events_, metrics_};
};

TEST_F(RightsTest, WhoHasNoRoleIsRefusedEachMethodAndThatIsLogged) {
  expect_refused_beyond(Role::none);
  EXPECT_EQ(refused, std::tuple_size_v<decltype(api::methods)>);
}

TEST_F(RightsTest, ObserversAreRefusedEachMethodThatChangesSomething) {
  expect_refused_beyond(Role::observe);
  EXPECT_GT(refused, 0);
}

TEST_F(RightsTest, OperatorsAreRefusedEachMethodOfAdmins) {
  expect_refused_beyond(Role::operate);
  EXPECT_GT(refused, 0);
}

TEST_F(RightsTest, WhoHasTheRoleGetsTheSameCallCarriedOut) {
  api::for_each_method([&]<typename Request>(const api::Method<Request>& method) {
    const auto reply = reply_to(method, method.role);
    EXPECT_FALSE(reply.contains("error")) << method.name << ": " << reply;
    if constexpr (!api::is_stream<Request>) {
      EXPECT_THAT(api.calls, ElementsAre(std::string(method.name)));
    }
  });
}

TEST_F(RightsTest, WhoStartsVmsForOthersToReadTheirDisksIsAdmin) {
  for (const auto& [field, value] : {std::pair{"node_owner", "daemon"}, std::pair{"node_mode", "666"}}) {
    const json start{{"vms", {"t"}}, {field, value}}, run{{"above", "t"}, {field, value}};
    const auto& start_method = api::method_of<api::VmStart>();
    const auto& run_method = api::method_of<api::VmRunThrowaway>();
    EXPECT_EQ(reply_to(start_method, Role::operate, start)["error"], denied) << field;
    EXPECT_EQ(reply_to(run_method, Role::operate, run)["error"], denied) << field;
    EXPECT_THAT(api.calls, ElementsAre());
    EXPECT_FALSE(reply_to(start_method, Role::admin, start).contains("error")) << field;
    EXPECT_FALSE(reply_to(run_method, Role::admin, run).contains("error")) << field;
  }
}

// The table of methods is held to this one: a role that is too small by mistake is seen here.
TEST_F(RightsTest, WhatChangesAnInstallationIsForAdminsAndWhatStartsOrStopsForOperators) {
  const std::set<std::string_view> asking{
      "PoolList", "PoolDrivers", "PoolInfo",   "ConfigList", "ConfigGet",       "VmList",
      "VmInfo",   "VmDevices",   "VolumeList", "VolumeInfo", "VolumeRevisions", "Tree",
      "Status",   "Metrics",     "Doctor",     "Monitor",    "VolumeVerify"};
  const std::set<std::string_view> operating{"VmStart", "VmStop", "VmRunThrowaway"};
  api::for_each_method([&](const auto& method) {
    const Role expected = asking.contains(method.name)      ? Role::observe
                          : operating.contains(method.name) ? Role::operate
                                                            : Role::admin;
    EXPECT_EQ(method.role, expected) << method.name;
  });
}

// --- A service at its socket, with a peer that the kernel vouches for

/// Connected by another user. As root only: the raw calls change the thread they are made in, and no other.
Fd connect_as(uid_t uid, const Path& socket) {
  Fd fd;
  std::thread([&] {
    ASSERT_EQ(::syscall(SYS_setgroups, 0, nullptr), 0);
    ASSERT_EQ(::syscall(SYS_setresgid, uid, uid, uid), 0);
    ASSERT_EQ(::syscall(SYS_setresuid, uid, uid, uid), 0);
    fd = varlink::connect_to(socket);
  }).join();
  return fd;
}

class StrangerTest : public test::ServiceTest {
 protected:
  StrangerTest() {
    create_three();
    // A stranger is to reach the socket, not to be stopped by a directory on the way.
    std::filesystem::permissions(directory_, std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
  }

  varlink::Client connect_stranger() {
    app_.reset();
    serve_without_roles();
    return varlink::Client(::geteuid() == 0 ? connect_as(stranger, socket()) : varlink::connect_to(socket()));
  }

  /// Every file of the installation with its content.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(locations_.state))
      all[entry.path().native()] = entry.is_regular_file() ? read(entry.path()) : "";
    return all;
  }
};

TEST_F(StrangerTest, MayAskWhatThisIsAndNothingElse) {
  auto client = connect_stranger();
  const auto files_before = files();
  const auto calls_before = world_.calls;
  api::for_each_method([&]<typename Request>(const api::Method<Request>& method) {
    CaptureStderr();
    EXPECT_EQ(
        refusal_of(client, fmt::format("io.cowshed.{}", method.name), test::sample_parameters<Request>("t")),
        denied)
        << method.name;
    EXPECT_THAT(GetCapturedStderr(), HasSubstr(fmt::format("{} {{", method.name)));
  });
  EXPECT_EQ(files(), files_before);
  EXPECT_EQ(world_.calls, calls_before);
  EXPECT_EQ(client.call("org.varlink.service.GetInfo", json::object())["product"], "cowshed");
}

TEST_F(StrangerTest, IsNotToldWhatParametersAreWrongWith) {
  auto client = connect_stranger();
  for (const json& bad : {json{{"vm", 7}}, json{{"nosuch", true}}, json::object()})
    EXPECT_EQ(refusal_of(client, "io.cowshed.VmInfo", bad), denied) << bad;
}

}  // namespace
}  // namespace cowshed
