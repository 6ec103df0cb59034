#pragma once

#include <napi.h>

#include "trace/transaction_finder.h"

namespace rmem {

/** What src/native.ts calls TransactionSearch. */
Napi::Object ToSearchResult(Napi::Env env, const TransactionSearch& search);

}  // namespace rmem
