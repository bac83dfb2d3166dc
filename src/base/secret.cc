// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace cowshed {

namespace {

std::span<std::byte> map_private(std::size_t size) {
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw Error::from_errno(errno, "memory for a key");
  // A limit on locked memory is no reason to do without a key: it lives for an instant.
  static_cast<void>(::mlock(at, size));
  static_cast<void>(::madvise(at, size, MADV_DONTDUMP));
  static_cast<void>(::madvise(at, size, MADV_DONTFORK));
  return {static_cast<std::byte*>(at), size};
}

void fill_randomly(std::span<std::byte> bytes) {
  ssize_t got = -1;
  do {
    got = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw Error::from_errno(errno, "random bytes for a key (getrandom)");
  if (static_cast<std::size_t>(got) != bytes.size())
    throw Error(ErrorKind::kernel_refused, "random bytes for a key (getrandom): fewer than asked for");
}

}  // namespace

Secret Secret::random(std::size_t size) {
  Secret secret(map_private(size));
  fill_randomly(secret.bytes_);
  return secret;
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret::~Secret() {
  if (bytes_.empty()) return;
  ::explicit_bzero(bytes_.data(), bytes_.size());
  ::munmap(bytes_.data(), bytes_.size());
}

SecretText Secret::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  SecretText text;
  text.reserve(2 * bytes_.size());
  for (const std::byte byte : bytes_) {
    text += digits[std::to_integer<unsigned>(byte) >> 4];
    text += digits[std::to_integer<unsigned>(byte) & 0xf];
  }
  return text;
}

}  // namespace cowshed
