// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"

namespace cowshed::cli {

namespace {

bool recover(Session& session, const api::Recover& request) {
  const auto answer = session.api().call(request);
  if (session.console.json) {
    session.console.print(api::to_json(answer));
    return answer.complete;
  }
  for (const auto& line : answer.lines) session.console.print(one_line(line));
  if (answer.lines.empty()) session.console.note("nothing to recover");
  return answer.complete;
}

}  // namespace

void add_general_commands(CLI::App& parent, Session& session) {
  {
    const auto [command, request] =
        add_command<api::Recover>(parent, session, "recover",
                                  "Put right what a crash left; done by itself when it is noticed", recover);
    command->add_flag("--dry-run", request->dry_run, "Only tell what would be done");
  }
  add_view_commands(parent, session);
  add_doctor_command(parent, session);
  add_top_command(parent, session);
  add_service_commands(parent, session);
}

}  // namespace cowshed::cli
