//! What is shown over everything else.

use ratatui::Frame;
use ratatui::layout::Constraint;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::cli::screen::devices::Picker;
use crate::cli::screen::palette::Palette;
use crate::cli::screen::wrap::{columns, fit, plain};

/// What the keys do.
pub(super) fn help(frame: &mut Frame<'_>, palette: Palette) {
    let lines = KEYS.map(|(key, what)| Line::raw(format!(" {key:<9} {what} ")));
    popup(frame, " keys ", &lines, 0, palette);
}

/// The microphones and speakers to choose from.
pub(super) fn devices(frame: &mut Frame<'_>, picker: &Picker, palette: Palette) {
    let mut lines = Vec::new();
    for (at, (side, device)) in picker.choices().iter().enumerate() {
        let mark = if device.in_use { '*' } else { ' ' };
        let text = format!(" {mark} {:<10}  {} ", side.name(), plain(&device.name));
        let style = if at == picker.cursor() { palette.chosen() } else { Style::new() };
        lines.push(Line::styled(text, style));
    }
    if lines.is_empty() {
        let text =
            if picker.is_looking() { " looking for devices… " } else { " there are no devices " };
        lines.push(Line::raw(text));
    }
    popup(frame, " devices ", &lines, picker.cursor(), palette);
}

/// Lines in a box in the middle, scrolled so that one of them can be seen.
fn popup(
    frame: &mut Frame<'_>,
    title: &str,
    lines: &[Line<'static>],
    seen: usize,
    palette: Palette,
) {
    let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(columns(title));
    let (width, height) = (widest as u16 + 2, lines.len() as u16 + 2);
    let area = frame.area();
    let area =
        area.centered(Constraint::Length(width), Constraint::Length(height)).intersection(area);
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(title.to_owned()).border_style(palette.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let first = (seen + 1).saturating_sub(usize::from(inner.height));
    let fitting = |line: &Line<'static>| {
        Line::styled(fit(&line.to_string(), usize::from(inner.width)), line.style)
    };
    let lines: Vec<_> =
        lines.iter().skip(first).take(usize::from(inner.height)).map(fitting).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

const KEYS: [(&str, &str); 10] = [
    ("space", "begin your turn; again: end it"),
    ("t, Enter", "type; Enter sends, Esc leaves"),
    ("m", "mute the microphone; again: unmute"),
    ("d", "choose microphone and speaker"),
    ("a, r", "allow or refuse a call that waits"),
    ("PageUp", "earlier captions"),
    ("PageDown", "later captions"),
    ("?", "this help"),
    ("q", "end; again: leave at once"),
    ("Ctrl-C", "as q, also while you type"),
];
