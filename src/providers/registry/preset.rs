//! A provider with defaults: the one place where what a request says beats what a spec says, which
//! beats what a registry says.

use std::sync::Arc;

use crate::providers::retry::Retries;
use crate::providers::{Capabilities, Provider, ProviderRequest, ProviderStream};
use crate::types::Parameters;

/// A provider, and what it is told where a request says nothing.
#[derive(Debug)]
pub(super) struct Preset {
    provider: Arc<dyn Provider>,
    defaults: Parameters,
}

impl Preset {
    /// The provider itself, if there are no defaults.
    pub(super) fn over(provider: Arc<dyn Provider>, defaults: Parameters) -> Arc<dyn Provider> {
        match defaults == Parameters::default() {
            true => provider,
            false => Arc::new(Self { provider, defaults }),
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
