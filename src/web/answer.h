// SPDX-License-Identifier: Apache-2.0
// An answer as it goes over the wire.
#pragma once

#include <string>

#include "web/request.h"
#include "web/server.h"

namespace gyr {

// A page that says why there is none. `why` stands in JSON as it is.
WebReply refusal(int status, const char* why);

// HTTP/1.1, after which the connection is closed; to HEAD without the body, packed where the
// request takes that and the page is of some size.
std::string format_answer(const WebRequest& request, WebReply reply);

}  // namespace gyr
