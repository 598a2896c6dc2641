//! Draws the state, whatever the size: what matters most stays when room is short.
//!
//! ```text
//!  ● listening   [muted]              banter  earshot · pocketsphinx · …
//!  you   ████▌  │    -23 dB   agent  ██      │  -41 dB
//!  captions                                  │ latency, notices
//!  ? a call that waits for the user
//!  > what is typed
//!  keys
//! ```

mod panels;
mod popups;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::floor::Floor;
use super::palette::Palette;
use super::state::{State, View};
use super::wrap::{columns, fit};

/// Draws all of it, and says how much room the captions got.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, palette: Palette) -> Size {
    let areas = Areas::of(frame.area(), state);
    status(frame, areas.status, state, palette);
    panels::meters(frame, areas.meters, state, palette);
    captions(frame, areas.captions, state, palette);
    panels::side(frame, areas.side, state, palette);
    panels::latency_line(frame, areas.latency, state, palette);
    panels::notice_line(frame, areas.notice, state, palette);
    asked(frame, areas.asked, state, palette);
    foot(frame, areas.foot, state, palette);
    match &state.view {
        View::Talk | View::Typing(_) => {}
        View::Devices(picker) => popups::devices(frame, picker, palette),
        View::Help => popups::help(frame, palette),
    }
    areas.captions.as_size()
}

/// What goes where. What gets no room has none.
#[derive(Debug)]
struct Areas {
    status: Rect,
    meters: Rect,
    captions: Rect,
    side: Rect,
    latency: Rect,
    notice: Rect,
    asked: Rect,
    foot: Rect,
}

impl Areas {
    fn of(area: Rect, state: &State) -> Self {
        let has_side = area.width >= WIDE && area.height >= HIGH;
        let has_notice = state.notices.newest_first().next().is_some();
        let row = |wanted: bool, from: u16| u16::from(wanted && area.height >= from);
        let asked = state.asked.rows(usize::from(area.width), most_asked(area)).len() as u16;
        let [status, meters, middle, latency, notice, asked, foot] =
            area.layout(&Layout::vertical([
                Constraint::Length(row(true, 3)),
                Constraint::Length(row(true, 5)),
                Constraint::Fill(1),
                Constraint::Length(row(!has_side && state.latencies.last().is_some(), 8)),
                Constraint::Length(row(!has_side && has_notice, 6)),
                Constraint::Length(asked),
                Constraint::Length(row(true, 2)),
            ]));
        let side = if has_side { SIDE } else { 0 };
        let [captions, side] =
            middle.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)]));
        Self { status, meters, captions, side, latency, notice, asked, foot }
    }
}

/// How many rows a call that waits may have.
fn most_asked(area: Rect) -> usize {
    usize::from(area.height / 3)
}

/// Who has the floor, and which engines are in use.
fn status(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let (mark, words) = match state.floor() {
        Floor::Listening => ("○", "listening"),
        Floor::You => ("●", "you speak"),
        Floor::Thinking => ("◌", "thinking"),
        Floor::Agent => ("◆", "the agent speaks"),
        Floor::Held => ("◇", "the agent pauses"),
    };
    let mut spans = vec![Span::styled(format!("{mark} {words}"), palette.floor(state.floor()))];
    let flags = [
        (state.ending, "ending…"),
        (state.missing.input, "no microphone"),
        (state.missing.output, "no speaker"),
        (state.muted, "muted"),
        (state.asleep, "asleep"),
        (state.pressed, "your turn is open"),
    ];
    for (_, text) in flags.into_iter().filter(|(on, _)| *on) {
        spans.push(Span::styled(format!(" [{text}]"), palette.warning()));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(area.width).saturating_sub(used);
    let title = fit(&format!("  {}  banter", state.engines.join(" · ")), room);
    spans.push(Span::raw(" ".repeat(room - columns(&title))));
    match title.strip_suffix("banter") {
        Some(engines) => {
            spans.push(Span::styled(engines.to_owned(), palette.dim()));
            spans.push(Span::styled("banter", palette.title()));
        }
        None => spans.push(Span::styled(title, palette.dim())),
    }
    frame.render_widget(Line::from(spans), area);
}

fn captions(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let rows = state.captions.rows(area.as_size());
    let empty = area.height.saturating_sub(rows.len() as u16);
    let lines: Vec<_> = std::iter::repeat_n(Line::default(), usize::from(empty))
        .chain(rows.into_iter().map(|row| {
            let name = Span::styled(row.label, palette.who(row.who));
            Line::from(vec![name, Span::styled(row.text, palette.words(row.who))])
        }))
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// The call that the user is to allow or refuse.
fn asked(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let rows = state.asked.rows(usize::from(area.width), most_asked(frame.area()));
    let lines = rows.into_iter().map(|row| Line::styled(row, palette.warning()));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
}

/// What is typed, or what the keys do.
fn foot(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let keys = match &state.view {
        View::Typing(line) => {
            let width = usize::from(area.width).saturating_sub(PROMPT.len());
            let (text, cursor) = line.view(width);
            frame.render_widget(Line::from(vec![PROMPT.into(), text.into()]), area);
            if area.height > 0 && width > 0 {
                let x = area.x + (PROMPT.len() + cursor) as u16;
                frame.set_cursor_position((x.min(area.right() - 1), area.y));
            }
            return;
        }
        View::Devices(_) => "↑↓ choose · Enter use · Esc back",
        View::Help => "any key: back",
        View::Talk if state.ending => "ending… · q again: leave at once",
        View::Talk if !state.asked.is_empty() && area.width < WIDE => {
            "a allow r refuse (? for help)"
        }
        View::Talk if !state.asked.is_empty() => {
            "a allow · r refuse · space talk · t type · m mute · ? help · q quit"
        }
        View::Talk if state.captions.is_scrolled() => "PageDown: later · PageUp: earlier · ? help",
        View::Talk if state.pressed => "space: your turn is over · m mute · ? help · q quit",
        View::Talk if area.width < WIDE => "space t m d ? q (? for help)",
        View::Talk => "space talk · t type · m mute · d devices · PageUp scroll · ? help · q quit",
    };
    let keys = fit(keys, usize::from(area.width));
    frame.render_widget(Line::styled(keys, palette.dim()), area);
}

const PROMPT: &str = "> ";

/// From this size on there is a panel at the side.
const WIDE: u16 = 72;
const HIGH: u16 = 14;

/// The panel's width.
const SIDE: u16 = 30;

#[cfg(test)]
mod tests;
