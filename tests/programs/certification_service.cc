// SPDX-License-Identifier: Apache-2.0
// Serves org.varlink.certification by the service's own server, for clients of other implementations: each of
// a dozen calls gives back what the one before it was answered with, a type of Varlink's after the other.
//
//   certification_service SOCKET DEFINITION     DEFINITION: the file that defines the interface
#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "varlink/interfaces.h"
#include "varlink/server.h"
#include "varlink/socket.h"

namespace {

using namespace cowshed;
using nlohmann::json;
using varlink::Answer;
using varlink::Call;

constexpr const char* interface_name = "org.varlink.certification";

json many_texts() {
  json texts = json::array();
  for (int i = 0; i < 10; ++i) texts.push_back(fmt::format("text {}", i));
  return texts;
}

/// What is hard to give back: numbers at the end of their range, texts of every length of UTF-8, lists and
/// maps without anything in them, and nothing within a list.
json everything() {
  return {{"object", {{"a", {1, "b", nullptr}}, {"c", json::object()}}},
          {"enum", "three"},
          {"struct", {{"first", std::numeric_limits<std::int64_t>::min()}, {"second", "\"\\/\b\n"}}},
          {"array", {"", "ä", "€", "😀"}},
          {"dictionary", {{"", "no name"}, {"name", ""}}},
          {"stringset", {{"x", json::object()}, {"y", json::object()}}},
          {"interface",
           {{"foo", {nullptr, {{"a", "foo"}, {"b", "baz"}}, nullptr, {{"c", "bar"}}}},
            {"anon", {{"foo", false}, {"bar", true}}}}}};
}

struct Step {
  std::string_view method;
  json reply;
};

const std::vector<Step>& steps() {
  static const json struct_of_all{
      {"bool", true}, {"int", -42}, {"float", 2.718281828459045}, {"string", "a line\nand ☃"}};
  static const std::vector<Step> all{
      {"Test01", {{"bool", false}}},
      {"Test02", {{"int", std::numeric_limits<std::int64_t>::max()}}},
      {"Test03", {{"float", -0.1}}},
      {"Test04", {{"string", "grüße"}}},
      {"Test05", struct_of_all},
      {"Test06", {{"struct", struct_of_all}}},
      {"Test07", {{"map", {{"one", "1"}, {"two", ""}}}}},
      {"Test08", {{"set", {{"one", json::object()}, {"two", json::object()}}}}},
      {"Test09", {{"mytype", everything()}}},
      // Told one after the other.
      {"Test10", {{"last_more_replies", many_texts()}}},
      {"Test11", json::object()},
      {"End", {{"all_ok", true}}},
  };
  return all;
}

std::string error(const char* name) { return fmt::format("{}.{}", interface_name, name); }

class Certification {
 public:
  bool call(std::string_view method, const Call& call, Answer& answer) {
    if (method == "Start") {
      start(answer);
      return true;
    }
    const auto step = std::ranges::find(steps(), method, &Step::method);
    if (step == steps().end()) return false;
    const auto position = static_cast<std::size_t>(step - steps().begin());
    const auto client = call.parameters.value("client_id", "");
    if (!take_turn(client, position))
      answer.fail(error("ClientIdError"), json::object());
    else if (const auto wants = wanted(client, position);
             call.parameters != wants || !is_asked_well(*step, call))
      answer.fail(error("CertificationError"), {{"wants", wants}, {"got", call.parameters}});
    else
      reply(*step, answer);
    return true;
  }

 private:
  void start(Answer& answer) {
    const std::lock_guard lock(mutex_);
    const auto client = fmt::format("client {}", ++started_);
    next_[client] = 0;
    answer.finish({{"client_id", client}});
  }

  /// False where that is not this client's next step.
  bool take_turn(const std::string& client, std::size_t position) {
    const std::lock_guard lock(mutex_);
    const auto found = next_.find(client);
    if (found == next_.end() || found->second != position) return false;
    ++found->second;
    return true;
  }

  static json wanted(const std::string& client, std::size_t position) {
    json wants = position == 0 ? json::object() : steps()[position - 1].reply;
    wants["client_id"] = client;
    return wants;
  }

  static bool is_asked_well(const Step& step, const Call& call) {
    return call.flags.more == (step.method == "Test10") && call.flags.oneway == (step.method == "Test11");
  }

  static void reply(const Step& step, Answer& answer) {
    if (step.method != "Test10") return answer.finish(step.reply);
    const auto texts = many_texts();
    for (std::size_t i = 0; i + 1 < texts.size(); ++i) answer.tell({{"string", texts[i]}});
    answer.finish({{"string", texts.back()}});
  }

  std::mutex mutex_;
  int started_ = 0;
  /// The step that each client has to take.
  std::map<std::string, std::size_t> next_;
};

varlink::Server* running = nullptr;

void serve(const char* socket, const char* definition) {
  Certification certification;
  varlink::Interfaces interfaces(
      {.vendor = "cowshed", .product = "certification", .version = "1", .url = ""});
  interfaces.add(interface_name, read_file(definition, mebibytes(1)),
                 [&](std::string_view method, const Call& call, const auto& answer) {
                   return certification.call(method, call, *answer);
                 });
  varlink::Server server(
      varlink::listen_on(socket), {}, [](const varlink::Peer&) { return varlink::ConnectionLimits{}; },
      [&](const Call& call, const std::shared_ptr<Answer>& answer) { interfaces.handle(call, answer); });
  running = &server;
  std::signal(SIGTERM, [](int) { running->stop(); });
  server.run();
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    serve(words[1], words[2]);
  } catch (const Error& failure) {
    fmt::print(stderr, "certification_service: {}\n", failure.message());
    return 1;
  }
  return 0;
}
