// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace bench {

void forget_files() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << "3\n";
}

long kib_of_memory(std::string_view line) {
  std::ifstream memory("/proc/meminfo");
  for (std::string word; memory >> word;)
    if (word == line) {
      long kib = 0;
      memory >> kib;
      return kib;
    }
  return 0;
}

}  // namespace bench
