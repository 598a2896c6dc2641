//! Who takes part in a simulated call.

use std::sync::Arc;

use super::super::devices::{SimMicrophone, SimSpeaker};
use super::super::journal::{Happening, Journal, Who};
use super::super::mode::Mode;
use super::super::network::SimNetwork;
use super::super::play::{Play, Wish};
use super::super::weather::Weather;
use super::CALLER;
use crate::bench::call::{self, CallError};
use crate::bench::person::{Person, PersonLog};
use crate::events::{Event, EventKind, Subscription};
use crate::net::Http;
use crate::session::{DriveCommand, Session, SessionHandle};
use crate::time::{SessionClock, SessionTime};
use crate::vad::Vad;

/// The person and its devices.
pub(super) struct Cast {
    pub(super) microphone: SimMicrophone,
    pub(super) speaker: SimSpeaker,
    pub(super) log: PersonLog,
}

impl Cast {
    pub(super) fn new(
        play: &Play,
        weather: &Weather,
        journal: &Journal,
        clock: &SessionClock,
    ) -> Self {
        let clock = clock.clone();
        let (microphone, speaker, log) = Person::new(play.utterances.clone())
            .with_patience(play.patience)
            .greeted(play.greeting.is_some())
            .clocked_by(Arc::new(move || clock.now().as_nanos()))
            .devices();
        let drifts = |device, ppm| {
            if ppm != 0.0 {
                let what = Happening::Drifts { device, ppm };
                journal.note(SessionTime::ZERO, Who::Device, what);
            }
        };
        drifts("microphone", weather.microphone.drift_ppm);
        drifts("speaker", weather.speaker.drift_ppm);
        let (microphone, speaker) = (Box::new(microphone), Box::new(speaker));
        Self {
            microphone: SimMicrophone::new(microphone, weather.microphone, journal.clone()),
            speaker: SimSpeaker::new(speaker, weather.speaker, journal.clone()),
            log,
        }
    }
}

/// The session, with the clients of services that a real call has.
pub(super) fn session(
    play: &Play,
    vad: Box<dyn Vad>,
    network: Arc<SimNetwork>,
) -> Result<Session, CallError> {
    let tools = call::tools(&play.script, play.delays.tool);
    let (config, base) = (play.config.clone(), "http://localhost/v1");
    Ok(match play.mode {
        Mode::Vad => {
            let http: Arc<dyn Http> = network;
            Session::new(call::engines(&http, base, CALLER, (vad, tools))?, config)
        }
        Mode::Asm(protocol) => {
            let service = (protocol, base);
            Session::duplex(call::duplex_engines(network, service, CALLER, (vad, tools))?, config)
        }
    })
}

/// Collects the events, and counts those that were lost. The person is told what the agent says.
pub(super) async fn listen(mut events: Subscription, person: PersonLog) -> (Vec<Event>, u64) {
    let (mut all, mut lost) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if let (Some(response), EventKind::ResponseText { text }) =
                    (event.response, &event.kind)
                {
                    person.tell_text(response, text);
                }
                all.push(event);
            }
            Err(count) => lost += count,
        }
    }
    (all, lost)
}

/// The program around the session.
#[derive(Clone)]
pub(super) struct Program {
    handle: SessionHandle,
    clock: SessionClock,
    journal: Journal,
}

impl Program {
    pub(super) fn new(
        session: &Session,
        play: &Play,
        clock: SessionClock,
        journal: Journal,
    ) -> Self {
        let program = Self { handle: session.handle(), clock, journal };
        if let Some(greeting) = &play.greeting {
            program.wish_now(&Wish::Say(greeting.clone()));
        }
        program
    }

    /// Wishes for things at their times.
    pub(super) async fn wish(self, mut wishes: Vec<(SessionTime, Wish)>) {
        wishes.sort_by_key(|(at, _)| *at);
        for (at, wish) in wishes {
            self.clock.sleep_until(at).await;
            self.wish_now(&wish);
        }
    }

    /// Plugs in again what was unplugged. A call without a microphone is ended.
    pub(super) async fn replug(
        self,
        microphone: SimMicrophone,
        speaker: SimSpeaker,
        weather: Weather,
    ) {
        let again = (microphone.again(), speaker.again());
        drop((microphone, speaker));
        let (microphone, speaker) = again;
        let hears = async {
            let Some(gone) = weather.microphone.gone else { return };
            match gone.back {
                Some(back) => {
                    self.clock.sleep_until(back).await;
                    let command = DriveCommand::Microphone(Box::new(microphone));
                    self.plug_in("microphone", command);
                }
                None => {
                    self.clock.sleep_until(gone.at + HOPE).await;
                    self.wish_now(&Wish::HangUp);
                }
            }
        };
        let speaks = async {
            if let Some(back) = weather.speaker.gone.and_then(|gone| gone.back) {
                self.clock.sleep_until(back).await;
                self.plug_in("speaker", DriveCommand::Speaker(Box::new(speaker)));
            }
        };
        tokio::join!(biased; hears, speaks);
    }

    fn plug_in(&self, device: &'static str, command: DriveCommand) {
        if self.handle.devices().exchange(command) {
            self.journal.note(self.clock.now(), Who::Device, Happening::Back { device });
        }
    }

    fn wish_now(&self, wish: &Wish) {
        let taken = wish.make(&self.handle).is_ok();
        let what = Happening::Wished { wish: wish.to_string(), taken };
        self.journal.note(self.clock.now(), Who::Program, what);
    }
}

/// How long somebody without a microphone goes on.
const HOPE: std::time::Duration = std::time::Duration::from_secs(5);
