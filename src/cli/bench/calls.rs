//! Makes the calls, one after the other.

use std::io::{Write, stderr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Whose;
use super::load::Caller;
use super::progress::Progress;
use crate::bench::call::{self, Call, Record};
use crate::bench::machine;
use crate::bench::measure::{Measured, Spent};
use crate::bench::person::Person;
use crate::bench::remote::{Launch, MockServer};
use crate::bench::scenario::Scenario;
use crate::bench::services::{Delays, Log, Overrides, Profile};
use crate::cli::conversation::PackFlags;
use crate::cli::talk::{AT_ONCE, Ends};
use crate::config::{Factory, Settings};
use crate::duplex::SocketDuplex;
use crate::events::EventKind;
use crate::ids::SessionId;
use crate::net::{Dial, Endpoint, Http, HttpClient, SocketClient};
use crate::providers::exchanges::ExchangeLog;
use crate::providers::metrics::{ModelMetrics, ModelReport};
use crate::session::{Cast, DuplexEngines, Engines, Session, SessionConfig, Voice};
use crate::time::SessionClock;
use crate::tools::{ClockTool, ToolRegistry};
use crate::types::Secret;
use crate::vad::Vad;

/// Whoever makes the calls.
pub(super) struct Calls<'a> {
    settings: &'a Settings,
    /// The prompt in place of the instructions.
    pack: Option<&'a PackFlags>,
    /// Where what models are asked and answer is written.
    exchanges: Option<ExchangeLog>,
    metrics: ModelMetrics,
    http: Arc<dyn Http>,
    sockets: Arc<SocketClient>,
    whose: Whose,
    profile: Option<Profile>,
    /// The services of the last call serve the next one too, if it wants the same.
    server: Option<(Launched, MockServer)>,
    /// The core of the services; any, if `None`.
    pin: Option<usize>,
    made: u32,
}

/// What services were asked for.
type Launched = (Profile, Overrides);

/// A call that was made.
pub(super) struct Made {
    pub(super) measured: Measured,
    /// It was ended by Ctrl-C.
    pub(super) interrupted: bool,
}

