use super::*;

/// A program that is killed while it appends leaves any part of what it would have written.
#[tokio::test]
async fn a_line_torn_at_any_byte_is_not_read_and_cut_off() {
    let (before, torn) = (line("a") + &line("é"), line("this was never acknowledged"));
    for cut in 0..torn.len() {
        let mut bytes = before.clone().into_bytes();
        bytes.extend(&torn.as_bytes()[..cut]);
        let (_folder, path, store) = store_with(bytes);
        assert_eq!(
            store.read(&id("talk")).await.unwrap().unwrap(),
            [turn("a"), turn("é")],
            "{cut}"
        );
        assert_eq!(store.list().await.unwrap()[0].turns, 2, "{cut}");
        assert_eq!(store.list().await.unwrap()[0].damage, None, "{cut}");
        let after = store.append(&id("talk"), Revision::new(2), vec![turn("b")]).await.unwrap();
        assert_eq!(after.get(), 3);
        assert_eq!(fs::read_to_string(&path).unwrap(), before.clone() + &line("b"), "{cut}");
    }
}

/// A file system that lost what was written last may have kept the length.
#[tokio::test]
async fn nuls_at_the_end_are_no_line() {
    let torn = line("this was never acknowledged").into_bytes();
    let zeroed = |range: std::ops::Range<usize>| {
        let mut bytes = torn.clone();
        bytes[range].fill(0);
        bytes
    };
    let two_lines = [zeroed(0..9), zeroed(9..20)].concat();
    for tail in [zeroed(0..torn.len()), zeroed(0..9), zeroed(9..10), vec![0], two_lines] {
        let (_folder, path, store) = store_with([line("a").as_bytes(), &tail].concat());
        assert_eq!(store.read(&id("talk")).await.unwrap().unwrap(), [turn("a")], "{tail:?}");
        store.append(&id("talk"), Revision::new(1), vec![turn("b")]).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), line("a") + &line("b"), "{tail:?}");
    }
}

#[tokio::test]
async fn a_file_without_a_whole_line_is_no_conversation() {
    let torn = line("a");
    for bytes in ["", &torn[..torn.len() - 1], "\0\0\n"] {
        let (_folder, path, store) = store_with(bytes);
        assert_eq!(store.read(&id("talk")).await, Ok(None));
        assert_eq!(store.list().await, Ok(vec![]));
        let after = store.append(&id("talk"), Revision::ZERO, vec![turn("b")]).await;
        assert_eq!(after, Ok(Revision::new(1)));
        assert_eq!(fs::read_to_string(&path).unwrap(), line("b"));
        fs::write(&path, bytes).unwrap();
        assert_eq!(store.delete(&id("talk")).await, Ok(false));
        assert!(!path.exists());
    }
}
