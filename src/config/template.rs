//! A settings file to start from.

use std::fmt::Write;

use super::table::TABLE;

/// A settings file with every setting as a comment: its help, its variable and its default.
#[must_use]
pub fn template() -> String {
    let mut text = "# Settings of banter. Remove the # before a setting to change it.\n".to_owned();
    let mut table = "";
    for setting in TABLE {
        let (inside, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if inside != table {
            table = inside;
            let _infallible = write!(text, "\n[{table}]\n");
        }
        let default = match setting.kind.is_text() {
            true => format!("{:?}", setting.default),
            false => setting.default.to_owned(),
        };
        let allowed = setting.kind.allowed().map(|words| format!(": {words}")).unwrap_or_default();
        let _infallible = writeln!(text, "# {}{allowed} ({}).", setting.help, setting.variable());
        // A number cannot be empty, so that one without a default has no line to uncomment.
        let line = if default.is_empty() { "no default" } else { &default };
        let mark = if default.is_empty() { "# " } else { "#" };
        let _infallible = writeln!(text, "{mark}{name} = {line}");
    }
    text
}