impl<'a> Calls<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        whose: Whose,
        profile: Option<Profile>,
    ) -> anyhow::Result<Self> {
        let (http, sockets) = (Arc::new(HttpClient::new()?), Arc::new(SocketClient::new()?));
        let (pack, exchanges, server, pin) = (None, None, None, None);
        let metrics = ModelMetrics::default();
        Ok(Self {
            settings,
            pack,
            exchanges,
            metrics,
            http,
            sockets,
            whose,
            profile,
            server,
            pin,
            made: 0,
        })
    }

    /// The same by the prompt of a pack, if these flags name one.
    pub(super) fn by(mut self, pack: &'a PackFlags) -> Self {
        self.pack = pack.pack.is_some().then_some(pack);
        self
    }

    /// The same with what models are asked and answer written there.
    pub(super) fn recorded(self, exchanges: Option<ExchangeLog>) -> Self {
        Self { exchanges, ..self }
    }

    /// The same on one core, and the services on another: what is measured then is the sessions.
    pub(super) fn pinned(mut self) -> anyhow::Result<Self> {
        if let [first, .., last] = machine::cores()[..] {
            machine::pin(&[first]).context("cannot stay on one core")?;
            self.pin = Some(last);
        } else {
            writeln!(stderr(), "warning: the mock services share this only core with the calls")?;
        }
        Ok(self)
    }

    /// What the models did.
    pub(super) fn models(&self) -> Vec<ModelReport> {
        self.metrics.report()
    }

    /// What is measured, in words.
    pub(super) fn target(&self) -> String {
        match (self.whose, self.profile) {
            (Whose::Services, Some(profile)) => format!("mock services, profile {profile}"),
            (Whose::Services, None) => "mock services, profiles of the scenarios".to_owned(),
            (Whose::Own, _) => {
                let engine = |key| self.settings.text(key).unwrap_or_default();
                let [stt, llm, tts] = ["stt.engine", "llm.engine", "tts.engine"].map(engine);
                format!("engines of the settings: stt {stt}, llm {llm}, tts {tts}")
            }
        }
    }

    /// Makes the call `number` of so many; `None` if it was ended before it began.
    pub(super) async fn make(
        &mut self,
        scenario: &Scenario,
        number: (usize, usize),
        ends: &mut Ends,
    ) -> anyhow::Result<Option<Made>> {
        let caller = format!("bench-{}-{}", std::process::id(), self.made);
        self.made += 1;
        let prepared = ends.unless(self.prepare(scenario, caller.clone())).await;
        let Some(prepared) = prepared else { return Ok(None) };
        let call = prepared?;
        let progress =
            Arc::new(Mutex::new(Progress::new(&scenario.name, scenario.texts().len(), number)));
        let (record, spent, interrupted) = follow(call, &progress, ends).await?;
        let log = self.log(&caller).await?;
        let mut measured = Measured::of(scenario, &record, log.as_ref(), spent);
        if interrupted {
            // What was not said because of that is no failure.
            measured.checks.clear();
        }
        Ok(Some(Made { measured, interrupted }))
    }

    /// A call that can begin at once.
    async fn prepare(&mut self, scenario: &Scenario, name: String) -> anyhow::Result<Call> {
        let utterances = scenario.utterances().await?;
        self.cast(scenario, Caller { name, utterances, script: scenario.services.script.clone() })
            .await
    }

    /// A call of `caller`, which can begin at once.
    pub(super) async fn cast(
        &mut self,
        scenario: &Scenario,
        caller: Caller,
    ) -> anyhow::Result<Call> {
        let vad = scenario.vad.as_deref().or(self.settings.text("vad.engine")).unwrap_or_default();
        let vad = self.factory().detector(vad)?;
        let (cast, tool) = match self.whose {
            Whose::Services => self.mock(scenario, &caller, vad).await?,
            Whose::Own => (self.own(vad).await?, Duration::ZERO),
        };
        let config = SessionConfig {
            id: SessionId::new(caller.name),
            end_model: self.factory().end_model()?,
            ..self.settings.session()
        };
        let greeting = scenario.agent.greeting.as_deref().or(self.settings.text("greeting"));
        let greeting = greeting.filter(|greeting| !greeting.trim().is_empty());
        let person = Person::new(caller.utterances).greeted(greeting.is_some());
        let session = self.session(cast, scenario.agent.apply(config)).await?;
        let call = Call::of(session, person).with_tools_of(tool);
        if let Some(greeting) = greeting {
            call.greet(greeting)?;
        }
        Ok(call)
    }

    /// A session, by the pack and within the budget of tokens if there are any.
    async fn session(&self, cast: Cast, config: SessionConfig) -> anyhow::Result<Session> {
        let budget = self.factory().context()?;
        let config = SessionConfig { context: budget.clone(), ..config };
        let engines = match (cast, self.pack) {
            (cast, None) => return Ok(Session::with_cast(cast, config)),
            (Cast::Asm(_), Some(_)) => bail!("--pack measures VAD mode: leave mode=asm out"),
            (Cast::Vad(engines), Some(_)) => engines,
        };
        let Some(pack) = self.pack else { bail!("there is no pack") };
        let Engines { vad, transcriber, provider, synthesizer, tools } = engines;
        let name = provider.name().to_owned();
        let mut opening = pack.opening_with(self.settings, (provider, &name), tools)?;
        if let Some(budget) = budget {
            opening = opening.context(budget);
        }
        let conversation = opening.start().await?;
        let voice = Voice { vad, transcriber, synthesizer };
        Ok(conversation.open_duplex(voice, config).await?)
    }

    /// Mock services in a process of their own, and what a tool takes.
    async fn mock(
        &mut self,
        scenario: &Scenario,
        Caller { name, script, .. }: &Caller,
        vad: Box<dyn Vad>,
    ) -> anyhow::Result<(Cast, Duration)> {
        let services = &scenario.services;
        let Delays { tool, .. } = services.delays(self.profile)?;
        // Tools are called here.
        let overrides = Overrides { tool_ms: None, ..services.overrides.clone() };
        let wanted = (services.profile(self.profile), overrides);
        if self.server.as_ref().is_none_or(|(launched, _)| *launched != wanted) {
            let (profile, overrides) = wanted.clone();
            let launch = Launch { overrides, pin: self.pin, ..Launch::new(profile) };
            let server = launch.start(Arc::clone(&self.http)).await;
            self.server = Some((wanted, server.context("the mock services do not start")?));
        }
        let Some((_, server)) = &self.server else { bail!("there are no mock services") };
        server.services().script(name, script).await?;
        let tools = call::tools(script, tool);
        let url = server.services().url();
        let cast = match self.settings.text("mode") {
            Some("asm") => Cast::Asm(self.duplex(url, name, (vad, tools))?),
            _ => {
                let engines = call::engines(&self.http, url, name, (vad, tools))?;
                Cast::Vad(Engines {
                    provider: self.factory().observed(engines.provider),
                    ..engines
                })
            }
        };
        Ok((cast, tool))
    }

    /// A model that speaks for itself, at the services, which know the caller by its key.
    fn duplex(
        &self,
        url: &str,
        name: &str,
        (vad, tools): (Box<dyn Vad>, ToolRegistry),
    ) -> anyhow::Result<DuplexEngines> {
        let by_gemini = self.settings.text("duplex.provider") == Some("gemini");
        let base = if by_gemini { url.trim_end_matches("/v1") } else { url };
        let endpoint = Endpoint::new(base, Some(Secret::new(name)))?;
        let protocol = self.factory().protocol(endpoint, Some("mock"))?;
        let dial: Arc<dyn Dial> = Arc::clone(&self.sockets) as _;
        let provider = Arc::new(SocketDuplex::new(protocol, dial));
        Ok(DuplexEngines { vad, provider, tools: Arc::new(tools) })
    }

    fn factory(&self) -> Factory<'_> {
        let factory = Factory::new(self.settings, || Ok(Arc::clone(&self.http)));
        factory.recording(self.exchanges.clone()).counted_in(self.metrics.clone())
    }

    /// The engines of the settings, ready.
    async fn own(&self, vad: Box<dyn Vad>) -> anyhow::Result<Cast> {
        let factory = self.factory();
        let mut tools = ToolRegistry::new();
        tools.register(ClockTool::new())?;
        if self.settings.text("mode") == Some("asm") {
            let provider = factory.duplex(Arc::clone(&self.sockets) as _)?;
            return Ok(Cast::Asm(DuplexEngines { vad, provider, tools: Arc::new(tools) }));
        }
        let transcriber = factory.transcriber()?;
        crate::cli::talk::warm(transcriber.as_ref()).await?;
        Ok(Cast::Vad(Engines {
            vad,
            transcriber,
            provider: factory.provider()?,
            synthesizer: factory.synthesizer()?,
            tools: Arc::new(tools),
        }))
    }

    /// What the services were asked by this caller; `None` if they are not ours.
    pub(super) async fn log(&self, caller: &str) -> anyhow::Result<Option<Log>> {
        match &self.server {
            Some((_, server)) => Ok(Some(server.services().take_log(caller).await?)),
            None => Ok(None),
        }
    }
}

