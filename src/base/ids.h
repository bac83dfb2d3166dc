// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

/// Names that people and configuration files give, as types: a value of one of these has been checked. All
/// begin with a letter or a digit and go on with letters, digits, '_', '-' and '.'; so none is "..", holds a
/// '/', a blank or a control character, or can be taken for an option.
namespace cowshed {

namespace detail {
/// Throws Error invalid_argument: "vm name 'a b': ...".
std::string checked_name(std::string_view what, std::string text, std::size_t max_length);
}  // namespace detail

template <typename Tag>
class Name {
 public:
  explicit Name(std::string text)
      : text_(detail::checked_name(Tag::what, std::move(text), Tag::max_length)) {}
  [[nodiscard]] const std::string& str() const { return text_; }
  auto operator<=>(const Name&) const = default;

 private:
  std::string text_;
};

struct VmNameTag {
  static constexpr std::string_view what = "vm name";
  static constexpr std::size_t max_length = 64;
};
struct PoolNameTag {
  static constexpr std::string_view what = "pool name";
  static constexpr std::size_t max_length = 32;
};
struct VolumeNameTag {
  static constexpr std::string_view what = "volume name";
  static constexpr std::size_t max_length = 32;
};
struct KernelNameTag {
  static constexpr std::string_view what = "kernel name";
  static constexpr std::size_t max_length = 64;
};

using VmName = Name<VmNameTag>;
using PoolName = Name<PoolNameTag>;
using VolumeName = Name<VolumeNameTag>;
using KernelName = Name<KernelNameTag>;

/// A volume's id inside its pool: one to four names joined by '/', "vm-templates/debian-12/root". Never
/// absolute, never leads upwards.
class Vid {
 public:
  static constexpr std::size_t max_length = 200;
  explicit Vid(std::string text);
  [[nodiscard]] const std::string& str() const { return text_; }
  auto operator<=>(const Vid&) const = default;

 private:
  std::string text_;
};

}  // namespace cowshed
