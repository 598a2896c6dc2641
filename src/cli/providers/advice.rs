//! What to do about a model that fails.

use crate::providers::ProviderErrorKind;

/// What to do about a failure of the provider `id`, which is at `address`.
pub(in crate::cli) fn advice(kind: ProviderErrorKind, id: &str, address: Option<&str>) -> String {
    let address = address.unwrap_or("its address");
    match kind {
        ProviderErrorKind::Unauthorized => format!("give `{id}` another key"),
        ProviderErrorKind::OutOfCredit => "top up the account of its key".to_owned(),
        ProviderErrorKind::NotFound => {
            format!("check the name of its model, and whether {address} is right")
        }
        ProviderErrorKind::RateLimited | ProviderErrorKind::Overloaded => {
            "try again later".to_owned()
        }
        ProviderErrorKind::TimedOut => {
            format!("try again; if it is always so slow, raise the time-out of `{id}`")
        }
        ProviderErrorKind::Network => {
            format!("check the network, and whether a server runs at {address}")
        }
        ProviderErrorKind::Protocol => {
            format!("check whether {address} and the type of `{id}` are right")
        }
        ProviderErrorKind::InvalidRequest | ProviderErrorKind::ContentPolicy => {
            format!("check the model and the options of `{id}`, or choose another model")
        }
        ProviderErrorKind::Failed => "try again; see what the server says".to_owned(),
    }
}
