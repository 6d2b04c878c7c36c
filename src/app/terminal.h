// SPDX-License-Identifier: Apache-2.0
// Texts for the user: results on standard output, everything else on standard error.
#pragma once

#include <string_view>

#include "lang/diagnostic.h"

namespace gyr::app {

// Exit status 0, or 1 with a message when the text could not be written. A closed pipe is no fault.
int print_result(std::string_view text);
// To standard error. Where nothing can be written there is nobody to tell.
void say(std::string_view text);
// "Error: …" to standard error; exit status 1.
int print_error(std::string_view message);

// A fault in a text that came from the command line, underlined.
std::string fault_text(std::string_view what, std::string_view text, const TextFault& fault);

}  // namespace gyr::app
