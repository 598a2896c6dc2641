//! Meters, latency and notices.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use crate::cli::screen::latency::{PARTS, Turn};
use crate::cli::screen::meter::Meter;
use crate::cli::screen::palette::Palette;
use crate::cli::screen::state::State;
use crate::cli::screen::wrap::{fit, wrap};

/// How loud both are.
pub(super) fn meters(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let halves = Layout::horizontal([Constraint::Fill(1); 2]).spacing(1);
    let [you, agent] = area.layout(&halves);
    frame.render_widget(meter("you", state.input, state.muted, you.width, palette), you);
    frame.render_widget(meter("agent", state.output, false, agent.width, palette), agent);
}

fn meter(name: &str, meter: Meter, muted: bool, width: u16, palette: Palette) -> Line<'static> {
    let cells = usize::from(width).saturating_sub(NAME + VALUE);
    let (lit, peak) = meter.cells(cells);
    let empty = |from: usize, to: usize| "·".repeat(to.saturating_sub(from));
    let (rest, mark) = match peak.filter(|peak| *peak >= lit) {
        Some(peak) => (empty(lit, peak), "|".to_owned() + &empty(peak + 1, cells)),
        None => (empty(lit, cells), String::new()),
    };
    let value = match (muted, meter.is_silent()) {
        (true, _) => "muted".to_owned(),
        (false, true) => "–".to_owned(),
        (false, false) => format!("{:.0} dB", meter.level_db),
    };
    Line::from(vec![
        Span::raw(format!("{name:NAME$}")),
        Span::styled("█".repeat(lit), palette.level(meter.level_db)),
        Span::styled(rest, palette.dim()),
        Span::styled(mark, palette.level(meter.peak_db)),
        Span::raw(format!("{value:>VALUE$}")),
    ])
}

/// The last turns, and what goes wrong.
pub(super) fn side(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    if area.is_empty() {
        return;
    }
    let block = Block::new().borders(Borders::LEFT).border_style(palette.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width).saturating_sub(1);
    let mut lines = latencies(state, width, palette);
    let room = usize::from(inner.height).saturating_sub(lines.len() + 1);
    let notices = notices(state, width, room, palette);
    if !notices.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(notices);
    let lines: Vec<_> = lines
        .into_iter()
        .map(|mut line| {
            line.spans.insert(0, Span::raw(" "));
            line
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn latencies(state: &State, width: usize, palette: Palette) -> Vec<Line<'static>> {
    let Some(median) = state.latencies.median_ms() else {
        return vec![Line::styled("no turns yet", palette.dim())];
    };
    let count = state.latencies.turns().count();
    let head = format!("{median:.0} ms, median of last {count}");
    let mut lines = vec![Line::styled(fit(&head, width), palette.title())];
    let cells = width.saturating_sub(MS);
    let longest = state.latencies.longest_ms();
    lines.extend(state.latencies.turns().map(|turn| {
        let mut spans = bar(turn, cells, longest, palette);
        spans.insert(0, Span::raw(format!("{:>width$.0} ", turn.total_ms, width = MS - 1)));
        Line::from(spans)
    }));
    lines.push(legend(palette));
    lines
}

/// The bar of a turn. Its letters say which part is which.
fn bar(turn: &Turn, cells: usize, longest: f64, palette: Palette) -> Vec<Span<'static>> {
    let parts = turn.bar(cells, longest).into_iter().zip(PARTS).enumerate();
    let part = |(place, (cells, name)): (usize, (usize, &str))| {
        Span::styled(name[..1].repeat(cells), palette.part(place))
    };
    parts.map(part).collect()
}

fn legend(palette: Palette) -> Line<'static> {
    let names = PARTS.into_iter().enumerate().flat_map(|(place, name)| {
        let (initial, rest) = name.split_at(1);
        [
            Span::styled(initial, palette.part(place)),
            Span::styled(format!("{rest} "), palette.dim()),
        ]
    });
    Line::from_iter(names)
}

/// The newest notices, in as many rows as there are.
fn notices(state: &State, width: usize, room: usize, palette: Palette) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for notice in state.notices.newest_first() {
        let rows = wrap(&notice.text, width.saturating_sub(2));
        if lines.len() + rows.len() > room && !lines.is_empty() {
            break;
        }
        let style = palette.notice(notice.topic);
        let marks = std::iter::once("! ").chain(std::iter::repeat("  "));
        let rows = rows.into_iter().zip(marks);
        lines.extend(rows.map(|(row, mark)| Line::styled(mark.to_owned() + &row, style)));
    }
    lines.truncate(room);
    lines
}

/// The last turn in a row.
pub(super) fn latency_line(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let (Some(last), Some(median)) = (state.latencies.last(), state.latencies.median_ms()) else {
        return;
    };
    let text = format!("{:.0} ms, median {median:.0} ", last.total_ms);
    let cells = usize::from(area.width).saturating_sub(text.len());
    let mut spans = bar(last, cells, last.total_ms, palette);
    spans.insert(0, Span::raw(text));
    frame.render_widget(Line::from(spans), area);
}

/// The newest notice in a row.
pub(super) fn notice_line(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let Some(notice) = state.notices.newest_first().next() else { return };
    let text = fit(&format!("! {}", notice.text), usize::from(area.width));
    frame.render_widget(Line::styled(text, palette.notice(notice.topic)), area);
}

/// The columns of a meter's name, and of its value.
const NAME: usize = 6;
const VALUE: usize = 7;

/// The columns of a latency in milliseconds.
const MS: usize = 6;
