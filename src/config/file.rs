//! What a settings file says: its text in, its values with their lines out.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::SettingError;
use super::table::{Setting, TABLE};
use super::value::nearest;

/// A settings file that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileText {
    /// Its name, for errors.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A value as it stands in a file.
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) place: String,
}

impl FileText {
    /// All that it sets, and all that is wrong with it.
    pub(super) fn entries(&self) -> (Vec<Entry>, Vec<SettingError>) {
        let (mut entries, mut wrong) = (Vec::new(), Vec::new());
        match DeTable::parse(&self.text) {
            Ok(table) => self.collect("", table.get_ref(), &mut entries, &mut wrong),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                wrong.push(SettingError::new(self.place(at), error.message().to_owned()));
            }
        }
        (entries, wrong)
    }

    fn collect(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        entries: &mut Vec<Entry>,
        wrong: &mut Vec<SettingError>,
    ) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let place = self.place(name.span().start);
            let inside = format!("{key}.");
            let is_table = TABLE.iter().any(|setting| setting.key.starts_with(&inside));
            match (value.get_ref(), Setting::of(&key)) {
                (DeValue::Table(table), None) if is_table => {
                    self.collect(&inside, table, entries, wrong);
                }
                (_, Some(setting)) => match text_of(setting, value) {
                    Ok(text) => entries.push(Entry { setting, text, place }),
                    Err(problem) => {
                        wrong.push(SettingError::new(place, format!("{key}: {problem}")));
                    }
                },
                (_, None) if is_table => {
                    wrong.push(SettingError::new(place, format!("{key} is a table: [{key}]")));
                }
                (_, None) => wrong.push(SettingError::new(place, unknown(&key))),
            }
        }
    }

    fn place(&self, at: usize) -> String {
        let line = self.text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1;
        format!("{}:{line}", self.name)
    }
}

/// Says that there is no such setting or table, and what was likely meant.
pub(super) fn unknown(key: &str) -> String {
    let tables = TABLE.iter().filter_map(|setting| setting.key.split_once('.')).map(|(t, _)| t);
    let hint = nearest(key, TABLE.iter().map(|setting| setting.key).chain(tables));
    let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    format!("there is no setting `{key}`{hint}")
}

fn text_of(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(text) if setting.kind.is_text() => Ok(text.to_string()),
        // `stream = true` reads better than `stream = "true"`.
        DeValue::Boolean(yes) if setting.key == "stt.stream" => Ok(yes.to_string()),
        DeValue::Boolean(yes) if !setting.kind.is_text() => Ok(yes.to_string()),
        DeValue::Integer(number) if !setting.kind.is_text() => Ok(number.as_str().to_owned()),
        DeValue::Float(number) if !setting.kind.is_text() => Ok(number.as_str().to_owned()),
        other if setting.kind.is_text() => {
            Err(format!("expected a text in quotes, found: {}", other.type_str()))
        }
        other => Err(format!("expected a value without quotes, found: {}", other.type_str())),
    }
}
