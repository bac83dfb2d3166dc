// SPDX-License-Identifier: Apache-2.0
#include "dm/crypt_key.h"

#include <fmt/core.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/undo.h"

namespace cowshed::dm {

namespace {

constexpr const char* type = "logon";

/// Nothing where the kernel refuses; errno says why.
std::optional<int> add_to_keyring(const Secret& secret, const std::string& description) {
  const auto bytes = secret.bytes();
  const long serial =
      ::syscall(SYS_add_key, type, description.c_str(), bytes.data(), bytes.size(), KEY_SPEC_THREAD_KEYRING);
  if (serial < 0) return std::nullopt;
  return static_cast<int>(serial);
}

SecretText reference(const Secret& secret, const std::string& description) {
  return SecretText(fmt::format(":{}:{}:{}", secret.bytes().size(), type, description));
}

}  // namespace

CryptKey::CryptKey(const Secret& secret, const std::string& description)
    : in_keyring_(add_to_keyring(secret, description)) {
  if (in_keyring_) {
    text_ = reference(secret, description);
    return;
  }
  log_warning(
      fmt::format("the kernel's keyring cannot be used ({}): as long as the volume runs, root can "
                  "read its key in device-mapper's table",
                  ::strerrordesc_np(errno)));
  is_text_secret_ = true;
  text_ = secret.hex();
}

CryptKey::~CryptKey() {
  const Undo undo([this] { withdraw(); });
}

void CryptKey::withdraw() {
  const auto serial = std::exchange(in_keyring_, std::nullopt);
  if (serial && ::syscall(SYS_keyctl, KEYCTL_UNLINK, *serial, KEY_SPEC_THREAD_KEYRING) < 0)
    throw Error::from_errno(errno, "take a key out of the kernel's keyring");
}

int keyring_error() {
  constexpr int create = 0;
  if (::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, create) >= 0) return 0;
  // It is made with the first key.
  return errno == ENOKEY ? 0 : errno;
}

}  // namespace cowshed::dm
