//! What errors of the other side mean.

use super::wire::Error;
use crate::duplex::refusals::presentable;
use crate::duplex::{Refusal, RefusalKind};
use crate::types::Secret;

/// What an error says, and what can be done about it. `late` is told of what may come too late.
pub(super) fn refusal(error: &Error, late: bool, keys: &[Secret]) -> Refusal {
    let names = [&error.code, &error.kind];
    let named = names.into_iter().flatten().find_map(|name| kind(name));
    let kind = match named {
        Some(RefusalKind::Invalid) | None if late => RefusalKind::TooLate,
        Some(kind) => kind,
        None => RefusalKind::Failed,
    };
    let message = error.message.as_deref().unwrap_or("(no reason)");
    let code = error.code.clone().or_else(|| error.kind.clone());
    Refusal {
        kind,
        code: code.map(|code| presentable(&code, keys)),
        message: presentable(message, keys),
    }
}

/// Whether no session can be had, whatever is told to it.
pub(super) fn is_final(refusal: &Refusal) -> bool {
    matches!(refusal.kind, RefusalKind::Unauthorized | RefusalKind::Expired)
}

/// By its code, or by its type, which says less.
fn kind(name: &str) -> Option<RefusalKind> {
    let has = |word: &str| name.contains(word);
    Some(match name {
        "session_expired" => RefusalKind::Expired,
        "response_cancel_not_active" | "conversation_already_has_active_response" => {
            RefusalKind::TooLate
        }
        "insufficient_quota" | "billing_hard_limit_reached" | "account_deactivated" => {
            RefusalKind::Unauthorized
        }
        _ if has("api_key") || has("authentication") || has("permission") => {
            RefusalKind::Unauthorized
        }
        _ if has("rate_limit") || has("overloaded") || has("too_many") => RefusalKind::Busy,
        _ if has("server_error") || has("internal") => RefusalKind::Failed,
        _ if has("invalid") || has("unknown") || has("missing") || has("not_found") => {
            RefusalKind::Invalid
        }
        _ if has("not_active") || has("already") => RefusalKind::TooLate,
        _ if has("empty") || has("unsupported") || has("too_") => RefusalKind::Invalid,
        _ => return None,
    })
}