/// Makes a call, shows how it goes, and ends it in good order at Ctrl-C; at a second one, at once.
async fn follow(
    call: Call,
    progress: &Arc<Mutex<Progress>>,
    ends: &mut Ends,
) -> anyhow::Result<(Record, Spent, bool)> {
    let shown = |show: &dyn Fn(&mut Progress)| {
        show(&mut progress.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let base_kib = machine::resident_kib();
    let peak = Arc::new(Mutex::new(base_kib));
    let (watched, most) = (Arc::clone(progress), Arc::clone(&peak));
    let (handle, before) = (call.handle(), machine::cpu_time());
    let call = call.watched_by(Box::new(move |event| {
        watched.lock().unwrap_or_else(PoisonError::into_inner).see(event);
        if matches!(event.kind, EventKind::AgentSpeechStarted { .. } | EventKind::TurnEnded { .. })
        {
            let mut most = most.lock().unwrap_or_else(PoisonError::into_inner);
            *most = most.into_iter().chain(machine::resident_kib()).reduce(f64::max);
        }
    }));
    let clock = SessionClock::live();
    let mut running = pin!(call.run());
    let mut interrupted = false;
    let record = loop {
        tokio::select! {
            biased;
            record = &mut running => break record?,
            () = ends.next() => {
                if interrupted {
                    bail!(AT_ONCE);
                }
                interrupted = true;
                handle.stop();
            }
            () = clock.sleep(SECOND) => shown(&Progress::tick),
        }
    };
    let cpu_s = machine::cpu_time().saturating_sub(before).as_secs_f64();
    shown(&Progress::done);
    let peak_kib = *peak.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((record, Spent { cpu_s, base_kib, peak_kib }, interrupted))
}

const SECOND: Duration = Duration::from_secs(1);
