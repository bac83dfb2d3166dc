// SPDX-License-Identifier: Apache-2.0
#include "pools/plugin_loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pools/plugin.h"
#include "pools/plugin_note.h"

namespace cowshed::pools {

namespace {

constexpr unsigned trial_seconds = 20;
/// None that a plug-in would end the program with by accident.
constexpr int trial_survived = 86;

Error refusal(const Path& file, std::string_view why) {
  return {ErrorKind::invalid_argument, fmt::format("plug-in '{}' {}", file.native(), why)};
}

/// It runs with the rights of this process.
void refuse_if_changeable(const Fd& fd, const Path& file) {
  struct stat st {};
  if (::fstat(fd.get(), &st) < 0) throw Error::from_errno(errno, fmt::format("'{}'", file.native()));
  if (!S_ISREG(st.st_mode)) throw refusal(file, "is no file");
  const bool is_ours = st.st_uid == 0 || st.st_uid == ::geteuid();
  if (!is_ours || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw Error(ErrorKind::permission,
                fmt::format("plug-in '{}' can be changed by others than root and this user: "
                            "chown root and chmod go-w",
                            file.native()));
}

void check_abi(const PluginAbi& found, const Path& file) {
  if (found.version != plugin_abi_version)
    throw refusal(file, fmt::format("was built for version {} of the driver interface, this program has {}: "
                                    "build it anew",
                                    found.version, plugin_abi_version));
  if (found != PluginAbi{})
    throw refusal(file,
                  "was built with another compiler, standard library or set of options than this "
                  "program: build it anew");
}

/// By the descriptor, so that what was checked is what is loaded. It stays open: the loader knows what it has
/// loaded by its path, which is to be nobody else's.
PluginEntry find_entry(const Path& file, Fd fd) {
  static std::vector<Fd> opened;
  opened.push_back(std::move(fd));
  void* const loaded = ::dlopen(path_to(opened.back()).c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (loaded == nullptr) throw refusal(file, fmt::format("does not load: {}", ::dlerror()));
  void* const entry = ::dlsym(loaded, plugin_entry_name);
  if (entry == nullptr) throw refusal(file, "does not end in COWSHED_PLUGIN (docs/drivers.md)");
  return reinterpret_cast<PluginEntry>(entry);
}

void check_driver(const Driver& driver, const Path& file) {
  if (driver.name.empty() || !driver.make)
    throw refusal(file, "describes no driver: it has no name or no make");
  for (const Driver& built_in : drivers())
    if (built_in.name == driver.name)
      throw refusal(file, fmt::format("calls its driver '{}', as one of this program's own", driver.name));
}

/// By one thread at a time.
std::unique_ptr<const Driver> load(const Path& file) {
  Fd fd = open_file(file, O_RDONLY);
  refuse_if_changeable(fd, file);
  check_abi(read_plugin_abi(fd, file), file);
  auto driver = std::make_unique<Driver>();
  try {
    find_entry(file, std::move(fd))(*driver);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& failure) {
    throw refusal(file, fmt::format("fails: {}", failure.what()));
  } catch (...) {
    throw refusal(file, "fails");
  }
  check_driver(*driver, file);
  return driver;
}

[[noreturn]] void load_and_end(const Path& file) {
  ::prctl(PR_SET_DUMPABLE, 0);
  ::alarm(trial_seconds);
  if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0)
    for (const int output : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, output);
  try {
    load(file);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the parent meets it, too, and says what it is
  }
  ::_exit(trial_survived);
}

}  // namespace

const Driver& load_plugin(const Path& file) {
  static std::mutex mutex;
  static std::map<Path, std::unique_ptr<const Driver>> loaded;
  const std::lock_guard guard(mutex);
  auto& driver = loaded[file];
  if (!driver) driver = load(file);
  return *driver;
}

void try_plugin(const Path& file) {
  const pid_t child = ::fork();
  if (child < 0) throw Error::from_errno(errno, "fork");
  if (child == 0) load_and_end(file);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Error::from_errno(errno, "wait for the trial of a plug-in");
  if (WIFSIGNALED(status))
    throw refusal(file, fmt::format("crashes as it is loaded: {}", ::strsignal(WTERMSIG(status))));
  if (WEXITSTATUS(status) != trial_survived) throw refusal(file, "ends the program as it is loaded");
}

}  // namespace cowshed::pools
