use proptest::prelude::*;

use crate::media::pdf::pages;

/// A file of these objects, with its table.
fn file(objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    more(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec(), objects, trailer)
}

/// The same file, changed later.
fn more(mut file: Vec<u8>, objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    let mut table = "xref\n0 1\n0000000000 65535 f \n".to_owned();
    for (number, object) in objects {
        table += &format!("{number} 1\n{:010} 00000 n \n", file.len());
        file.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = file.len();
    let end = format!("{table}trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n");
    file.extend(end.bytes());
    file
}

const CATALOGUE: (u32, &str) = (1, "<< /Type /Catalog /Pages 2 0 R >>");
const TREE: (u32, &str) = (2, "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>");

/// A document that counts three.
pub(super) fn three_pages() -> Vec<u8> {
    file(&[CATALOGUE, (2, "<< /Count 3 >>")], "/Root 1 0 R")
}

#[test]
fn the_pages_are_those_that_the_document_counts() {
    let plain = file(&[CATALOGUE, TREE], "/Size 5 /Root 1 0 R");
    assert_eq!(pages(&plain), Some(2));

    // In other orders, with all that may stand between.
    let odd = file(
        &[
            (
                7,
                "<< /Lang (a \\) /Pages 9 0 R (b)) /Names << /Pages 8 0 R >> % /Pages 6 0 R\r\n\
                 /ID [<00> null true -1 0.5 [/Pages 5 0 R]] /Pages\n12 0 R>>",
            ),
            (12, "<< /Type /Pages /MediaBox [0 0 612.0 792] /Count 1203 /Kids [] >>"),
        ],
        "/Info << /Root 3 0 R >> /Root 7 0 R /Size 13",
    );
    assert_eq!(pages(&odd), Some(1203));
}

#[test]
fn what_was_changed_later_counts() {
    let first = file(&[CATALOGUE, TREE], "/Size 5 /Root 1 0 R");
    let at = first.windows(5).rposition(|window| window == b"xref\n").unwrap();
    // The last `xref` of the first file is that of `startxref`.
    let table = first[..at].windows(5).rposition(|window| window == b"xref\n").unwrap();
    let changed = (2, "<< /Type /Pages /Count 5 /Kids [] >>");
    let trailer = format!("/Size 5 /Root 1 0 R /Prev {table}");
    assert_eq!(pages(&more(first, &[changed], &trailer)), Some(5));
}

#[test]
fn what_is_not_told_in_plain_is_not_known() {
    let whole = file(&[CATALOGUE, TREE], "/Size 5 /Root 1 0 R");
    for wrong in [
        b"".to_vec(),
        b"%PDF-1.7".to_vec(),
        b"%PDF-1.7\n1 0 obj <</Type/XRef>> stream\nstartxref\n9\n%%EOF".to_vec(),
        b"startxref 99999999999999999999".to_vec(),
        b"startxref 7".to_vec(),
        whole[..whole.len() - 20].to_vec(),
        whole[9..].to_vec(),
        file(&[CATALOGUE], "/Root 1 0 R"),
        file(&[CATALOGUE, TREE], "/Size 5"),
        file(&[CATALOGUE, (2, "<< /Count -1 >>")], "/Root 1 0 R"),
        file(&[CATALOGUE, (2, "<< /Count 99999999999 >>")], "/Root 1 0 R"),
        file(&[CATALOGUE, (2, "<< /Count 3 0 R >>")], "/Root 1 0 R"),
        file(&[CATALOGUE, (2, &"[".repeat(100_000))], "/Root 1 0 R"),
        file(&[CATALOGUE, (2, &format!("<< /A {}", "[".repeat(100_000)))], "/Root 1 0 R"),
        // Its table was before itself.
        b"xref\ntrailer << /Prev 0 >>\nstartxref\n0\n%%EOF".to_vec(),
        b"xref\n0 18446744073709551615\nstartxref\n0\n%%EOF".to_vec(),
    ] {
        assert_eq!(pages(&wrong), None, "{}", wrong[..wrong.len().min(300)].escape_ascii());
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_no_end_of_the_program(at in 0..400_usize, byte: u8, cut in 0..400_usize) {
        let mut file = file(&[CATALOGUE, TREE], "/Size 5 /Root 1 0 R");
        let at = at % file.len();
        file[at] = byte;
        let _any = pages(&file);
        let _any = pages(&file[..file.len().saturating_sub(cut)]);
    }
}
