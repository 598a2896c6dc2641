//! A provider with what its spec says of it beside its type: its prices, and its defaults: the one place where what a request says beats what a spec says, which
//! beats what a registry says.

use std::sync::Arc;

use crate::providers::retry::Retries;
use crate::providers::{Capabilities, Prices, Provider, ProviderRequest, ProviderStream};
use crate::types::Parameters;

/// A provider, what it is told where a request says nothing, and what it costs if its spec says so.
#[derive(Debug)]
pub(super) struct Preset {
    provider: Arc<dyn Provider>,
    defaults: Parameters,
    prices: Option<Prices>,
}

impl Preset {
    /// The provider itself, if there is nothing to say of it.
    pub(super) fn over(
        provider: Arc<dyn Provider>,
        defaults: Parameters,
        prices: Option<Prices>,
    ) -> Arc<dyn Provider> {
        match defaults == Parameters::default() && prices.is_none() {
            true => provider,
            false => Arc::new(Self { provider, defaults, prices }),
        }
    }
}

impl Provider for Preset {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn is_metered(&self) -> bool {
        self.provider.is_metered()
    }

    fn prices(&self) -> Option<Prices> {
        self.prices.or_else(|| self.provider.prices())
    }

    fn retries(&self) -> Option<&Retries> {
        self.provider.retries()
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let parameters = self.defaults.clone().overridden(request.parameters);
        self.provider.stream(ProviderRequest { parameters, ..request })
    }

    fn warm(&self) {
        self.provider.warm();
    }

    fn close(&self) {
        self.provider.close();
    }
}
