// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace cowshed::test {

/// How often each of the things that a random test has to reach was reached.
class Tally {
 public:
  /// These must not stay at zero.
  void require(const std::string& group, const std::vector<std::string>& keys) {
    for (const auto& key : keys) required_[group][key] = true;
  }
  void add(const std::string& group, const std::string& key) { ++counts_[group][key]; }
  [[nodiscard]] std::uint64_t count(const std::string& group, const std::string& key) const {
    const auto found = counts_.find(group);
    if (found == counts_.end()) return 0;
    const auto value = found->second.find(key);
    return value == found->second.end() ? 0 : value->second;
  }

  void print() const {
    for (const auto& [group, keys] : merged()) {
      std::printf("%s:", group.c_str());
      for (const auto& [key, count] : keys)
        std::printf("  %s %llu", key.c_str(), static_cast<unsigned long long>(count));
      std::printf("\n");
    }
  }
  /// "GROUP: KEY" of what was required and never happened.
  [[nodiscard]] std::vector<std::string> missing() const {
    std::vector<std::string> result;
    for (const auto& [group, keys] : required_)
      for (const auto& [key, is_required] : keys)
        if (count(group, key) == 0) result.push_back(fmt::format("{}: {}", group, key));
    return result;
  }

 private:
  [[nodiscard]] std::map<std::string, std::map<std::string, std::uint64_t>> merged() const {
    auto all = counts_;
    for (const auto& [group, keys] : required_)
      for (const auto& [key, is_required] : keys) all[group].try_emplace(key, 0);
    return all;
  }

  std::map<std::string, std::map<std::string, bool>> required_;
  std::map<std::string, std::map<std::string, std::uint64_t>> counts_;
};

}  // namespace cowshed::test
