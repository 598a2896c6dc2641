//! How a conversation of the program comes to its end.

use std::pin::pin;

use anyhow::{Context as _, bail};
use futures_util::future::OptionFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cli::screen::LeftAtOnce;
use crate::session::{SessionError, Summary};

/// Runs the session beside its screen until both are over. Without a screen, which sees to it
/// itself, Ctrl-C ends it by `stop`, a second one at once. Says whether there was one.
///
/// A screen that fails ends the session in good order: what it records is finished first.
pub(super) async fn until_over(
    talking: impl Future<Output = Result<Summary, SessionError>>,
    warming: impl Future<Output = anyhow::Result<()>>,
    screen: Option<JoinHandle<anyhow::Result<()>>>,
    ends: &mut Ends,
    stop: impl Fn(),
) -> anyhow::Result<(Summary, bool)> {
    let (mut talking, mut warming) = (pin!(talking), pin!(warming));
    let mut has_screen = screen.is_some();
    let mut showing = pin!(OptionFuture::from(screen));
    let (mut warm, mut interrupted) = (false, false);
    let mut failed = None;
    let summary = loop {
        tokio::select! {
            summary = &mut talking => break summary,
            warmed = &mut warming, if !warm => {
                warm = true;
                if let Err(error) = warmed {
                    failed.get_or_insert(error);
                    stop();
                }
            }
            Some(left) = &mut showing, if has_screen => {
                has_screen = false;
                if let Err(error) = left.context("the screen has died").flatten() {
                    // Whoever leaves it before the end does not wait for the end.
                    if error.is::<LeftAtOnce>() {
                        return Err(error);
                    }
                    failed.get_or_insert(error);
                    stop();
                }
            }
            // The screen hears them itself.
            () = ends.next() => if !has_screen {
                if interrupted {
                    bail!(AT_ONCE);
                }
                interrupted = true;
                stop();
            }
        }
    };
    if has_screen && let Some(left) = showing.await {
        left.context("the screen has died")??;
    }
    match failed {
        Some(error) => Err(error),
        None => Ok((summary?, interrupted)),
    }
}

/// Ctrl-C, and what a system sends to end a program. From its making on, neither ends it by
/// itself.
pub(in crate::cli) struct Ends(mpsc::Receiver<()>);

impl Ends {
    pub(in crate::cli) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for Ctrl-C");
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let (ends, ended) = mpsc::channel(ENDS);
        tokio::spawn(async move {
            loop {
                let asked = tokio::select! {
                    asked = interrupt.recv() => asked,
                    asked = terminate.recv() => asked,
                    () = ends.closed() => None,
                };
                if asked.is_none() || ends.send(()).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self(ended))
    }

    /// Waits until the program is asked to end.
    pub(in crate::cli) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }

    /// Awaits `future`, but not when the program is asked to end.
    pub(in crate::cli) async fn unless<F: Future>(&mut self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.next() => None,
        }
    }
}

/// What is told who does not wait for the end.
pub(in crate::cli) const AT_ONCE: &str = "stopped before everything was written";

/// The second one ends the program, and no more are of any use.
const ENDS: usize = 2;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::anyhow;
    use tokio::sync::watch;

    use super::*;

    /// A session that is over when it is stopped; what came of it, and how often it was stopped.
    async fn end(
        screen: Option<JoinHandle<anyhow::Result<()>>>,
        asked: usize,
    ) -> (Result<bool, String>, u32) {
        let (stopping, mut stopped) = watch::channel(0_u32);
        let finished = AtomicU32::new(0);
        let talking = async {
            stopped.wait_for(|stops| *stops > 0).await.unwrap();
            // It still has to write what it recorded.
            for _ in 0..16 {
                tokio::task::yield_now().await;
            }
            finished.store(1, Ordering::Relaxed);
            let messages = Vec::new();
            let metrics = Vec::new();
            Ok(Summary { messages, turns: 0, under_runs: 0, recording_is_whole: true, metrics })
        };
        let (ends, ended) = mpsc::channel(ENDS);
        for _ in 0..asked {
            ends.send(()).await.unwrap();
        }
        let stop = || stopping.send_modify(|stops| *stops += 1);
        let over = until_over(talking, async { Ok(()) }, screen, &mut Ends(ended), stop).await;
        let over = over.map(|(_, interrupted)| interrupted).map_err(|error| format!("{error:#}"));
        (over, finished.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_screen_that_fails_ends_the_session_in_good_order() {
        let gone = tokio::spawn(async { Err(anyhow!("the terminal has gone")) });
        assert_eq!(end(Some(gone), 0).await, (Err("the terminal has gone".to_owned()), 1));
        let dead = tokio::spawn(async { panic!("a mistake of the screen, as it is to be") });
        let (over, finished) = end(Some(dead), 0).await;
        assert!(over.unwrap_err().starts_with("the screen has died"));
        assert_eq!(finished, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_screen_at_once_waits_for_nothing() {
        let left = tokio::spawn(async { Err(LeftAtOnce.into()) });
        let (over, finished) = end(Some(left), 0).await;
        assert_eq!((over, finished), (Err(LeftAtOnce.to_string()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_screen_the_first_wish_is_polite_and_the_second_is_not() {
        assert_eq!(end(None, 1).await, (Ok(true), 1));
        assert_eq!(end(None, 2).await, (Err(AT_ONCE.to_owned()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_when_the_program_is_to_end() {
        let (ends, ended) = mpsc::channel(ENDS);
        let mut ended = Ends(ended);
        assert_eq!(ended.unless(async { 1 }).await, Some(1));
        ends.send(()).await.unwrap();
        assert_eq!(ended.unless(std::future::pending::<()>()).await, None);
    }
}
