// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "app/interruption.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace cowshed::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct TopRequest {
  unsigned seconds = 2;
  /// 0: until it is interrupted.
  unsigned times = 0;
};

/// What a running volume takes, and how much more each second.
struct Row {
  api::VolumeInfo volume;
  double bytes_per_second = 0;
};

/// Remembers the look before, for the rates.
class Watch {
 public:
  std::vector<Row> look(api::Api& api) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - std::exchange(last_, now)).count();
    std::vector<Row> rows;
    std::map<std::string, Bytes> usage;
    for (auto& volume : api.call(api::VolumeList{})) {
      if (!volume.is_running.value_or(false) || !volume.usage) continue;
      const auto name = volume.vm + ":" + volume.name;
      const auto before = usage_.find(name);
      double rate = 0;
      if (before != usage_.end())
        rate =
            (static_cast<double>(volume.usage->count) - static_cast<double>(before->second.count)) / seconds;
      usage.emplace(name, *volume.usage);
      rows.push_back({std::move(volume), rate});
    }
    usage_ = std::move(usage);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.bytes_per_second > b.bytes_per_second; });
    return rows;
  }

 private:
  Clock::time_point last_ = Clock::now();
  std::map<std::string, Bytes> usage_;
};

std::string marks_of(const api::VolumeInfo& volume) {
  std::string marks;
  const auto mark = [&](const std::optional<bool>& is_set, const char* name) {
    if (is_set.value_or(false)) marks += (marks.empty() ? "" : " ") + std::string(name);
  };
  mark(volume.is_held, "held");
  mark(volume.is_invalid, "invalid");
  mark(volume.is_outdated, "outdated");
  mark(volume.is_dirty, "dirty");
  return marks;
}

std::string rate_text(double bytes_per_second) {
  if (bytes_per_second < 1) return "-";
  return format_size(Bytes{static_cast<std::uint64_t>(bytes_per_second)}) + "/s";
}

std::string pools_text(const api::Status::Answer& status) {
  std::string text;
  for (const auto& pool : status.pool_list)
    if (pool.size && pool.usage && !pool.included_in)
      text += fmt::format("  {} {} of {}", pool.name, format_size(*pool.usage), format_size(*pool.size));
  return text;
}

std::string picture(const api::Status::Answer& status, const std::vector<Row>& rows, std::size_t most_rows) {
  Table table({"VOLUME", "KIND", "USED", "GROWS", "POOL", "MARKS"});
  for (const auto& [volume, rate] : rows) {
    if (most_rows-- == 0) break;
    table.add({volume.vm + ":" + volume.name, volume.kind, format_size(*volume.usage), rate_text(rate),
               volume.pool, marks_of(volume)});
  }
  return fmt::format("{} of {} VMs run, {} volumes held, {} invalid; pools:{}\n\n{}", status.running,
                     status.vms, status.held, status.invalid, pools_text(status), table.text());
}

/// Ends early when it is interrupted.
void sleep_for(std::chrono::seconds pause) {
  const auto end = Clock::now() + pause;
  while (Clock::now() < end && !app::is_interrupted())
    std::this_thread::sleep_for(
        std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(100)));
}

void top(Session& session, const TopRequest& request) {
  constexpr std::size_t lines_around = 5;
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  Watch watch;
  for (unsigned shown = 0; !app::is_interrupted(); sleep_for(std::chrono::seconds(request.seconds))) {
    const auto status = session.api().call(api::Status{});
    const auto rows = watch.look(session.api());
    const auto height = is_terminal ? Terminal::height_of_stdout() : rows.size() + lines_around;
    // Home, then clear what is below: without a flicker.
    if (is_terminal) session.console.print_raw("\x1b[H\x1b[J");
    session.console.print(picture(status, rows, height > lines_around ? height - lines_around : 1));
    flush_output();
    if (++shown == request.times) return;
  }
}

}  // namespace

void add_top_command(CLI::App& parent, Session& session) {
  const auto [command, request] = add_command<TopRequest>(
      parent, session, "top", "Watch running volumes: what they take, and who grows fastest; Ctrl-C ends it",
      top);
  command->add_option("-d,--delay", request->seconds, "Seconds between two looks")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600));
  command->add_option("-n,--times", request->times, "How often; else until Ctrl-C")->type_name("N");
}

}  // namespace cowshed::cli
