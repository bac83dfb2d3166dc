// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>

/// Keys: what is to be nowhere any more once it was used.
namespace cowshed {

namespace detail {

/// Wipes what it takes back.
template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* at, std::size_t count) noexcept {
    ::explicit_bzero(at, count * sizeof(T));
    std::allocator<T>().deallocate(at, count);
  }
  bool operator==(const WipingAllocator&) const = default;
};

}  // namespace detail

/// Text that may hold a key: whatever memory it had is wiped, also that of copies and that which it outgrew.
/// Up to 15 characters lie in the object itself and are not.
using SecretText = std::basic_string<char, std::char_traits<char>, detail::WipingAllocator<char>>;

/// A random key. Its memory is wiped at the end, and as far as the kernel grants it locked (mlock), left out
/// of core dumps and not passed on to children. Move-only.
class Secret {
 public:
  /// At most 256 bytes of the kernel's random number generator (getrandom(2), which gives these whole).
  /// Throws Error.
  static Secret random(std::size_t size);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&&) = delete;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// Two lower-case digits a byte.
  [[nodiscard]] SecretText hex() const;

 private:
  explicit Secret(std::span<std::byte> bytes) : bytes_(bytes) {}
  /// A mapping of its own.
  std::span<std::byte> bytes_;
};

}  // namespace cowshed
