// SPDX-License-Identifier: Apache-2.0
#include "api/json.h"
#include "cli/commands.h"
#include "cli/doctor_view.h"

namespace cowshed::cli {

namespace {

bool doctor(Session& session, const api::Doctor& request) {
  const auto answer = session.api().call(request);
  const auto& console = session.console;
  console.print(console.json ? api::to_json(answer)
                             : doctor_text(answer, Terminal::of_stdout(), console.quiet));
  return answer.is_well();
}

}  // namespace

void add_doctor_command(CLI::App& parent, Session& session) {
  add_command<api::Doctor>(parent, session, "doctor",
                           "Say what this host lacks, and what to do about it; changes nothing", doctor);
}

}  // namespace cowshed::cli
