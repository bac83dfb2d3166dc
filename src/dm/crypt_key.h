// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"

namespace cowshed::dm {

/// Hands a key to the crypt target (drivers/md/dm-crypt.c) for one load of its table.
///
/// Through the kernel's keyring where there is one: the table then only names the key, so that nobody can ask
/// for it, and the target keeps nothing of it but what its cipher makes of it (crypt_ctr_cipher wipes its
/// copy). The key is of type "logon", which user space cannot read back, and hangs on the keyring of the
/// calling thread (KEY_SPEC_THREAD_KEYRING): the target looks it up with request_key() in the thread that
/// loads the table, which begins there; no other thread or process finds it, and should the program be
/// killed, it goes with the thread. (Every kernel with LOOP_CONFIGURE, 5.8, has a crypt target that knows
/// keyrings, since 4.10, if it has keyrings at all.)
///
/// Else (no keyrings in the kernel, forbidden in a container, quota) in the table itself, in hexadecimal: to
/// be loaded with `secure`. Whoever may ask device-mapper for tables can read it there. A warning says so.
///
/// Made, used and withdrawn by one thread.
class CryptKey {
 public:
  /// `secret` is to outlive it. `description` begins with a word and a ':' (the kernel demands that of
  /// "logon" keys) and holds no blanks.
  CryptKey(const Secret& secret, const std::string& description);
  CryptKey(const CryptKey&) = delete;
  CryptKey& operator=(const CryptKey&) = delete;
  /// withdraw(), with failures logged.
  ~CryptKey();

  /// For Crypt::key.
  [[nodiscard]] const SecretText& text() const { return text_; }
  /// The text is the key itself.
  [[nodiscard]] bool is_text_secret() const { return is_text_secret_; }

  /// The table is loaded: takes the key out of the keyring again, where the kernel then wipes it.
  void withdraw();

 private:
  /// Serial number of the key in the keyring.
  std::optional<int> in_keyring_;
  bool is_text_secret_ = false;
  SecretText text_;
};

/// 0 where this process may use the kernel's keyring, else the errno with which that is refused. Adds
/// nothing.
int keyring_error();

}  // namespace cowshed::dm
