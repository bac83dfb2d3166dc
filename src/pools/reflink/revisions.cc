// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/revisions.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"

namespace cowshed::pools::reflink {

namespace {

/// Reads a number and the character behind it; false where they are not there.
template <typename Number>
bool read_part(std::string_view& text, Number& number, char behind) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || length >= text.size() || *end != behind) return false;
  text.remove_prefix(length + 1);
  return true;
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  using namespace std::chrono;
  unsigned y = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0;
  const bool is_read = read_part(text, y, '-') && read_part(text, m, '-') && read_part(text, d, 'T') &&
                       read_part(text, hour, ':') && read_part(text, minute, ':') &&
                       read_part(text, second, 'Z') && text.empty();
  const year_month_day date{year(static_cast<int>(y)), month(m), day(d)};
  if (!is_read || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
}

std::string time_text(std::chrono::sys_seconds time) {
  using namespace std::chrono;
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const hh_mm_ss clock(time - midnight);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// What the names of an image's revisions begin with.
std::string prefix_of(const Path& image) { return image.filename().native() + "."; }

}  // namespace

std::optional<RevisionId> RevisionId::parse(std::string_view text) {
  std::string_view rest = text;
  RevisionId id;
  if (!read_part(rest, id.number, '@')) return std::nullopt;
  const auto time = parse_time(rest);
  if (!time) return std::nullopt;
  id.written = *time;
  return id.str() == text ? std::optional(id) : std::nullopt;
}

std::string RevisionId::str() const { return fmt::format("{}@{}", number, time_text(written)); }

std::vector<RevisionFile> list_revisions(const Path& image) {
  std::vector<RevisionFile> found;
  const std::string prefix = prefix_of(image);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(image.parent_path(), error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix)) continue;
    const auto id = RevisionId::parse(std::string_view(name).substr(prefix.size()));
    if (id && std::filesystem::is_regular_file(entry.symlink_status())) found.push_back({*id, entry.path()});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error::from_errno(error.value(), fmt::format("list '{}'", image.parent_path().native()));
  std::ranges::sort(found, {}, &RevisionFile::id);
  return found;
}

Path next_revision(const Path& image) {
  const auto known = list_revisions(image);
  const auto written = std::chrono::nanoseconds(stat_if_exists(image).value().modified);
  const RevisionId id{known.empty() ? 1 : known.back().id.number + 1,
                      std::chrono::sys_seconds(std::chrono::duration_cast<std::chrono::seconds>(written))};
  return image.parent_path() / (prefix_of(image) + id.str());
}

}  // namespace cowshed::pools::reflink
