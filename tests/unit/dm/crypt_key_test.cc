// SPDX-License-Identifier: Apache-2.0
#include "dm/crypt_key.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "dm/control.h"
#include "support/own_memory.h"

namespace cowshed::dm {
namespace {

using test::disguised_hex;
using test::own_memory_holds;

/// Takes every table, and knows nothing of it afterwards but its length.
class Kernel : public IoctlPort {
 public:
  explicit Kernel(std::string& flags_of_load) : flags_of_load_(flags_of_load) {}
  int issue(unsigned long request, void* buffer) override {
    auto* const header = static_cast<dm_ioctl*>(buffer);
    if (request == DM_TABLE_LOAD)
      flags_of_load_ = (header->flags & DM_SECURE_DATA_FLAG) != 0 ? "secure" : "plain";
    header->version[0] = DM_VERSION_MAJOR;
    header->version[1] = 47;
    header->data_size = sizeof(dm_ioctl);
    return 0;
  }

 private:
  std::string& flags_of_load_;
};

Crypt crypt_with(const SecretText& key) { return {"aes-xts-plain64", key, 0, {7, 1}, {}, {}}; }

TEST(CryptKeyTest, TheTableNamesAKeyOfTheKeyringOrHoldsIt) {
  const Secret secret = Secret::random(64);
  const CryptKey key(secret, "cowshed:test");
  EXPECT_EQ(key.text(), key.is_text_secret() ? secret.hex() : ":64:logon:cowshed:test");
  EXPECT_EQ(Crypt::parse(std::string_view(crypt_with(key.text()).params())).key, key.text());
}

TEST(CryptKeyTest, AKeyIsWithdrawnOnce) {
  const Secret secret = Secret::random(64);
  CryptKey key(secret, "cowshed:test");
  EXPECT_NO_THROW(key.withdraw());
  EXPECT_NO_THROW(key.withdraw());
}

TEST(CryptKeyTest, OfATableThatHeldAKeyNothingIsLeftInMemory) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's own memory takes too long to search";
#endif
  std::string flags, known;
  Control control(std::make_unique<Kernel>(flags));
  {
    const Secret secret = Secret::random(64);
    known = disguised_hex(test::disguised(secret.bytes()));
    const Table table = whole_device(Sectors{8}, crypt_with(secret.hex()));
    EXPECT_TRUE(own_memory_holds(known)) << "the search finds what is there";
    control.load(DmName("x"), table, false, true);
  }
  EXPECT_EQ(flags, "secure");
  EXPECT_FALSE(own_memory_holds(known));
}

}  // namespace
}  // namespace cowshed::dm
