//! The model that the examples on media ask: a real one, or the mock services on a local port.

use std::error::Error;
use std::sync::Arc;

use banter::Provider;
use banter::bench::services::{Answer, Profile, Script, Services};
use banter::net::{Endpoint, HttpClient};
use banter::providers::OpenAi;
use banter::server::mock::Mock;
use banter::session::{TextConfig, TextEvent, TextSession};
use banter::types::{Message, Secret};

/// The model, and what it is.
pub(crate) struct Model {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) note: String,
    /// The mock services, which know what they were shown.
    pub(crate) services: Option<Arc<Services>>,
}

impl Model {
    /// A real model if `OPENAI_API_KEY` or `--base-url URL` says where; `--model NAME` is its name.
    /// Else a mock, which says `answer`.
    pub(crate) async fn chosen(answer: &str) -> Result<Self, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let (mut base, mut model) = (None, "gpt-4o-mini".to_owned());
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or(format!("{flag} wants a value"))?;
            match &*flag {
                "--base-url" => base = Some(value),
                "--model" => model = value,
                _ => return Err(format!("there is no {flag}; --base-url, --model").into()),
            }
        }
        let key = std::env::var("OPENAI_API_KEY").ok().filter(|key| !key.is_empty());
        if base.is_none() && key.is_none() {
            return Self::mock(answer).await;
        }
        let base = base.unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
        let endpoint = Endpoint::new(&base, key.map(Secret::new))?;
        let provider = Arc::new(OpenAi::new(Arc::new(HttpClient::new()?), endpoint, &*model));
        Ok(Self { provider, note: format!("{model} at {base}"), services: None })
    }

    /// A mock on a port of this machine, which says `answer` whatever it is shown.
    pub(crate) async fn mock(answer: &str) -> Result<Self, Box<dyn Error>> {
        let services = Arc::new(Services::new(Profile::Fast.delays(), 1));
        services.script(KEY, Script { answers: vec![Answer::from(answer)], ..Script::default() });
        let mock = Mock::bind(([127, 0, 0, 1], 0).into(), Arc::clone(&services)).await?;
        let endpoint = Endpoint::new(&mock.url(), Some(Secret::new(KEY)))?;
        tokio::spawn(mock.serve(std::future::pending()));
        let provider = Arc::new(OpenAi::new(Arc::new(HttpClient::new()?), endpoint, "mock"));
        let note = "a mock, which looks at nothing".to_owned();
        Ok(Self { provider, note, services: Some(services) })
    }

    /// Asks it, and gives its whole answer.
    pub(crate) async fn ask(&self, message: Message) -> Result<String, Box<dyn Error>> {
        let provider = Arc::clone(&self.provider);
        let mut session = TextSession::new(provider, Arc::default(), TextConfig::default());
        let mut reply = session.send(message);
        let mut answer = String::new();
        while let Some(event) = reply.next().await {
            match event {
                TextEvent::Delta(text) => answer += &text,
                TextEvent::Failed { error } => return Err(error.into()),
                _ => {}
            }
        }
        if let Some(entry) = self.services.as_ref().and_then(|all| all.log(KEY).entries.pop()) {
            answer += &format!(" (The mock was sent {} image, sound or file.)", entry.media);
        }
        Ok(answer)
    }
}

/// Whose script and log it is at the mock.
const KEY: &str = "example";
