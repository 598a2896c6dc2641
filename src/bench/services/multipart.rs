//! Reads a form (`multipart/form-data`), as far as a service of transcription needs it.

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) is_file: bool,
    pub(super) value: &'a [u8],
}

/// The parts of a whole form; `None` if it is none, or has no end.
///
/// The boundary is what its first line says, which every client writes at the very beginning.
pub(super) fn parts(body: &[u8]) -> Option<Vec<Part<'_>>> {
    let line = &body[..find(body, b"\r\n")?];
    if line.len() < 3 || !line.starts_with(b"--") {
        return None;
    }
    let separator = [b"\r\n", line].concat();
    let mut rest = &body[line.len()..];
    let mut parts = Vec::new();
    // After a separator: the end of the form, or the end of its line and a part.
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, &separator)?;
        parts.extend(part(&rest[..end]));
        rest = &rest[end + separator.len()..];
    }
    Some(parts)
}

/// A part of its head and its value; `None` if it has no name.
fn part(part: &[u8]) -> Option<Part<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
        })
    };
    let (name, value) = (parameter("name")?, &part[end + 4..]);
    Some(Part { name, is_file: parameter("filename").is_some(), value })
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(hay, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] =
        b"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
        --x\r\ncontent-type: audio/wav\r\ncontent-disposition: form-data; filename=\"a;b.wav\"; \
        name=file\r\n\r\n\r\n\0--x\r\n\r\n--x--\r\n";

    #[test]
    fn a_form_has_fields_and_a_file() {
        let [model, file] = parts(FORM).unwrap()[..] else { panic!("not two") };
        assert_eq!(model, Part { name: "model", is_file: false, value: b"whisper-1" });
        // What looks like a boundary in the middle of a line is none.
        assert_eq!(file, Part { name: "file", is_file: true, value: b"\r\n\0--x\r\n" });
    }

    #[test]
    fn what_is_no_whole_form_is_refused() {
        for len in 0..FORM.len() - 4 {
            assert_eq!(parts(&FORM[..len]), None, "{len}");
        }
        assert_eq!(parts(b"{\"model\":1}\r\n"), None);
        assert_eq!(parts(b"--\r\n----"), None);
        assert_eq!(parts(b"--x\r\nno head\r\n--x--"), Some(Vec::new()));
        assert_eq!(parts(b"--x--\r\n"), None);
    }
}
