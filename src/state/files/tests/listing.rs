use super::*;

#[tokio::test]
async fn what_is_no_conversation_is_not_listed() {
    let (folder, _, store) = store_with(line("a"));
    for name in ["notes.txt", ".hidden.jsonl", "a b.jsonl", "talk.jsonl.bak", ".jsonl"] {
        fs::write(folder.path().join(name), line("x")).unwrap();
    }
    let listed: Vec<_> = store.list().await.unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(listed, [id("talk")]);
}

#[tokio::test]
async fn one_that_is_damaged_hides_no_other() {
    let (folder, path, store) = store_with(line("a") + "{\"kind\":\"dream\"}\n" + &line("b"));
    fs::write(folder.path().join("other.jsonl"), line("c")).unwrap();
    fs::write(folder.path().join("zero.jsonl"), "?\n").unwrap();
    let [other, talk, zero] = &store.list().await.unwrap()[..] else { panic!("not three") };
    assert_eq!((&*other.first_words, &other.damage), ("c", &None));
    // What can be read of it is told.
    assert_eq!((talk.turns, &*talk.first_words), (2, "a"));
    let told = talk.damage.as_ref().unwrap();
    assert!(told.starts_with(&format!("{}:2 was written by a later", path.display())), "{told}");
    assert_eq!((zero.turns, zero.damage.is_some()), (0, true));
}

#[tokio::test]
async fn lines_that_others_wrote_are_listed_as_well() {
    let value: serde_json::Value = serde_json::from_str(&line("spaced")).unwrap();
    let spaced = value.to_string().replace(':', " : ").replace(" : 30 : 00", ":30:00");
    let sorted = format!("{{\"at\":\"2026-11-21T10:30:01Z\", \"kind\" : \"cleared\"}}\n{spaced}\n");
    let (_folder, _, store) = store_with(line("before") + &sorted);
    let listing = &store.list().await.unwrap()[0];
    assert_eq!((listing.turns, &*listing.first_words, &listing.damage), (1, "spaced", &None));
}

#[tokio::test]
async fn only_the_lines_that_are_needed_are_read() {
    // Between its first words and its last line a conversation may be long: it is not parsed.
    let (_folder, _, store) = store_with(line("a") + "{\"kind\":\"turn\",?\n" + &line("b"));
    let listing = &store.list().await.unwrap()[0];
    assert_eq!((listing.turns, &*listing.first_words, &listing.damage), (3, "a", &None));
}
